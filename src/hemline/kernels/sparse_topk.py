"""The k best entries of each row of a sparse product that is never materialised.

Similar articles, neighbours and sparse linear models all need a few columns of A @ B. A row is
accumulated in one dense array (Gustavson 1978) and reduced to its k best at once, so memory is one
row per thread. Sums are float64 and a score is rounded to float32 before it is compared, so that
equal scores stay equal in whatever order their terms were added (kernels/lists.py). One thread
computes a row from start to end, so the number of threads changes no byte.

`sparse_dot_topn` does the same and is what the tests compare with; it promises no order among
ties, knows no shrinkage and takes 1.7 times the CPU (docs/decisions.md).

The price is numba: 0.6 s to import, and 2 s to compile the first time (kernels/compiled.py).
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.heap import PAGE, is_empty, sink, sort_heap
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists

Arrays = tuple[npt.NDArray[Any], ...]
"""A CSR matrix as numba sees it: indptr, indices, data."""

_LOWEST: Final = 1e-200  # below any score
_NEARLY: Final = 1 - 1e-6  # a product that rounds down must not hide an entry of the k best


class Cosine(NamedTuple):
    """The divisor of a sum: row norm x column norm + shrinkage.

    Attributes:
        rows: float64, a norm per row of the product.
        columns: float64, a norm per column.
        shrinkage: lowers scores that rest on few purchases.
    """

    rows: npt.NDArray[np.float64]
    columns: npt.NDArray[np.float64]
    shrinkage: float


def best_of_product(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    k: int,
    *,
    cosine: Cosine | None = None,
    own: npt.NDArray[np.int64] | None = None,
    progress: str | None = None,
) -> Lists:
    """Return the k best columns of each row of left @ right and their scores, best first.

    A score is the sum, divided as `cosine` says; only positive ones are listed, ties go to the
    lower column, and a short list ends in NO_ARTICLE with -inf.

    Args:
        left: CSR float32 of shape (rows, inner).
        right: CSR float32 of shape (inner, columns).
        k: entries per row.
        cosine: divisors of the sums; None for the sums themselves.
        own: a column per row to leave out; NO_ARTICLE leaves out none.
        progress: name of the progress bar; no bar if None.

    Raises:
        ValueError: k is below 1, or the two do not make a product.

    >>> both = sparse.csr_matrix(np.array([[2, 0, 1], [0, 3, 3]], np.float32))
    >>> best_of_product(sparse.csr_matrix(np.eye(2, dtype=np.float32)), both, 2)[0].tolist()
    [[0, 2], [1, 2]]
    """
    if k < 1 or left.shape[1] != right.shape[0]:
        raise ValueError(f"no best {k} of a product of shapes {left.shape} and {right.shape}")
    n_rows, n_columns = left.shape[0], right.shape[1]
    if cosine is None:
        cosine = Cosine(np.ones(n_rows), np.ones(n_columns), 0.0)
    if own is None:
        own = np.full(n_rows, NO_ARTICLE, np.int64)
    articles, scores = empty_lists(n_rows, k)

    def fill(rows: slice) -> None:
        shape = (rows.stop - rows.start, k)
        columns, best = np.full(shape, NO_ARTICLE, np.int64), np.full(shape, -np.inf)
        _fill(rows.start, arrays_of(left), arrays_of(right), cosine, own, columns, best)
        articles[rows], scores[rows] = columns, best

    for_blocks(fill, n_rows, progress)
    return articles, scores


def products_among(
    left: sparse.csr_matrix, right: sparse.csr_matrix, among: npt.NDArray[np.int32]
) -> npt.NDArray[np.float32]:
    """Return the square of left @ right between the columns of each list.

    Each row of the product is computed once for all lists that contain it.

    Args:
        left: CSR float32 of shape (columns, inner).
        right: CSR float32 of shape (inner, columns).
        among: int32 of shape (lists, k); columns, NO_ARTICLE where a list is shorter.

    Returns:
        float32 of shape (lists, k, k); entry [n, a, b] stands in row among[n, a] and column
        among[n, b], and is 0 where one of them is NO_ARTICLE.
    """
    squares = np.zeros((*among.shape, among.shape[1]), np.float32)
    named = np.argsort(among, axis=None, kind="stable")
    named = named[np.searchsorted(among.ravel()[named], 0) :]
    starts = np.flatnonzero(np.diff(among.ravel()[named], prepend=NO_ARTICLE))
    ends = np.append(starts[1:], len(named))

    def fill(rows: slice) -> None:
        names = named[starts[rows.start] : ends[rows.stop - 1]]
        _gather(names, arrays_of(left), arrays_of(right), among, squares)

    for_blocks(fill, len(starts), None)
    return squares


def matrix_of(lists: Lists, n_columns: int) -> sparse.csr_matrix:
    """Return ranked lists as the rows of a matrix; the columns of a row keep their rank."""
    columns, scores = lists
    listed = columns != NO_ARTICLE
    indptr = np.concatenate([[0], np.cumsum(listed.sum(axis=1))])
    return sparse.csr_matrix(
        (scores[listed], columns[listed], indptr), shape=(len(columns), n_columns)
    )


def arrays_of(matrix: sparse.csr_matrix) -> Arrays:
    """Return indptr, indices and data."""
    return matrix.indptr, matrix.indices, matrix.data


@compiled
def _fill(
    first: int,
    left: Arrays,
    right: Arrays,
    cosine: Cosine,
    own: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """Write the best entries of the rows from `first` on, as many rows as `columns` has."""
    n_pages = -(-len(cosine.columns) // PAGE)
    sums = np.zeros((n_pages, PAGE), np.float64)
    for place in range(len(columns)):
        row = first + place
        add_row(row, left, right, sums.reshape(-1))
        if own[row] >= 0:
            sums[own[row] // PAGE, own[row] % PAGE] = 0
        _select_best(sums, cosine.rows[row], cosine, columns[place], scores[place])


@compiled
def _gather(
    named: npt.NDArray[np.int64],
    left: Arrays,
    right: Arrays,
    among: npt.NDArray[np.int32],
    squares: npt.NDArray[np.float32],
) -> None:
    """Fill the rows of `squares` that are named, by their place in `among`, equal rows together."""
    sums = np.zeros(len(left[0]) - 1, np.float64)
    summed = -1
    for name in named:
        one, place = divmod(name, among.shape[1])
        if among[one, place] != summed:
            summed = among[one, place]
            sums[:] = 0
            add_row(summed, left, right, sums)
        for other in range(among.shape[1]):
            if among[one, other] >= 0:
                squares[one, place, other] = sums[among[one, other]]


@inlined
def add_row(row: int, left: Arrays, right: Arrays, sums: npt.NDArray[np.float64]) -> None:
    """Add a row of left @ right to the sums, one per column."""
    starts, inner, values = left
    right_starts, columns, right_values = right
    for entry in range(starts[row], starts[row + 1]):
        value = np.float64(values[entry])
        for other in range(right_starts[inner[entry]], right_starts[inner[entry] + 1]):
            sums[columns[other]] += value * right_values[other]


@inlined
def _select_best(
    sums: npt.NDArray[np.float64],
    norm: float,
    cosine: Cosine,
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """Replace the -inf of one row by its best entries, best first, and clear the sums.

    Most sums are nothing, which is seen a page at a time, and most others fall short of the worst
    of the k best, which is the top of a heap: comparing products is cheaper than dividing.
    """
    border, bits = _LOWEST, sums.view(np.int64)
    for page in range(len(sums)):
        if is_empty(bits[page]):
            continue
        for place in range(min(PAGE, len(cosine.columns) - page * PAGE)):
            column = page * PAGE + place
            divisor = norm * cosine.columns[column] + cosine.shrinkage
            if sums[page, place] > border * divisor:
                score = np.float64(np.float32(sums[page, place] / divisor))
                if score > scores[0]:
                    sink(columns, scores, len(scores), column, score)
                    border = max(_LOWEST, scores[0] * _NEARLY)
        sums[page] = 0
    sort_heap(columns, scores)
