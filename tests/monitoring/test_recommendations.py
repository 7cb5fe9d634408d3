"""Signals of lists: known answers, and pseudo-values that add up to the number they stand for."""

from datetime import date
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hemline.evaluation.beyond_accuracy import gini
from monitoring.recommendations import signals_of_lists
from monitoring.signals import Signal
from monitoring.summaries import draw_weights, summary_rows

ARTICLES = pd.DataFrame(
    {
        "product_group_name": ["Tops", "Tops", "Shoes", "Shoes", "Bags", "Bags", "Bags"],
        "index_group_name": ["Women"] * 4 + ["Men"] * 3,
    }
)
LISTS = [[0, 1, 2], [0, 1, -1], [0, 2, 5], [0, -1, -1]]
N_ON_SALE = 7
WEEK_END = date(2020, 9, 16)


def recommended(lists: list[list[int]] | npt.NDArray[np.int32] = LISTS) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "articles": list(np.array(lists, np.int32)),
            "repeat_share": np.linspace(0, 1, len(lists)),
            "is_cold": np.arange(len(lists)) == 0,
            "n_on_sale": N_ON_SALE,
        }
    )


def signals(lists: list[list[int]] = LISTS, n_lists: int = 3) -> dict[str, Signal]:
    return {one.column: one for one in signals_of_lists(recommended(lists), ARTICLES, n_lists)}


def values(signal: Signal) -> npt.NDArray[np.float64]:
    return signal.measured.toarray()[:, 0]


def test_every_signal_is_about_recommendations_and_all_buyers() -> None:
    observed = signals()
    assert {one.about for one in observed.values()} == {"recommendations"}
    assert {one.segment for one in observed.values()} == {"all"}
    assert set(observed) == {
        "product_group_name",
        "index_group_name",
        "repeat_share",
        "top_ten_share",
        "gini",
        "coverage",
        "stranger_share",
        "empty_share",
    }
    assert all(one.measured.shape[0] == len(one.buyers) == 4 for one in observed.values())


def test_a_list_is_made_of_the_groups_of_its_articles() -> None:
    groups = signals()["product_group_name"]
    assert groups.categories == ("Bags", "Shoes", "Tops")
    expected = [[0, 1 / 3, 2 / 3], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]]
    assert groups.measured.toarray() == pytest.approx(np.array(expected))


def test_a_buyer_without_a_list_does_not_count_for_groups_but_has_empty_places() -> None:
    observed = signals([*LISTS, [-1, -1, -1]])
    assert observed["index_group_name"].buyers.tolist() == [0, 1, 2, 3]
    assert values(observed["empty_share"]) == pytest.approx([0, 1 / 3, 0, 2 / 3, 1])
    assert values(observed["top_ten_share"])[-1] == 0


def test_cold_customers_and_repeats_are_counted() -> None:
    observed = signals()
    assert values(observed["stranger_share"]).tolist() == [1, 0, 0, 0]
    assert values(observed["repeat_share"]).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_the_share_of_the_ten_most_listed_articles_is_counted() -> None:
    everywhere = list(range(10))
    lists = [[*everywhere, 10, 11], [*everywhere, 12, 13]]
    catalogue = pd.DataFrame(dict.fromkeys(ARTICLES.columns, ["one"] * 14))
    observed = {one.column: one for one in signals_of_lists(recommended(lists), catalogue, 2)}
    assert values(observed["top_ten_share"]) == pytest.approx([10 / 12, 10 / 12])


@pytest.mark.parametrize("n_lists", [1, 2, 3])
def test_coverage_is_the_mean_number_of_articles_in_this_many_lists(n_lists: int) -> None:
    drawn = [
        len({article for one in some for article in one} - {-1})
        for some in combinations(LISTS, n_lists)
    ]
    mean = values(signals(n_lists=n_lists)["coverage"]).mean()
    assert mean == pytest.approx(np.mean(drawn) / N_ON_SALE)


def test_a_pseudo_value_of_coverage_is_what_is_lost_without_the_list() -> None:
    def coverage(lists: list[list[int]]) -> float:
        drawn = [
            len({article for one in some for article in one} - {-1})
            for some in combinations(lists, 2)
        ]
        return float(np.mean(drawn)) / N_ON_SALE

    without = [coverage(LISTS[:row] + LISTS[row + 1 :]) for row in range(4)]
    expected = 4 * coverage(LISTS) - 3 * np.array(without)
    assert values(signals(n_lists=2)["coverage"]) == pytest.approx(expected)


def test_the_gini_coefficient_counts_articles_on_sale_that_are_in_no_list() -> None:
    # Article 0 stands in 4 lists, 1 and 2 in two, 5 in one; 3, 4 and 6 in none.
    amounts = np.array([4, 2, 2, 1, 0, 0, 0], np.float64)
    assert values(signals()["gini"]).mean() == pytest.approx(gini(amounts))


def test_a_pseudo_value_of_gini_is_its_slope_in_the_weight_of_the_list() -> None:
    lists = [[0, 1, 2], [0, 1, 2], [0, 1, -1], [0, 3, -1], [0, 3, -1], [0, 3, 4], [3, -1, -1]]

    def weighted(row: int, weight: float) -> float:
        counts = np.zeros(N_ON_SALE)
        for place, one in enumerate(lists):
            counts[[article for article in one if article >= 0]] += weight if place == row else 1.0
        return gini(counts)

    observed = values(signals(lists)["gini"])
    tiny = 1e-6
    for row in range(len(lists)):
        slope = (weighted(row, 1 + tiny) - weighted(row, 1 - tiny)) / (2 * tiny)
        assert observed[row] - observed.mean() == pytest.approx(len(lists) * slope, abs=1e-4)


def test_resampling_pseudo_values_is_not_biased_as_resampling_lists_is() -> None:
    rng = np.random.default_rng(3)
    lists = np.array([rng.choice(4000, 12, replace=False) for _ in range(300)], np.int32)
    catalogue = pd.DataFrame(dict.fromkeys(ARTICLES.columns, ["one"] * 4000))
    observed = {one.column: one for one in signals_of_lists(recommended(lists), catalogue, 100)}
    rows = summary_rows(WEEK_END, [observed["coverage"]], draw_weights(300, 200, rng))
    value, replicates = rows["value"].iloc[0], np.array(rows["replicates"].iloc[0], np.float64)
    # Of 4000 equally likely articles 100 lists of 12 hold 4000 * (1 - (1 - 12 / 4000) ** 100).
    expected = 4000 * (1 - (1 - 12 / 4000) ** 100) / N_ON_SALE
    assert value == pytest.approx(expected, rel=0.01)
    assert replicates.mean() == pytest.approx(value, abs=replicates.std() / 3)
    # A resample of 300 lists holds about 63 % of them, some twice, and so fewer articles.
    drawn_twice = lists[rng.choice(300, 300)][:100]
    assert len(np.unique(drawn_twice)) / N_ON_SALE < value - 3 * replicates.std()
