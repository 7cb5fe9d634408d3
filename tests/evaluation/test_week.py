"""Three buyers of one week: a regular, a cold customer, and one who bought a new article only."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.evaluation.beyond_accuracy import ATTRIBUTES
from hemline.evaluation.held_out_week import (
    EVERYTHING,
    NEW,
    OLDER,
    SCORED_LISTS,
    HeldOut,
    buyers_of,
    hold_out,
    score_all_lists,
    score_lists,
    slices,
    with_oracle,
)
from hemline.evaluation.protocol import EvaluateParams, score_customers

CUT = date(2020, 9, 16)
ARTICLES = pd.DataFrame({name: list("abcdef") for name in ATTRIBUTES})
PARAMS = EvaluateParams(
    rows={"popularity": ("popularity",), "repurchase": ("repurchase",)},
    list_length=20,
    min_customers=50,
    bootstrap_samples=10,
    sign_flips=10,
    recent_days=28,
    new_article_days=14,
    seed=1,
)


def matrix(rows: list[dict[int, float]]) -> sparse.csr_matrix:
    cells = np.zeros((len(rows), 6), np.float32)
    for row, values in zip(cells, rows, strict=True):
        row[list(values)] = list(values.values())
    return sparse.csr_matrix(cells)


@pytest.fixture
def week() -> HeldOut:
    """Customers 0, 2 and 3 buy; articles 0 and 1 are known for long, 2 since yesterday."""
    days_ago = matrix([{0: 30, 1: 3}, {1: 20}, {}, {2: 1}])
    units = days_ago.copy()
    units.data[:] = 1
    known = Histories.from_interactions(units, days_ago=days_ago)
    bought = Histories.from_interactions(matrix([{0: 1, 2: 2}, {}, {1: 1}, {5: 1}]))
    return hold_out(CUT, known, bought, ARTICLES, PARAMS)


@pytest.fixture
def scored(week: HeldOut) -> pd.DataFrame:
    lists = np.full((3, 20), -1, np.int32)
    lists[:, :2] = [[0, 2], [1, 2], [1, 0]]
    return score_lists(with_oracle({"popularity": lists}, week), week)


def maps(scored: pd.DataFrame, truth: str) -> dict[int, float]:
    lines = scored[(scored["model"] == "popularity") & (scored["truth"] == truth)]
    return dict(zip(lines[columns.CUSTOMER], lines["map@12"], strict=True))


def test_only_buyers_are_scored_and_each_has_its_key(week: HeldOut) -> None:
    assert week.customers.tolist() == [0, 2, 3]
    assert week.known.is_cold().tolist() == [False, True, False]


def test_the_truth_of_new_articles_leaves_out_who_bought_none(scored: pd.DataFrame) -> None:
    assert maps(scored, EVERYTHING) == {0: 1, 2: 1, 3: 0}
    # Article 2, at rank 2, is all of customer 0's truth; articles nobody bought yet are new.
    assert maps(scored, NEW) == {0: 1 / 2, 3: 0}
    assert maps(scored, OLDER) == {0: 1, 2: 1}


def test_the_oracle_is_the_ceiling_of_every_metric() -> None:
    bought = matrix([{0: 1, 3: 1}, {4: 2}])
    known = Histories.from_interactions(matrix([{}, {}]))
    both = hold_out(CUT, known, Histories.from_interactions(bought), ARTICLES, PARAMS)
    oracle = with_oracle({"popularity": np.full((2, 20), -1, np.int32)}, both)["oracle"]
    assert oracle[:, :3].tolist() == [[0, 3, -1], [4, -1, -1]]
    ceilings = score_customers(oracle, bought)
    assert (ceilings[["map@12", "recall@12", "ndcg@20", "mrr@12", "hit@20"]] == 1).all(axis=None)
    assert ceilings["precision@12"].tolist() == pytest.approx([2 / 12, 1 / 12])


def test_the_frame_is_what_its_schema_says(scored: pd.DataFrame) -> None:
    assert list(scored.columns) == SCORED_LISTS.names
    assert set(scored["cut"]) == {CUT}
    assert not scored.isna().any(axis=None)


def test_measures_of_all_lists_are_by_row(week: HeldOut) -> None:
    lists = {"popularity": np.array([[0], [0], [0]], np.int32)}
    shown = score_all_lists(lists, week)["popularity"]
    assert shown == {"coverage": 1 / 6, "personalisation@12": 0, "gini@12": pytest.approx(5 / 6)}


def test_slices_split_buyers_by_history_cluster_age_and_club(scored: pd.DataFrame) -> None:
    segments = pd.DataFrame({columns.CLUSTER: [0, 0, 1, 0], columns.AGE_BAND: [0, 6, -1, 0]})
    people = pd.DataFrame(
        {
            columns.AGE: [16, 70, None, 17],
            columns.NEWS: None,
            columns.FN: None,
            columns.ACTIVE: None,
        }
    )
    people[columns.CLUB] = ["ACTIVE", "ACTIVE", None, "ACTIVE"]
    parts = slices(buyers_of(scored), segments, people)
    assert {name: rows.tolist() for name, rows in parts.items()} == {
        "all": [0, 1, 2],
        "warm": [0, 2],
        "cold": [1],
        "cluster 0": [0, 2],
        "cluster 1": [1],
        "age 16-19": [0, 2],
        "age unknown": [1],
        "club ACTIVE": [0, 2],
        "club unknown": [1],
    }
