import numpy as np
import pytest
from scipy import sparse

from hemline.evaluation import metrics
from hemline.evaluation.protocol import METRICS, score_customers

HITS = np.array([[True, False, True, False], [False, False, False, True]])
N_BOUGHT = np.array([3, 1])


def test_average_precision_is_kaggles() -> None:
    assert metrics.average_precision(HITS, N_BOUGHT, 3) == pytest.approx(
        [1 / 3 * (1 / 1 + 2 / 3), 0]
    )


def test_average_precision_divides_by_k_when_more_was_bought() -> None:
    assert metrics.average_precision(HITS[:1], np.array([50]), 2) == pytest.approx([1 / 2 * 1])


def test_recall_counts_what_was_found_of_what_was_bought() -> None:
    assert metrics.recall(HITS, N_BOUGHT, 4) == pytest.approx([2 / 3, 1 / 1])


def test_precision_counts_what_was_found_of_the_places() -> None:
    assert metrics.precision(HITS, 3) == pytest.approx([2 / 3, 0])


def test_an_unfilled_place_counts_against_precision() -> None:
    assert metrics.precision(HITS, 8) == pytest.approx([2 / 8, 1 / 8])


def test_reciprocal_rank_is_of_the_first_hit_within_k() -> None:
    assert metrics.reciprocal_rank(HITS, 4) == pytest.approx([1 / 1, 1 / 4])
    assert metrics.reciprocal_rank(HITS, 3) == pytest.approx([1 / 1, 0])


def test_ndcg_compares_with_the_best_order() -> None:
    gained = 1 / np.log2(2) + 1 / np.log2(4)
    ideal = 1 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4)
    assert metrics.ndcg(HITS, N_BOUGHT, 4) == pytest.approx([gained / ideal, 1 / np.log2(5)])


def test_hit_needs_one_and_success_30_needs_six_of_twenty() -> None:
    hits = np.zeros((3, 20), bool)
    hits[1, 19] = True
    hits[2, :6] = True
    assert metrics.hit(hits, 20).tolist() == [0, 1, 1]
    assert metrics.success_30(hits, 20).tolist() == [0, 0, 1]
    hits[2, 0] = False
    assert metrics.success_30(hits, 20).tolist() == [0, 0, 0]


def bought(rows: list[list[int]], n_articles: int = 30) -> sparse.csr_matrix:
    truth = np.zeros((len(rows), n_articles), np.float32)
    for row, articles in enumerate(rows):
        truth[row, articles] = 1
    return sparse.csr_matrix(truth)


def test_lists_are_scored_against_the_row_of_the_same_customer() -> None:
    truth = bought([[3], [4, 5]])
    scores = score_customers(np.array([[3, 4], [3, 4]]), truth)
    assert tuple(scores.columns) == METRICS
    assert scores["map@12"].tolist() == pytest.approx([1, 1 / 2 * (1 / 2)])
    assert scores["recall@20"].tolist() == pytest.approx([1, 1 / 2])


def test_an_empty_place_is_no_hit_even_for_the_last_article() -> None:
    scores = score_customers(np.array([[-1, -1]]), bought([[29]]))
    assert scores.to_numpy().sum() == 0
