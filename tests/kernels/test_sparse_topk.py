"""Every kernel compared with the plain library result on small matrices."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics.pairwise import linear_kernel
from sparse_dot_topn import sp_matmul_topn

from hemline.data.histories import Histories
from hemline.kernels.grouped_topk import best_of_groups
from hemline.kernels.lists import NO_ARTICLE, top_k
from hemline.kernels.sparse_topk import (
    Cosine,
    best_of_product,
    matrix_of,
    products_among,
)
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.tfidf import frequent_first, nearest_by_cosine

N_ROWS = 600  # more than two blocks


def matrix(
    shape: tuple[int, int], *, density: float, seed: int, whole: bool = False
) -> sparse.csr_matrix:
    """Values in (0, 1], or 1 to 3 so that many sums are equal."""
    rng = np.random.default_rng(seed)
    filled = rng.random(shape) < density
    values = rng.integers(1, 4, shape) if whole else 1 - rng.random(shape)
    return sparse.csr_matrix(filled * values, dtype=np.float32)


def product(left: sparse.csr_matrix, right: sparse.csr_matrix) -> np.ndarray:
    return (left.astype(np.float64) @ right).toarray()


def best_of_all(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    return top_k(np.where(scores > 0, scores, -np.inf).astype(np.float32), k)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("density", [0.01, 0.4])
def test_the_best_of_a_product_are_those_of_scipys_in_float64_rounded_once(
    density: float, whole: bool
) -> None:
    left = matrix((N_ROWS, 90), density=density, seed=1, whole=whole)
    right = matrix((90, 130), density=density, seed=2, whole=whole)
    columns, scores = best_of_product(left, right, 7)
    expected_columns, expected_scores = best_of_all(product(left, right), 7)
    assert np.array_equal(columns, expected_columns)
    assert np.array_equal(scores, expected_scores)


def test_a_row_is_the_same_whatever_it_stands_beside() -> None:
    left, right = matrix((N_ROWS, 40), density=0.3, seed=1), matrix((40, 50), density=0.3, seed=2)
    columns, scores = best_of_product(left, right, 9)
    alone = best_of_product(left[300:301], right, 9)
    assert np.array_equal(columns[300:301], alone[0])
    assert np.array_equal(scores[300:301], alone[1])


def test_sums_are_divided_by_norms_and_the_own_column_is_left_out() -> None:
    left, right = matrix((60, 40), density=0.3, seed=1), matrix((40, 60), density=0.3, seed=2)
    rng = np.random.default_rng(3)
    rows, columns = 1 + rng.random(60), 1 + rng.random(60)
    scores = product(left, right) / (np.outer(rows, columns) + 2.5)
    np.fill_diagonal(scores[:50], -np.inf)
    own = np.where(np.arange(60) < 50, np.arange(60), NO_ARTICLE)
    observed = best_of_product(left, right, 60, cosine=Cosine(rows, columns, 2.5), own=own)
    expected = best_of_all(scores, 60)
    assert np.array_equal(observed[0], expected[0])
    assert np.array_equal(observed[1], expected[1])


@pytest.mark.parametrize("whole", [True, False])
def test_one_column_of_each_group_is_the_best_of_it(whole: bool) -> None:
    left = matrix((N_ROWS, 60), density=0.2, seed=1, whole=whole)
    right = matrix((60, 90), density=0.2, seed=2, whole=whole)
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 25, 90).astype(np.int32)
    own = rng.integers(-1, 25, N_ROWS).astype(np.int32)
    scores = product(left, right).astype(np.float32)
    scores[(scores <= 0) | (groups == own[:, None])] = -np.inf
    for column in range(90):  # of a group the best stays, of equal ones the first
        of_group = scores[:, groups == groups[column]]
        first = np.flatnonzero(groups == groups[column])[of_group.argmax(axis=1)]
        scores[first != column, column] = np.where(
            of_group.max(axis=1)[first != column] > -np.inf,
            -np.inf,
            scores[first != column, column],
        )
    expected = best_of_all(scores, 12)
    observed = best_of_groups(left, right, 12, groups, own=own)
    assert np.array_equal(observed[0], expected[0])
    assert np.array_equal(observed[1], expected[1])


def test_a_negative_sum_is_not_listed() -> None:
    right = sparse.csr_matrix(np.array([[-1, 2, 0], [3, -2, 0]], np.float32))
    columns, scores = best_of_product(sparse.csr_matrix(np.ones((1, 2), np.float32)), right, 5)
    assert columns.tolist() == [[0, *[NO_ARTICLE] * 4]]
    assert scores[0, 0] == -1 + 3
    assert np.isneginf(scores[0, 1:]).all()


@pytest.mark.parametrize(("k", "inner"), [(0, 4), (3, 5)])
def test_no_product_and_an_empty_list_are_refused(k: int, inner: int) -> None:
    with pytest.raises(ValueError, match="no best"):
        best_of_product(sparse.csr_matrix((2, 4)), sparse.csr_matrix((inner, 2)), k)


def test_lists_become_rows_of_a_matrix_again() -> None:
    right = matrix((30, 20), density=0.2, seed=1)
    every = sparse.csr_matrix(sparse.identity(30, np.float32, format="csr"))
    assert np.array_equal(
        matrix_of(best_of_product(every, right, 20), 20).toarray(), right.toarray()
    )


def test_products_among_a_list_are_cut_from_the_whole_product() -> None:
    left, right = matrix((50, 80), density=0.3, seed=1), matrix((80, 50), density=0.3, seed=2)
    among = np.random.default_rng(3).integers(-1, 50, (40, 6)).astype(np.int32)
    whole = np.zeros((51, 51), np.float32)  # the last row and column are those of NO_ARTICLE
    whole[:50, :50] = product(left, right)
    expected = whole[among[:, :, None], among[:, None, :]]
    assert np.array_equal(products_among(left, right, among), expected)


def unit_vectors() -> sparse.csr_matrix:
    """Return 300 texts as vectors of length 1, each text there twice."""
    words = matrix((150, 60), density=0.1, seed=4) + sparse.csr_matrix(np.eye(150, 60) * 0.1)
    twice = sparse.csr_matrix(sparse.vstack([words, words]))
    texts = twice[np.diff(twice.indptr) > 0]
    length = np.sqrt(texts.multiply(texts).sum(axis=1))
    return sparse.csr_matrix(texts.multiply(1 / length), dtype=np.float32)


def test_similar_texts_are_those_of_linear_kernel_and_equal_ones_stand_by_key() -> None:
    vectors = unit_vectors()
    exact = frequent_first(vectors).astype(np.float64)
    cosines = np.array(linear_kernel(exact, dense_output=True), np.float32)
    np.fill_diagonal(cosines, -np.inf)
    articles, scores = nearest_by_cosine(vectors, 10)
    expected = best_of_all(cosines, 10)
    assert np.array_equal(articles, expected[0])
    assert np.array_equal(scores, expected[1])


def test_similar_texts_are_as_near_as_sparse_dot_topn_finds_them() -> None:
    vectors = unit_vectors()
    with_itself = sp_matmul_topn(vectors, sparse.csr_matrix(vectors.T), top_n=11)
    _, scores = nearest_by_cosine(vectors, 10)
    for row, cosines in enumerate(np.split(with_itself.data, with_itself.indptr[1:-1])):
        observed = scores[row][np.isfinite(scores[row])]
        assert np.allclose(np.sort(cosines)[::-1][1:], observed, atol=1e-6)


def test_copurchase_equals_the_dense_product() -> None:
    units, days = (matrix((300, 40), density=0.2, seed=seed, whole=True) for seed in (5, 5))
    days.data *= 10
    shop = Histories.from_interactions(units, days_ago=days)
    params = CopurchaseParams(offered_days=20, shrinkage=3, neighbours=6, latest_articles=1)
    ever = (shop.units.toarray() > 0).astype(float)
    lately = ever * (shop.days_ago.toarray() <= params.offered_days)
    lengths = np.sqrt(np.outer(ever.sum(axis=0), lately.sum(axis=0)))
    similarity = ever.T @ lately / (lengths + params.shrinkage)
    np.fill_diagonal(similarity, -np.inf)
    observed = fit_copurchase(shop, params)
    expected = best_of_all(similarity, 6)
    assert np.allclose(observed.scores, expected[1])
    assert np.array_equal(observed.articles, expected[0])
