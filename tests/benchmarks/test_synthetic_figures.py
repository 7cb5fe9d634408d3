"""Figures of purchases: on a few rows counted by hand, and of a generated shop within bounds."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.record import Row
from benchmarks.synthetic import figures, popularity_figures
from benchmarks.synthetic.__main__ import BEFORE, SEPARATION, rows_of_shop
from benchmarks.synthetic.basket_features import basket_features
from benchmarks.synthetic.compared import HISTORIES, ONE_WEEK, distance
from benchmarks.synthetic.realism_table import realism_tables
from benchmarks.synthetic.samples import Sample, draw_sample, read_genuine, week_of
from benchmarks.synthetic.togetherness import GAPS
from benchmarks.synthetic.two_samples import separate
from hemline.data.synthetic.shop import GeneratedShop, SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.errors import BadInput

SIZE = ShopSize(
    n_customers=4_000, n_articles=3_000, first_day=date(2018, 9, 20), last_day=date(2020, 9, 22)
)


@pytest.fixture(scope="module")
def shop() -> GeneratedShop:
    return generate_shop(SyntheticParams(size=SIZE, seed=7, events=()))


@pytest.fixture(scope="module")
def sample(shop: GeneratedShop) -> Sample:
    return draw_sample(shop, 4_000, np.random.default_rng(0))


def test_distances_are_those_of_their_definitions() -> None:
    assert distance("tv", {"a": 0.5, "b": 0.5}, {"a": 0.2, "c": 0.8}) == pytest.approx(
        (0.3 + 0.5 + 0.8) / 2
    )
    assert distance("log", {"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 2.0}) == pytest.approx(
        np.log(2) / 2
    )
    assert distance("diff", {"a": 0.1, "b": -0.1}, {"a": 0.2, "b": 0.1}) == pytest.approx(0.15)


def three_visits() -> Sample:
    """One customer: two articles of a department on a day, one of them again 10 days later."""
    rows = pd.DataFrame(
        {
            "customer": [0, 0, 0, 1],
            "t_dat": pd.to_datetime(["2020-01-01", "2020-01-01", "2020-01-11", "2020-01-01"]),
            "article": [0, 1, 0, 2],
            "product": [0, 1, 0, 2],
            "department_no": [5, 5, 5, 6],
            "sales_channel_id": [1, 1, 2, 2],
            "price": [0.01, 0.02, 0.01, 0.03],
        }
    )
    return Sample(rows, pd.DataFrame())


def test_figures_count_what_they_say() -> None:
    sample = three_visits()
    assert figures.mean_articles(sample) == {"articles": 1.5, "rows": 2.0}
    assert figures.days_between_visits(sample)["<=14"] == 1.0
    assert figures.bought_before(sample) == {"share": 1 / 4}
    assert figures.days_to_rebuy(sample)["<=14"] == 1.0
    assert figures.channel_persistence(sample)["after store"] == 1.0
    assert figures.articles_a_basket(sample)["<=2"] == pytest.approx(1 / 3)
    assert popularity_figures.effective_articles(sample)["articles"] == pytest.approx(3.0)


def test_baskets_of_the_shop_belong_together(sample: Sample) -> None:
    lift = {
        column: figures.basket_lift(column)(sample)["lift"]
        for column in ("department_no", "section_no", "garment_group_no", "colour_group_code")
    }
    assert 2.5 < lift["department_no"] < 8
    assert 1.7 < lift["section_no"] < 5
    assert 1.7 < lift["garment_group_no"] < 4.5
    assert 1.1 < lift["colour_group_code"] < 1.8
    prices = figures.price_correlations(sample)
    assert 0.15 < prices["basket"] < 0.4
    assert 0.03 < prices["> 28 d"] < 0.2 < 3 * prices["basket"]
    assert prices["> 28 d"] < prices["basket"]


def test_an_intent_fades_over_weeks_and_a_loyalty_stays(sample: Sample) -> None:
    lifts = list(figures.department_lifts(GAPS)(sample).values())
    assert lifts[0] > 1.3 * lifts[3]
    assert lifts[0] > lifts[2] > lifts[3] > 1.1
    assert all(1.0 < lift < 2.2 for lift in lifts[4:])


def test_channels_persist_and_garments_have_their_own(sample: Sample) -> None:
    after = figures.channel_persistence(sample)
    assert 0.7 < after["after online"] < 0.84
    assert 0.28 < after["after store"] < 0.42
    assert 0.06 < figures.online_by_garment(sample)["s.d."] < 0.18
    size = figures.baskets_by_channel(sample)
    assert 1.3 < size["online"] / size["store"] < 1.8


def test_articles_are_bought_again_within_a_week_and_after_months(sample: Sample) -> None:
    lags = figures.days_to_rebuy(sample)
    assert 0.4 < lags["<=7"] < 0.62
    assert lags["<=180"] + lags[">180"] > 0.1
    assert lags[">180"] > 0.015
    chances = list(figures.rebuy_chances(sample).values())
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] > 0.001


def test_popularity_lasts_for_weeks_and_the_shop_does_not_live_on_bestsellers(
    shop: GeneratedShop, sample: Sample
) -> None:
    kept = popularity_figures.kept_popularity(sample)
    assert 0.55 < kept["4 weeks"] < 0.85
    assert 0.08 < kept["52 weeks"] < 0.25
    assert popularity_figures.reach(week_of(shop))["best"] < 0.12
    assert figures.articles_a_basket(sample)["<=1"] == pytest.approx(0.36, abs=0.06)


def test_a_classifier_tells_samples_apart_only_if_they_differ(shop: GeneratedShop) -> None:
    one, other = (
        basket_features(draw_sample(shop, 400, np.random.default_rng(seed))) for seed in (1, 2)
    )
    alike = separate(one, other, 7)
    assert alike.low < 0.5 < alike.high + 0.05
    larger = other.assign(articles=other["articles"] + 3)
    apart = separate(one, larger, 7)
    assert apart.low > 0.8
    assert next(iter(apart.gains)) == "articles"
    assert sum(apart.gains.values()) == pytest.approx(1)


def test_a_shop_has_a_row_per_figure_and_a_table(shop: GeneratedShop) -> None:
    rng = np.random.default_rng(3)
    rows = rows_of_shop("demo", shop, draw_sample(shop, 500, rng), week_of(shop))
    apart = [row for row in rows if row.metric.startswith("distance")]
    assert len(apart) == len(HISTORIES) + len(ONE_WEEK) >= 30
    assert all(row.value == 0 for row in apart if row.case.startswith("week:"))
    assert np.mean([row.value for row in apart]) < 0.25  # two samples of one shop
    auc = next(row.value for row in rows if (row.case, row.metric) == (SEPARATION, "auc"))
    assert auc < 0.6
    before = [Row(row.case, row.model + BEFORE, *row[2:]) for row in rows if row.model == "demo"]
    text = realism_tables([*rows, *before])
    assert text.count("\n") > len(apart)
    assert f"| demo{BEFORE} | {auc:.3f} |" in text


def test_a_folder_without_genuine_data_is_refused_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="make bench-synthetic"):
        read_genuine(tmp_path)
