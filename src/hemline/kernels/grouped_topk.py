"""The best column of each of the k best groups of columns, for each row of a sparse product.

"Similar articles" wants one article of each product: an article whose product has more colours than
the list is long would otherwise be similar to its own colours alone. A list cut from the k best
columns cannot repair that, so groups are told apart while a row is selected.

Rows are summed, rounded and compared as in kernels/sparse_topk.py, so the scores of both are equal
to the last bit. The columns are taken group by group, of which only the best goes into the heap.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.heap import PAGE, is_better, is_empty, sink, sort_heap
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists
from hemline.kernels.sparse_topk import Arrays, add_row, arrays_of

_LOWEST: Final = 1e-200  # below any score
_NEARLY: Final = 1 - 1e-6  # a sum that rounds up must not be hidden by its border


def best_of_groups(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    k: int,
    groups: npt.NDArray[np.int32],
    *,
    own: npt.NDArray[np.int32],
    progress: str | None = None,
) -> Lists:
    """Return the best columns of left @ right, one of each group, and their scores, best first.

    Only positive scores are listed, ties go to the lower column, and a short list ends in
    NO_ARTICLE with -inf.

    Args:
        left: CSR float32 of shape (rows, inner).
        right: CSR float32 of shape (inner, columns).
        k: entries per row, and so groups.
        groups: int32 of shape (columns,), at least 0.
        own: int32 of shape (rows,), the group that is left out of each row; -1 leaves out none.
        progress: name of the progress bar; no bar if None.

    >>> both = sparse.csr_matrix(np.array([[2, 4, 1], [0, 3, 3]], np.float32))
    >>> one = sparse.csr_matrix(np.eye(2, dtype=np.float32))
    >>> groups, nothing = np.array([0, 0, 1], np.int32), np.array([-1, -1], np.int32)
    >>> best_of_groups(one, both, 2, groups, own=nothing)[0].tolist()
    [[1, 2], [1, 2]]
    """
    articles, scores = empty_lists(left.shape[0], k)
    ordered = np.argsort(groups, kind="stable")
    by_group, group_of = arrays_of(sparse.csr_matrix(right[:, ordered])), groups[ordered]

    def fill(rows: slice) -> None:
        shape = (rows.stop - rows.start, k)
        columns, best = np.full(shape, NO_ARTICLE, np.int64), np.full(shape, -np.inf)
        order = ordered, group_of
        _fill(rows.start, arrays_of(left), by_group, order, own, columns, best)
        articles[rows], scores[rows] = columns, best

    for_blocks(fill, left.shape[0], progress)
    return articles, scores


@compiled
def _fill(
    first: int,
    left: Arrays,
    right: Arrays,
    order: Arrays,
    own: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """Write the best entries of the rows from `first` on, as many rows as `columns` has."""
    sums = np.zeros((-(-len(order[0]) // PAGE), PAGE), np.float64)
    for place in range(len(columns)):
        row = first + place
        add_row(row, left, right, sums.reshape(-1))
        _select_best(sums, order, own[row], columns[place], scores[place])


@inlined
def _select_best(
    sums: npt.NDArray[np.float64],
    order: Arrays,
    own: int,
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """Replace the -inf of one row by its best entries, best first, and clear the sums.

    A sum below the worst of the k best is the best of no group that belongs among them.
    """
    ordered, group_of = order
    border, bits = _LOWEST, sums.view(np.int64)
    group, best, score = -1, -1, -np.inf
    for page in range(len(sums)):
        if is_empty(bits[page]):
            continue
        for place in range(PAGE):
            if sums[page, place] > border:
                column = page * PAGE + place
                rounded = np.float64(np.float32(sums[page, place]))
                if group_of[column] == group:
                    if rounded > score:  # of equal ones the lower column came first
                        best, score = ordered[column], rounded
                elif group_of[column] != own:
                    _keep(best, score, columns, scores)
                    border = max(_LOWEST, scores[0] * _NEARLY)
                    group, best, score = group_of[column], ordered[column], rounded
        sums[page] = 0
    _keep(best, score, columns, scores)
    sort_heap(columns, scores)


@inlined
def _keep(
    best: int, score: float, columns: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]
) -> None:
    if best >= 0 and is_better(score, best, columns, scores):
        sink(columns, scores, len(scores), best, score)
