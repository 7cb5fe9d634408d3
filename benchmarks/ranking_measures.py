"""Ranking metrics of every benchmark, per customer, on lists without already known articles.

Few dependencies on purpose (numpy, scipy and `hemline.evaluation.metrics`): peers are scored by the
same code inside their own virtual environments.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.evaluation import metrics
from hemline.kernels.lists import top_k

Lists = npt.NDArray[np.int32]
Values = npt.NDArray[np.float64]

_BATCH: Final = 1000


def hits_of(articles: Lists, held_out: sparse.csr_matrix) -> metrics.Hits:
    """Return where a listed article was held out; -1 in a list is never a hit."""
    row = np.repeat(np.arange(held_out.shape[0]), np.diff(held_out.indptr))
    truth = row * np.int64(held_out.shape[1]) + held_out.indices
    listed = np.arange(len(articles))[:, None] * np.int64(held_out.shape[1]) + articles
    return np.asarray(np.isin(listed, truth) & (articles >= 0))


def measure(articles: Lists, held_out: sparse.csr_matrix, k: int) -> dict[str, Values]:
    """Return ndcg@k, recall@k and hit@k of every customer with something held out.

    >>> held_out = sparse.csr_matrix([[0, 1, 0], [0, 0, 0]])
    >>> values = measure(np.array([[2, 1], [0, 1]], np.int32), held_out, 2)
    >>> round(float(values["ndcg@2"][0]), 4), len(values["ndcg@2"])
    (0.6309, 1)
    """
    rows = np.flatnonzero(np.diff(held_out.indptr))
    held_out = held_out[rows]
    hits = hits_of(articles[rows], held_out)
    n_held_out = np.diff(held_out.indptr).astype(np.int64)
    return {
        f"ndcg@{k}": metrics.ndcg(hits, n_held_out, k),
        f"recall@{k}": metrics.recall(hits, n_held_out, k),
        f"hit@{k}": metrics.hit(hits, k),
    }


def mean_and_stderr(values: Values) -> tuple[float, float | None]:
    """Return the mean over customers and its standard error, as in the published tables.

    Values that are all alike show no error, which does not mean that there is none: None.
    """
    error = float(values.std() / math.sqrt(len(values)))
    return float(values.mean()), error if np.ptp(values) > 0 else None


def matrix_of(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Return the CSR matrix with a one for each pair of row and column, given once or more."""
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.data[:] = 1.0
    matrix.sort_indices()
    return matrix


def evenly_spread(n_rows: int, n_chosen: int) -> npt.NDArray[np.int64]:
    """Return at most n_chosen row numbers, evenly spread over n_rows."""
    return np.linspace(0, n_rows - 1, min(n_rows, n_chosen)).astype(np.int64)


def lists_from_scores(
    score: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32]],
    known: sparse.csr_matrix,
    k: int,
) -> Lists:
    """Return the k best articles of each customer that are not in `known`.

    Args:
        score: dense scores of shape (rows, articles) for the given rows of `known`.
        known: CSR of shape (customers, articles); its nonzeros are excluded.
        k: length of the lists.
    """
    parts = []
    for start in range(0, known.shape[0], _BATCH):
        rows = np.arange(start, min(start + _BATCH, known.shape[0]))
        scores = np.array(score(rows), np.float32)
        excluded = known[rows]
        row = np.repeat(np.arange(len(rows)), np.diff(excluded.indptr))
        scores[row, excluded.indices] = -np.inf
        parts.append(top_k(scores, k)[0])
    return np.concatenate(parts)
