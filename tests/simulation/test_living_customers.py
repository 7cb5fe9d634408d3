"""Customers who react to lists: the better the lists, the more is sold, now and later."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pytest

from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.sales import draw_transactions, sell_all
from hemline.data.synthetic.shop_days import ShopDays
from hemline.data.synthetic.world import World, draw_world
from hemline.simulation.living_customers import ClosedDay, LivingCustomers, OpenDay
from hemline.simulation.living_params import LivingParams
from hemline.simulation.shop_past import Bestsellers, lived_through
from hemline.simulation.simulation_params import SimulationParams

LIVE = LivingParams(
    customers=1500, articles=400, history_weeks=20, weeks=8, first_day=date(2020, 9, 23)
)
PARAMS = SimulationParams()
N_DAYS = 42
N_LUCKS = 150


Shows = Callable[[World, OpenDay, int], np.ndarray]


def in_mind(_: World, opened: OpenDay, visit: int) -> np.ndarray:
    return np.unique(opened.begun.article[opened.begun.visit == visit])


def bestsellers(world: World, opened: OpenDay, _: int) -> np.ndarray:
    appeal = world.catalogue.appeal[opened.begun.offer.articles]
    return opened.begun.offer.articles[np.argsort(-appeal)[:12]]


def lives(show: Shows | None = None, params: SimulationParams = PARAMS) -> list[ClosedDay]:
    world = draw_world(LIVE.size, LIVE.seed, ())
    days = ShopDays(world)
    for _ in range(LIVE.history_days):
        sell_all(days)
    customers = LivingCustomers(world, days, params)
    closed = []
    for _ in range(N_DAYS):
        opened = customers.open_day()
        lists = {}
        if show is not None:
            lists = {who: show(world, opened, visit) for who, visit in opened.online.items()}
        closed.append(customers.close_day(opened, lists))
    return closed


def sold(days: list[ClosedDay]) -> float:
    return float(sum(day.online.price.sum() for day in days))


def test_the_same_lists_give_the_same_days() -> None:
    first, again = lives(bestsellers), lives(bestsellers)
    for one, other in zip(first, again, strict=True):
        assert one.reactions == other.reactions
        assert one.returned == other.returned
        for part, same in zip(one.online, other.online, strict=True):
            np.testing.assert_array_equal(part, same)


def test_a_shop_that_knows_its_customers_sells_more_than_one_that_shows_what_sells() -> None:
    nothing, popular, known = lives(), lives(bestsellers), lives(in_mind)
    assert sold(nothing) < sold(popular) < sold(known)
    assert sum(day.stayed_away for day in known) < sum(day.stayed_away for day in nothing)


def test_lists_change_nothing_in_stores() -> None:
    first, other = lives()[0].store, lives(in_mind)[0].store
    pairs = [set(zip(each.customer, each.article, strict=True)) for each in (first, other)]
    assert pairs[0]
    assert pairs[0] == pairs[1]


def test_who_gets_everything_is_satisfied_and_who_gets_nothing_stays_away() -> None:
    always = SimulationParams(**{**PARAMS.model_dump(), "finds": 1.0})
    never = SimulationParams(**{**PARAMS.model_dump(), "finds": 0.0, "stays_away": 1.0})
    served, refused = lives(params=always), lives(params=never)
    assert all(value >= PARAMS.satisfied for day in served for value in day.satisfaction.values())
    assert not sold(refused)
    late = [sum(day.stayed_away for day in days[-14:]) for days in (refused, served)]
    assert late[0] > late[1]


def test_only_what_was_bought_online_is_sent_back_and_in_time() -> None:
    days = lives(bestsellers)
    low, high = PARAMS.return_days
    pairs, bought = [], {}
    for number, day in enumerate(days):
        today = set(zip(day.online.customer.tolist(), day.online.article.tolist(), strict=True))
        pairs += today
        bought |= dict.fromkeys(today, number)
    again = {pair for pair, n in Counter(pairs).items() if n > 1}
    returned = [(number, one) for number, day in enumerate(days) for one in day.returned]
    assert len(returned) > 20
    for number, one in returned:
        first = bought[one.customer, one.article]
        assert number - first <= high
        assert number - first >= low or (one.customer, one.article) in again
        assert one.units >= 1
        assert one.price > 0


def test_what_was_bought_before_does_not_suit_again() -> None:
    world = draw_world(LIVE.size, LIVE.seed, ())
    days = ShopDays(world)
    sales = sell_all(days)
    customer, article = int(sales.customer[0]), int(sales.article[0])
    siblings = np.flatnonzero(
        world.catalogue.first_sibling == world.catalogue.first_sibling[article]
    )
    assert days.has_bought(customer, siblings).all()


def test_a_past_without_living_days_is_that_of_the_generator() -> None:
    world = draw_world(LIVE.size, LIVE.seed, ())
    days = ShopDays(world)
    units = sum(len(sell_all(days).customer) for _ in range(world.size.n_days))
    assert units == len(draw_transactions(world))


def test_closed_stores_send_some_customers_to_the_page() -> None:
    closing = Event(kind="closed_stores", date=LIVE.first_day, until=None, size="large")
    opened = partial(lived_through, behaviour=PARAMS)
    _, usual, _, past = opened(LIVE)
    _, closed, _, same_past = opened(LivingParams(**{**LIVE.model_dump(), "events": (closing,)}))
    assert past.equals(same_past)
    visits = [
        sum(len(customers.close_day(customers.open_day(), {}).reactions) for _ in range(7))
        for customers in (usual, closed)
    ]
    assert visits[1] > 1.1 * visits[0]


def test_what_lists_add_is_what_is_sold_more_on_average_less_what_comes_back() -> None:
    world = draw_world(LIVE.size, LIVE.seed, ())
    days = ShopDays(world)
    for _ in range(LIVE.history_days):
        sell_all(days)
    changes = {"return_days": (1, 1), "looks_on": 0.95, "discovers": 0.8, "stays_away": 0.0}

    def customers(seed: int) -> LivingCustomers:
        params = SimulationParams(**{**PARAMS.model_dump(), **changes, "seed": seed})
        return LivingCustomers(world, copy.deepcopy(days, {id(world): world}), params)

    morning = customers(0)
    opened = morning.open_day()
    lists = {who: bestsellers(world, opened, visit) for who, visit in opened.online.items()}
    added = morning.added_revenue(opened, {"best": lists, "none": {}})
    assert added["none"] == dict.fromkeys(opened.online, 0.0)
    more = [
        np.subtract(*(net_revenue(customers(seed), seed, shown) for shown in (lists, {})))
        for seed in range(N_LUCKS)
    ]
    error = np.std(more, ddof=1) / np.sqrt(N_LUCKS)
    expected = sum(added["best"].values())
    assert expected > 4 * error
    assert np.mean(more) == pytest.approx(expected, abs=3 * error)


def net_revenue(customers: LivingCustomers, seed: int, lists: dict[int, np.ndarray]) -> float:
    """Of a day, with the luck of a seed; what is sent back comes on the next."""
    opened = customers.open_day()
    opened = replace(opened, begun=replace(opened.begun, rng=np.random.default_rng(seed)))
    sold = customers.close_day(opened, lists).online.price.sum(dtype=np.float64)
    return float(sold - sum(one.price * one.units for one in customers.open_day().returned))


def test_the_past_has_the_days_before_the_first_living_one() -> None:
    _, customers, _, past = lived_through(LIVE, PARAMS)
    assert past["t_dat"].min().date() == LIVE.size.first_day
    assert past["t_dat"].max().date() < LIVE.first_day
    assert customers.open_day().begun.today == LIVE.first_day


def test_bestsellers_are_those_of_four_weeks() -> None:
    world = draw_world(LIVE.size, LIVE.seed, ())
    days, best = ShopDays(world), Bestsellers(LIVE.articles, 3)
    assert not len(best.articles)
    sales = [sell_all(days) for _ in range(40)]
    for one in sales:
        best.add(one)
    counts = np.bincount(
        np.concatenate([one.article for one in sales[-28:]]), minlength=LIVE.articles
    )
    assert sorted(counts[best.articles]) == sorted(np.sort(counts)[-3:])


def test_an_event_before_the_first_living_day_is_refused() -> None:
    early = Event(kind="closed_stores", date=date(2020, 9, 1), until=None, size="large")
    with pytest.raises(ValueError, match="lies before 2020-09-23"):
        LivingParams(events=(early,))
