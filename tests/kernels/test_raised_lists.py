"""Raising some articles and listing again is listing dense scores that were raised."""

import numpy as np
import pytest

from hemline.kernels.dense_topk import ScoreTable
from hemline.kernels.dense_topk_loops import Factors
from hemline.kernels.lists import NO_ARTICLE, Lists, top_k
from hemline.kernels.raised_lists import best_of_raised

N_ARTICLES, WIDTH, K = 60, 8, 5


def factors_of(n_customers: int, seed: int = 0) -> Factors:
    rng = np.random.default_rng(seed)
    bias = rng.normal(size=N_ARTICLES).astype(np.float32)
    bias[::7] = -np.inf
    return Factors(
        rng.normal(size=(n_customers, WIDTH)).astype(np.float32),
        rng.normal(size=(N_ARTICLES, WIDTH)).astype(np.float32),
        bias,
    )


def raises_of(n_customers: int, n_raised: int, seed: int = 1) -> Lists:
    """Raise so many articles of each customer, none of the last one's."""
    rng = np.random.default_rng(seed)
    columns = np.argsort(rng.random((n_customers, N_ARTICLES)), axis=1)[:, :n_raised]
    raised = rng.random(columns.shape).astype(np.float32) * 4
    columns[-1] = NO_ARTICLE
    return columns.astype(np.int32), raised


def in_float64(factors: Factors, raised: Lists) -> Lists:
    scores = factors.customers.astype(np.float64) @ factors.vectors.T.astype(np.float64)
    scores += factors.bias
    row, place = np.nonzero(raised[0] != NO_ARTICLE)
    scores[row, raised[0][row, place]] += raised[1][row, place]
    return top_k(scores.astype(np.float32), K)


@pytest.mark.parametrize("n_raised", [1, 4, 60])
def test_lists_are_those_of_raised_dense_scores(n_raised: int) -> None:
    factors, raised = factors_of(40), raises_of(40, n_raised)
    best = ScoreTable(factors.vectors, factors.bias).best(factors.customers, K)
    articles, scores = best_of_raised(factors, best, raised)
    expected = in_float64(factors, raised)
    assert np.array_equal(articles, expected[0])
    assert np.allclose(scores, expected[1], rtol=1e-6)


def test_one_customer_gets_the_same_to_the_bit_as_among_many() -> None:
    factors, raised = factors_of(300), raises_of(300, 10)
    table = ScoreTable(factors.vectors, factors.bias)
    many = best_of_raised(factors, table.best(factors.customers, K), raised)
    for row in (0, 7, 299):
        one = factors._replace(customers=factors.customers[row : row + 1])
        rows = raised[0][row : row + 1], raised[1][row : row + 1]
        alone = best_of_raised(one, table.best(one.customers, K), rows)
        assert np.array_equal(alone[0][0], many[0][row])
        assert np.array_equal(alone[1][0], many[1][row])


def test_of_equal_scores_the_lower_article_comes_first() -> None:
    table = np.zeros((4, 1), np.float32)
    factors = Factors(np.ones((1, 1), np.float32), table, np.zeros(4, np.float32))
    best = ScoreTable(table, factors.bias).best(factors.customers, 4)
    raised = np.array([[3, 1]], np.int32), np.array([[1.0, 1.0]], np.float32)
    articles, _ = best_of_raised(factors, best, raised)
    assert articles.tolist() == [[1, 3, 0, 2]]


def test_an_excluded_article_stays_out_however_far_it_is_raised() -> None:
    factors = factors_of(1)
    best = ScoreTable(factors.vectors, factors.bias).best(factors.customers, K)
    raised = np.array([[7]], np.int32), np.array([[100.0]], np.float32)
    articles, _ = best_of_raised(factors, best, raised)
    assert np.array_equal(articles, best[0])
