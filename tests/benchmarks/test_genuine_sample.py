"""The pooled sample: whose lists count how often, and which weeks teach which."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.genuine.pooled import HIGH, LOW, best_row, pooled_rows
from benchmarks.genuine.sample_shop import read_sample_shop
from benchmarks.genuine.served_weeks import OWN_730, weekly_scores
from hemline import columns
from hemline.data.split import DataParams
from hemline.errors import BadInput
from hemline.models.ranker.article_features import ATTRIBUTES
from hemline.training import ranker_fitting
from hemline.training.training_shop import Shop
from tests.tiny_project import REPOSITORY, change_params

CUT = date(2020, 9, 16)
WEEK = timedelta(weeks=1)
N_CUSTOMERS, N_ARTICLES = 12, 6


def scores_of(**values: list[float]) -> pd.DataFrame:
    """Return the scores of two weeks in which the first customer bought twice, the second once."""
    lists = [(CUT - WEEK, 0), (CUT, 0), (CUT, 1)]
    lines = [
        (*which, row, value)
        for row, of_row in values.items()
        for which, value in zip(lists, of_row, strict=True)
    ]
    return pd.DataFrame(lines, columns=["week", columns.CUSTOMER, "row", "map@12"])


def test_a_mean_is_over_all_lists_and_a_difference_is_paired() -> None:
    scores = scores_of(popularity=[0.1, 0.2, 0.3], rank=[0.2, 0.3, 0.4])
    rows = pooled_rows("sample", scores, ["popularity"], n_samples=100, seed=7)
    value = {(row.case, row.model, row.metric): row.value for row in rows}
    assert value["sample", "rank", "map@12"] == pytest.approx((0.2 + 0.3 + 0.4) / 3)
    ends = [value["sample minus popularity", "rank", end] for end in ("map@12", LOW, HIGH)]
    assert ends == pytest.approx([0.1, 0.1, 0.1]), "the same for each customer"
    assert ("sample minus popularity", "popularity", "map@12") not in value


def test_customers_are_weighted_with_all_of_their_lists() -> None:
    scores = scores_of(rank=[1.0, 1.0, 0.0])
    rows = pooled_rows("sample", scores, [], n_samples=4000, seed=7)
    low, high = (next(row.value for row in rows if row.metric == end) for end in (LOW, HIGH))
    share = 0.025  # of the first customer's weight, uniform in 0 to 1
    assert low == pytest.approx(2 * share / (1 + share), abs=0.02)
    assert high == pytest.approx(2 * (1 - share) / (2 - share), abs=0.02)


def test_the_best_row_is_the_one_with_the_largest_mean() -> None:
    scores = scores_of(cvae=[0.1, 0.1, 0.1], ease=[0.0, 0.0, 0.4], rank=[1.0, 1.0, 1.0])
    assert best_row(scores, ["cvae", "ease"]) == "ease"


def test_a_folder_without_the_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="hm-sample"):
        read_sample_shop(tmp_path, REPOSITORY / "params.yaml")


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Every customer buys one article a week, on the day the week begins."""
    week, customer = (axis.ravel() for axis in np.mgrid[8:-1:-1, :N_CUSTOMERS])
    purchases = pd.DataFrame(
        {
            columns.CUSTOMER: customer,
            columns.ARTICLE: (customer + week) % N_ARTICLES,
            columns.DAY: pd.Timestamp(CUT) - pd.to_timedelta(7 * week, unit="D"),
            columns.PRICE: 10.0,
            columns.CHANNEL: 1,
            columns.UNITS: 1,
        }
    )
    people = np.zeros(N_CUSTOMERS, np.int8)
    return Shop(
        purchases,
        pd.DataFrame(dict.fromkeys(ATTRIBUTES, "same"), index=range(N_ARTICLES)),
        pd.DataFrame({columns.CLUSTER: people, columns.AGE_BAND: people}),
        DataParams(cut=CUT, history_years=1, validation_days=7, test_days=7),
    )


@pytest.fixture
def params(tmp_path: Path) -> Path:
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    orders = [["rank", "popularity"]]
    changes = {
        ("rank", "candidates"): {"popularity": N_ARTICLES},
        ("rank", "training_weeks"): 2,
        ("rank", "least_customers"): 0,
        ("rank", "min_pairs_in_leaf"): 1,
        ("rank", "max_trees"): 2,
        ("choose", "warm"): orders,
        ("choose", "cold"): orders,
        ("choose", "min_customers"): 5,
        ("serve", "per_product"): 0,
        ("evaluate", "rows"): {
            "popularity": ["popularity"],
            "repurchase": ["repurchase", "popularity"],
            "rank": ["rank", "popularity"],
        },
    }
    change_params(tmp_path, changes)
    return tmp_path / "params.yaml"


@pytest.mark.slow
def test_every_buyer_of_every_week_has_a_score_of_every_row(shop: Shop, params: Path) -> None:
    scores = weekly_scores(shop, params, n_weeks=3, n_before=3, learn_every=2)
    assert set(scores["row"]) == {"popularity", "repurchase", "rank", OWN_730, "served"}
    assert scores.groupby("row").size().tolist() == [3 * N_CUSTOMERS] * 5
    assert sorted(set(scores["week"])) == [CUT - 2 * WEEK, CUT - WEEK, CUT]
    first = scores[scores["week"] == CUT - 2 * WEEK].set_index("row")["map@12"]
    assert first["served"].tolist() == first["popularity"].tolist(), "no week was scored before"


def test_the_ranker_learns_from_earlier_weeks_only_and_every_few_weeks(
    shop: Shop, params: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = []
    grow = ranker_fitting.grow_trees

    def counting(weeks: list[object], *others: object) -> object:
        learned.append(list(weeks))
        return grow(weeks, *others)  # type: ignore[arg-type]

    monkeypatch.setattr("benchmarks.genuine.served_weeks.grow_trees", counting)
    weekly_scores(shop, params, n_weeks=3, n_before=3, learn_every=2)
    assert [len(weeks) for weeks in learned] == [3, 3], "the validation week and training_weeks"
    assert learned[1][2] is learned[0][0], "two weeks later"
