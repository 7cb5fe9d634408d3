"""Both scans, compared with sorting all scores."""

import numpy as np
import pytest

from hemline.kernels.dense_topk import Matrix, ScoreTable
from hemline.kernels.lists import Lists, top_k

MANY, FEW = 300, 3  # beyond one block, and few enough for the scan in int8


def plain(customers: Matrix, table: ScoreTable, k: int) -> Lists:
    """All scores in float64, rounded once, and sorted."""
    products = customers.astype(np.float64) @ table.vectors.T.astype(np.float64)
    return top_k((products + table.bias).astype(np.float32), k)


def same(left: Lists, right: Lists) -> bool:
    return all(np.array_equal(*pair) for pair in zip(left, right, strict=True))


@pytest.fixture(scope="module", params=[1, 7, 200])
def table(request: pytest.FixtureRequest) -> ScoreTable:
    """More articles than a tile, long and short vectors, some articles excluded."""
    rng = np.random.default_rng(request.param)
    vectors = rng.normal(size=(5000, request.param)) * rng.lognormal(0, 1, size=(5000, 1))
    bias = np.where(rng.random(5000) < 0.1, -np.inf, rng.normal(size=5000))
    return ScoreTable(vectors.astype(np.float32), bias.astype(np.float32))


def customers_of(table: ScoreTable, n: int) -> Matrix:
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, table.vectors.shape[1])).astype(np.float32)


@pytest.mark.parametrize("n_customers", [FEW, MANY])
@pytest.mark.parametrize("k", [1, 12, 100])
def test_lists_are_those_of_all_scores_sorted(table: ScoreTable, n_customers: int, k: int) -> None:
    customers = customers_of(table, n_customers)
    assert same(table.best(customers, k), plain(customers, table, k))


def test_one_customer_gets_the_list_of_a_batch_to_the_bit(table: ScoreTable) -> None:
    customers = customers_of(table, MANY)
    alone = [table.best(customers[row : row + 1], 12) for row in range(20)]
    crowd = table.best(customers, 12)
    for part in (0, 1):
        assert np.array_equal(np.concatenate([one[part] for one in alone]), crowd[part][:20])


@pytest.mark.parametrize("n_customers", [FEW, MANY])
def test_equal_scores_are_listed_by_row_however_many_there_are(n_customers: int) -> None:
    rng = np.random.default_rng(5)
    table = ScoreTable(rng.integers(0, 2, (6000, 3)).astype(np.float32), np.zeros(6000, np.float32))
    customers = rng.integers(0, 3, (n_customers, 3)).astype(np.float32)
    customers[1] = 0
    lists = table.best(customers, 12)
    assert same(lists, plain(customers, table, 12))
    assert lists[0][1].tolist() == list(range(12))


@pytest.mark.parametrize("n_customers", [FEW, MANY])
def test_excluded_articles_leave_a_list_short(n_customers: int) -> None:
    bias = np.array([-np.inf, 1, -np.inf, 2], np.float32)
    table = ScoreTable(np.ones((4, 2), np.float32), bias)
    articles, scores = table.best(np.ones((n_customers, 2), np.float32), 3)
    assert articles[-1].tolist() == [3, 1, -1]
    assert scores[-1].tolist() == [4, 3, -np.inf]


def test_no_customers_and_no_articles_are_no_errors() -> None:
    nothing = ScoreTable(np.empty((0, 2), np.float32), np.empty(0, np.float32))
    assert nothing.best(np.ones((2, 2), np.float32), 3)[0].tolist() == [[-1] * 3] * 2
    assert nothing.best(np.ones((0, 2), np.float32), 3)[0].shape == (0, 3)
