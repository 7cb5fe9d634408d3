"""The nearest rows of each row of a sparse matrix with few, unevenly filled columns, such as words.

A product of such a matrix with its own transpose spends most of its time on a few columns that a
good part of the rows share. Those are kept dense here and added a tile at a time, four together and
16 numbers in one go; tiles are narrow enough that sums and dense columns stay in the processor's
cache. Whatever is rare is scattered as in `models.sparse_products`. Sums are float32, the most
frequent words first; adding the nothing of a dense column changes no bit.
"""

from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.models.ranking import Lists, empty_lists
from hemline.models.recommender import NO_ARTICLE
from hemline.models.sparse_products import Arrays, arrays_of, for_blocks, sink, sort_heap

_TILE: Final = 1024  # rows whose sums are in the making
_PAGE: Final = 64
_DENSE: Final = 32  # a word of more than one row in so many is kept dense
_TOGETHER: Final = 4
_NOTHING: Final = 1e-200  # below any score


class _Common(NamedTuple):
    """The frequent words: by row, four at a time, and by tile as dense columns.

    Attributes:
        starts: int64 of shape (rows + 1,); where the fours of a row begin.
        words: int32 of shape (fours, 4).
        values: float32 beside them; 0 fills the last four of a row up.
        dense: float32 of shape (tiles, words, _TILE).
    """

    starts: npt.NDArray[np.int64]
    words: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    dense: npt.NDArray[np.float32]


class _Rare(NamedTuple):
    """The other words: by row and by word, where each tile has its range.

    Attributes:
        by_row: the words of a row.
        by_word: the rows of a word, rising.
        from_tile: int64 of shape (words, tiles + 1); where the rows of a tile begin in `by_word`.
    """

    by_row: Arrays
    by_word: Arrays
    from_tile: npt.NDArray[np.int64]


def nearest_rows(matrix: sparse.csr_matrix, k: int, *, progress: str | None = None) -> Lists:
    """Return the k other rows with the highest dot product with each row, and it, best first.

    Only positive products are listed, equal ones by row, and a short list ends in NO_ARTICLE with
    -inf.

    Args:
        matrix: CSR float32 of shape (rows, words), nothing in it negative.
        k: entries kept of each row, at least 1.
        progress: what to call the bar; no bar if None.

    >>> nearest_rows(sparse.csr_matrix(np.array([[3, 0], [1, 1], [0, 2]], np.float32)), 1)[0].T
    array([[1, 0, 1]], dtype=int32)
    """
    articles, scores = empty_lists(matrix.shape[0], k)
    ordered = frequent_first(matrix)
    n_common = int((np.bincount(ordered.indices) * _DENSE > matrix.shape[0]).sum())
    common, rare = _common(ordered[:, :n_common]), _rare(ordered[:, n_common:])

    def fill(rows: slice) -> None:
        shape = (rows.stop - rows.start, k)
        columns, kept = np.full(shape, NO_ARTICLE, np.int64), np.full(shape, -np.inf)
        _fill(rows.start, common, rare, columns, kept)
        articles[rows], scores[rows] = columns, kept

    for_blocks(fill, matrix.shape[0], progress)
    return articles, scores


def frequent_first(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the matrix with its columns by falling number of entries, and its indices sorted."""
    order = np.argsort(-np.bincount(matrix.indices, minlength=matrix.shape[1]), kind="stable")
    ordered = sparse.csr_matrix(matrix[:, order])
    ordered.sort_indices()
    return ordered


def _common(matrix: sparse.csr_matrix) -> _Common:
    counts = np.diff(matrix.indptr).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(-(-counts // _TOGETHER))])
    row = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(matrix.nnz) - matrix.indptr[row] + starts[row] * _TOGETHER
    words, values = (np.zeros(starts[-1] * _TOGETHER, kind) for kind in (np.int32, np.float32))
    words[place], values[place] = matrix.indices, matrix.data
    dense = np.zeros((_n_tiles(matrix), matrix.shape[1], _TILE), np.float32)
    dense[row // _TILE, matrix.indices, row % _TILE] = matrix.data
    return _Common(starts, words.reshape(-1, _TOGETHER), values.reshape(-1, _TOGETHER), dense)


def _rare(matrix: sparse.csr_matrix) -> _Rare:
    n_tiles = _n_tiles(matrix)
    by_word = sparse.csr_matrix(matrix.T)
    by_word.sort_indices()
    word = np.repeat(np.arange(matrix.shape[1], dtype=np.int64), np.diff(by_word.indptr))
    borders = np.arange(matrix.shape[1])[:, None] * n_tiles + np.arange(n_tiles + 1)
    from_tile = np.searchsorted(word * n_tiles + by_word.indices // _TILE, borders)
    return _Rare(arrays_of(matrix), arrays_of(by_word), from_tile)


def _n_tiles(matrix: sparse.csr_matrix) -> int:
    return -(-int(matrix.shape[0]) // _TILE)


@numba.njit(nogil=True, cache=True)
def _fill(
    first: int,
    common: _Common,
    rare: _Rare,
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """Write the best entries of the rows from `first` on, as many rows as `columns` has.

    One function for what it adds: a call counts references, and there would be 1,000 a row.
    """
    starts, words, values, dense = common
    rare_starts, rare_words, rare_values = rare.by_row
    _, rows, weights = rare.by_word
    sums = np.zeros(_TILE, np.float32)
    for tile in range(len(dense)):
        for place in range(len(columns)):
            row = first + place
            for four in range(starts[row], starts[row + 1]):
                a, b, c, d = words[four, 0], words[four, 1], words[four, 2], words[four, 3]
                u, v, w, x = values[four, 0], values[four, 1], values[four, 2], values[four, 3]
                for column in range(_TILE):
                    total = sums[column] + u * dense[tile, a, column]
                    total += v * dense[tile, b, column]
                    total += w * dense[tile, c, column]
                    sums[column] = total + x * dense[tile, d, column]
            for entry in range(rare_starts[row], rare_starts[row + 1]):
                word, value = rare_words[entry], rare_values[entry]
                for other in range(rare.from_tile[word, tile], rare.from_tile[word, tile + 1]):
                    sums[rows[other] - tile * _TILE] += value * weights[other]
            if row // _TILE == tile:
                sums[row % _TILE] = 0
            _keep_best(sums, tile * _TILE, columns, scores, place)
            sums[:] = 0
    for place in range(len(columns)):
        sort_heap(columns[place], scores[place])


@numba.njit(nogil=True)
def _keep_best(
    sums: npt.NDArray[np.float32],
    first: int,
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    place: int,
) -> None:
    """Keep in the heap of one row who of a tile is better than its top."""
    for start in range(0, _TILE, _PAGE):
        border = np.float32(max(_NOTHING, scores[place, 0]))
        any_is_better = False
        for column in range(
            start, start + _PAGE
        ):  # to the end every time: so it takes 16 in one go
            any_is_better |= sums[column] > border
        if not any_is_better:
            continue
        for column in range(start, start + _PAGE):
            if sums[column] > max(_NOTHING, scores[place, 0]):
                heap = scores[place]
                sink(columns[place], heap, len(heap), first + column, np.float64(sums[column]))
