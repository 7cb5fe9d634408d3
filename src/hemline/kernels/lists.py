"""From scores to ranked lists, for dense and for sparse score matrices.

Ties are broken by rule: of equal scores the lower column comes first, and columns are in the order
of the article keys. So that the last bit of a sum cannot break a tie instead, every model follows
the same rounding: what a purchase counts is rounded to float32 (label_shift.decay_weights), such
numbers are added in float64, where their sum hardly depends on the order, and a score is rounded to
float32 before scores are compared. Numbers from BLAS are rounded more coarsely (hemline/arrays.py).
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

NO_ARTICLE: Final = -1
"""Stands in a list where there is no article; always after the last one."""

Lists = tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]


class WeightRows(NamedTuple):
    """The arrays of a CSR matrix of weights, which loops read without scipy."""

    indptr: npt.NDArray[np.signedinteger[Any]]
    indices: npt.NDArray[np.signedinteger[Any]]
    data: npt.NDArray[np.float32]


def top_k(scores: npt.NDArray[np.float32], k: int) -> Lists:
    """Return the k best columns of each row and their scores, best first.

    Equal scores are listed by column; a score of -inf means "not to be listed". Rows with fewer
    than k finite scores end in NO_ARTICLE with -inf.

    >>> articles, _ = top_k(np.array([[0.1, 0.7, -np.inf]], np.float32), 3)
    >>> articles.tolist()
    [[1, 0, -1]]
    """
    n_best = min(k, scores.shape[1])
    best = _best_columns(scores, n_best)
    best_scores = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-best_scores, axis=1, kind="stable")
    best_scores = np.take_along_axis(best_scores, order, axis=1)
    best = np.take_along_axis(best, order, axis=1)
    articles, listed = empty_lists(len(scores), k)
    articles[:, :n_best] = np.where(np.isneginf(best_scores), NO_ARTICLE, best)
    listed[:, :n_best] = best_scores
    return articles, listed


def top_k_sparse(scores: "sparse.csr_matrix", k: int) -> Lists:
    """Return the k best stored entries of each row as `top_k` does; an absent one has no score.

    The matrix is only read: what must not be listed is given -inf, not removed from arrays that the
    caller may share with others.
    """
    n_rows = scores.shape[0]
    row = np.repeat(np.arange(n_rows), np.diff(scores.indptr))
    order = np.lexsort((scores.indices, -scores.data, row))
    rank = np.arange(len(order)) - scores.indptr[row]
    is_listed = (rank < k) & ~np.isneginf(scores.data[order])
    articles, listed = empty_lists(n_rows, k)
    articles[row[is_listed], rank[is_listed]] = scores.indices[order][is_listed]
    listed[row[is_listed], rank[is_listed]] = scores.data[order][is_listed]
    return articles, listed


def empty_lists(n_rows: int, k: int) -> Lists:
    """Return lists of length k that hold nothing yet."""
    return np.full((n_rows, k), NO_ARTICLE, np.int32), np.full((n_rows, k), -np.inf, np.float32)


def _best_columns(scores: npt.NDArray[np.float32], n_best: int) -> npt.NDArray[np.int64]:
    """Return the columns of the n_best highest scores of each row, ascending.

    argpartition is several times faster than sorting, but takes any of the equal scores at the
    border; rows where that matters are sorted after all.
    """
    if n_best == scores.shape[1]:
        return np.broadcast_to(np.arange(n_best), scores.shape)
    best = np.argpartition(-scores, n_best - 1, axis=1)[:, :n_best]
    inside = np.take_along_axis(scores, best, axis=1)
    border = inside.min(axis=1, keepdims=True)
    n_equal, n_inside = (np.count_nonzero(part == border, axis=1) for part in (scores, inside))
    tied = np.flatnonzero((n_equal > n_inside) & np.isfinite(border[:, 0]))
    best[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :n_best]
    return np.sort(best, axis=1)
