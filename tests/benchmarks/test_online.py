"""The offline-online benchmark's own numbers, from known answers."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.online.foretold import explored, interleaved, opinions, slot_estimate
from benchmarks.online.futures import (
    MEASURES,
    bought_in,
    correlation_interval,
    live_under,
    offline_measures,
    rank_correlation,
)
from benchmarks.online.policies import ListFor, ListPolicy, Lists, bestsellers, by_value
from hemline.data.synthetic.demand import expected_prices
from hemline.simulation.living_customers import OpenDay
from hemline.simulation.living_params import LivingParams
from hemline.simulation.relived_shop import RelivedShop
from hemline.simulation.shop_past import lived_through
from hemline.simulation.simulation_params import SimulationParams

LIVE = LivingParams(customers=4000, articles=300, history_weeks=20, first_day=date(2020, 9, 23))
N_DAYS = 28


@pytest.fixture(scope="module")
def opening() -> tuple[RelivedShop, np.ndarray]:
    """The shop, and how often each article was sold in the last four weeks."""
    world, customers, best, past = lived_through(LIVE, SimulationParams())
    late = past[past["t_dat"] >= pd.Timestamp(LIVE.first_day) - pd.Timedelta(days=28)]
    return RelivedShop(world, customers, best), np.bincount(
        late["article"], minlength=LIVE.articles
    )


@pytest.fixture(scope="module")
def morning(opening: tuple[RelivedShop, np.ndarray]) -> RelivedShop:
    return opening[0]


@pytest.fixture(scope="module")
def popular(opening: tuple[RelivedShop, np.ndarray]) -> ListFor:
    best = np.argsort(-opening[1])[:30]
    return lambda _, __: best


@pytest.fixture(scope="module")
def unpopular(opening: tuple[RelivedShop, np.ndarray]) -> ListFor:
    worst = np.argsort(opening[1])[:30]
    return lambda _, __: worst


def knowing(_: RelivedShop, opened: OpenDay) -> Lists:
    """Everybody sees what they came for."""
    begun = opened.begun
    return {who: np.unique(begun.article[begun.visit == row]) for who, row in opened.online.items()}


def nothing(_: RelivedShop, opened: OpenDay) -> Lists:
    return dict.fromkeys(opened.online, np.empty(0, np.int64))


def test_a_future_counts_what_was_sold_less_what_came_back(morning: RelivedShop) -> None:
    days = []
    future = live_under(morning, knowing, N_DAYS, "x", lambda *each: days.append(each[2]))
    sold = sum(float(day.online.price.sum()) for day in days)
    back = sum(one.price * one.units for day in days for one in day.returned)
    assert back > 0
    assert future.spent.sum() == pytest.approx(sold - back, rel=1e-5)
    assert future.visits.sum() == sum(len(day.reactions) for day in days)
    assert future.got > live_under(morning, nothing, N_DAYS, "y").got
    assert future.spent.mean() > live_under(morning, nothing, N_DAYS, "y").spent.mean()


def test_offline_measures_are_of_who_bought(morning: RelivedShop) -> None:
    bought = bought_in(morning, nothing, 7)
    perfect = offline_measures(
        morning, lambda _, who: np.array(sorted(bought.everywhere[who])), bought
    )
    everywhere, online, paid = (perfect[name] for name in MEASURES)
    assert set(np.flatnonzero(~np.isnan(everywhere))) == set(bought.everywhere)
    assert np.nanmin(everywhere) == np.nanmax(everywhere) == 1
    assert set(bought.online) < set(bought.everywhere)
    for measure in (online, paid):
        assert set(np.flatnonzero(~np.isnan(measure))) == set(bought.online)
    short = [who for who, articles in bought.everywhere.items() if len(articles) <= 12]
    for who in set(short) & set(bought.online):
        assert paid[who] == pytest.approx(sum(bought.online[who].values()))


def test_what_lists_add_tells_policies_apart_that_sales_do_not(
    morning: RelivedShop, popular: ListFor, unpopular: ListFor
) -> None:
    best, worst = (
        live_under(morning, ListPolicy(each), N_DAYS, "x") for each in (popular, unpopular)
    )
    added, sold = best.added - worst.added, best.spent - worst.spent
    assert added.mean() > 5 * error(added)
    assert error(added) < error(sold) / 3
    assert sold.mean() == pytest.approx(added.mean(), abs=3 * error(sold))


def error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def test_by_value_the_dearer_comes_first_unless_its_place_is_much_later(
    morning: RelivedShop, popular: ListFor
) -> None:
    world, day = morning.world, morning.customers.next_day
    price = expected_prices(
        world.catalogue, np.arange(300), day=day, today=LIVE.first_day, events=()
    )
    cheap, dear = int(np.argmin(price)), int(np.argmax(price))
    ratio = price[dear] / price[cheap]
    others = [one for one in range(300) if one not in {cheap, dear}]
    for place in (1, int(3 * ratio) + 1):
        listed = [cheap, *others[: place - 1], dear]
        shown = by_value(lambda _, __, listed=listed: np.array(listed), 300)(morning, 0).tolist()
        assert (shown.index(dear) < shown.index(cheap)) == (place == 1)
    assert len(by_value(popular, 12)(morning, 0)) == 12


def test_bestsellers_are_of_the_day(morning: RelivedShop) -> None:
    future = live_under(morning, ListPolicy(bestsellers), N_DAYS, "x").shop
    assert bestsellers(morning, 0).tolist() == bestsellers(morning, 1).tolist()
    assert bestsellers(future, 0).tolist() != bestsellers(morning, 0).tolist()


def test_the_correlation_of_equal_orders_is_one_and_its_interval_says_how_sure() -> None:
    rng = np.random.default_rng(0)
    offline = rng.normal(size=(5, 1)) * 0.01 + np.arange(5)[:, None] + rng.normal(size=(5, 400))
    online = np.arange(5)[:, None] * 10 + rng.normal(size=(5, 400))
    offline[:, 200:] = np.nan
    assert correlation_interval(offline, online, rng, 200) == pytest.approx((1, 1, 1), abs=0.11)
    value, low, high = correlation_interval(offline, rng.normal(size=(5, 400)), rng, 400)
    assert low <= value <= high
    assert high - low > 0.5
    assert rank_correlation(np.zeros(3), np.arange(3.0)) == 0


def test_interleaving_prefers_what_sells(
    morning: RelivedShop, popular: ListFor, unpopular: ListFor
) -> None:
    found = interleaved(morning, unpopular, popular, N_DAYS, "popular")
    assert found.preference > 0.5
    assert found.z > 3


def test_slots_are_logged_with_the_order_of_each_policy(
    morning: RelivedShop, popular: ListFor
) -> None:
    def backwards(shop: RelivedShop, customer: int) -> np.ndarray:
        return popular(shop, customer)[::-1]

    log, later = explored(morning, popular, {"same": popular, "backwards": backwards}, N_DAYS)
    assert later is not morning
    assert len(log.customers) == len(log.rewards) == len(log.opinions) > 300
    assert sum(log.rewards) > 5
    rng = np.random.default_rng(0)
    same = slot_estimate(log, "same", rng)
    assert same.value is not None
    decisions = log.decisions()
    assert decisions.propensities.sum(axis=1) == pytest.approx(1)
    assert log.orders["same"][0].tolist() == list(range(10))
    assert log.orders["backwards"][0].tolist() == list(range(9, -1, -1))


def test_opinions_are_minus_the_log_of_places() -> None:
    views = opinions(np.array([5, 9]), [np.array([9, 5]), np.array([7, 5])])
    assert views == pytest.approx(-np.log([[2, 2], [1, 3]]))
