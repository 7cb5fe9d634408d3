"""The nearest rows of each row of a sparse matrix with few, unevenly filled columns, such as words.

A product of such a matrix with its own transpose spends most of its time on a few columns that a
good part of the rows share. Those are kept dense here and added a tile at a time, four together and
16 numbers in one go; tiles are narrow enough that sums and dense columns stay in the processor's
cache. Whatever is rare is scattered as in `models.sparse_products`. Sums are float32, the most
frequent words first; adding the nothing of a dense column changes no bit, so a product is the same
from both sides and is formed once for both rows. The price is that a row hears of others from any
thread: each thread keeps what is best of all that it saw (8 bytes x rows x k), and those are merged
at the end.
"""

import os
from queue import SimpleQueue
from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.kernels.lists import Lists, empty_lists
from hemline.kernels.sparse_topk import Arrays, arrays_of, for_blocks, sink

_TILE: Final = 1024  # rows whose sums are in the making
_PAGE: Final = 64
_DENSE: Final = 32  # a word of more than one row in so many is kept dense
_TOGETHER: Final = 4
_LEAST: Final = np.finfo(np.float32).smallest_subnormal  # of all scores


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


class _Best(NamedTuple):
    """The best entries of each row among those that one thread has seen.

    Attributes:
        columns: int32 of shape (rows, k).
        scores: float32 beside them; each row is a heap with its worst entry first.
        least: float32 of shape (tiles * _TILE,); what a score has to reach to come in.
    """

    columns: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    least: npt.NDArray[np.float32]


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
    ordered = frequent_first(matrix)
    n_common = int((np.bincount(ordered.indices) * _DENSE > matrix.shape[0]).sum())
    common, rare = _common(ordered[:, :n_common]), _rare(ordered[:, n_common:])
    idle: SimpleQueue[_Best] = SimpleQueue()
    for _ in range(os.cpu_count() or 1):  # as many as for_blocks has threads
        idle.put(_nothing_yet(matrix, k))

    def fill(rows: slice) -> None:
        best = idle.get()
        try:
            _fill(rows.start, rows.stop, common, rare, best)
        finally:
            idle.put(best)

    for_blocks(fill, matrix.shape[0], progress)
    return _merged([idle.get() for _ in range(idle.qsize())])


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


def _nothing_yet(matrix: sparse.csr_matrix, k: int) -> _Best:
    least = np.full(_n_tiles(matrix) * _TILE, np.inf, np.float32)  # behind the last row nobody is
    least[: matrix.shape[0]] = _LEAST
    return _Best(*empty_lists(matrix.shape[0], k), least)


def _merged(seen: list[_Best]) -> Lists:
    """Return the best of all, of equal scores the lower column first."""
    columns = np.concatenate([best.columns for best in seen], axis=1)
    scores = np.concatenate([best.scores for best in seen], axis=1)
    k = seen[0].columns.shape[1]
    order = np.lexsort((columns, -scores))[:, :k]
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _n_tiles(matrix: sparse.csr_matrix) -> int:
    return -(-int(matrix.shape[0]) // _TILE)


@numba.njit(nogil=True, cache=True)
def _fill(first: int, end: int, common: _Common, rare: _Rare, best: _Best) -> None:
    """Form the products of the rows from `first` to `end` with those of their tile and behind it.

    One function for what it adds: a call counts references, and there would be 1,000 a row.
    """
    starts, words, values, dense = common
    rare_starts, rare_words, rare_values = rare.by_row
    _, rows, weights = rare.by_word
    sums = np.zeros(_TILE, np.float32)
    for tile in range(first // _TILE, len(dense)):
        for row in range(first, end):
            if tile < row // _TILE:
                continue
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
            if tile == row // _TILE:
                sums[row % _TILE] = 0
            else:
                _tell_others(row, sums, tile * _TILE, best)
            _hear_of_others(row, sums, tile * _TILE, best)
            sums[:] = 0


@numba.njit(nogil=True)
def _tell_others(row: int, sums: npt.NDArray[np.float32], first: int, best: _Best) -> None:
    """Keep the row for those of a tile to whom it is better than what they have.

    All of a page are compared, and counted as int32: so it takes 16 in one go.
    """
    least = best.least[first : first + _TILE]
    for start in range(0, _TILE, _PAGE):
        n_better = np.int32(0)
        for column in range(start, start + _PAGE):
            n_better += np.int32(sums[column] >= least[column])
        if n_better:
            for column in range(start, start + _PAGE):
                if sums[column] >= least[column]:
                    _keep(first + column, row, sums[column], best)


@numba.njit(nogil=True)
def _hear_of_others(row: int, sums: npt.NDArray[np.float32], first: int, best: _Best) -> None:
    """Keep for the row those of a tile who are better than what it has."""
    for start in range(0, _TILE, _PAGE):
        least, n_better = best.least[row], np.int32(0)
        for column in range(start, start + _PAGE):
            n_better += np.int32(sums[column] >= least)
        if n_better:
            for column in range(start, start + _PAGE):
                if sums[column] >= best.least[row]:
                    _keep(row, first + column, sums[column], best)


@numba.njit(nogil=True)
def _keep(row: int, column: int, score: float, best: _Best) -> None:
    """Put an entry into the heap of a row, unless it is as good as its worst and stands later."""
    columns, scores = best.columns[row], best.scores[row]
    if (score, -column) > (scores[0], -columns[0]):
        sink(columns, scores, len(scores), column, score)
        best.least[row] = max(_LEAST, scores[0])
