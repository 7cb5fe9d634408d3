"""The k best of many scores in one pass: a heap whose top is the worst of the best so far.

Of equal scores the lower column is better (kernels/lists.py). Scores are compared in float32, which
they have been rounded to, and stand in float64 arrays.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import inlined

PAGE: Final = 16
"""Sums are looked through so many at a time: most pages hold none."""
_LOWEST: Final = 1e-200  # below any score


@inlined
def select_largest(
    sums: npt.NDArray[np.float64],
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
) -> None:
    """Replace the -inf of one row by its best positive sums, best first, and clear the sums.

    Args:
        sums: of shape (pages, PAGE), a sum per column and zeros after the last.
        columns: of shape (k,), changed.
        scores: of shape (k,), all -inf; changed.
    """
    border, bits = _LOWEST, sums.view(np.int64)
    for page in range(len(sums)):
        if is_empty(bits[page]):
            continue
        for place in range(PAGE):
            if sums[page, place] > border:
                score = np.float64(np.float32(sums[page, place]))
                if score > scores[0]:
                    sink(columns, scores, len(scores), page * PAGE + place, score)
                    border = max(_LOWEST, scores[0] * (1 - 1e-6))
        sums[page] = 0
    sort_heap(columns, scores)


@inlined
def is_empty(page: npt.NDArray[np.int64]) -> bool:
    """Return whether all sums of a page are zero, from their bits."""
    filled = 0
    for place in range(PAGE):
        filled |= page[place]
    return filled == 0


@inlined
def sort_heap(columns: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> None:
    """Turn the heap of one row into a list, best first."""
    for last in range(len(scores) - 1, 0, -1):
        column, score = columns[last], scores[last]
        columns[last], scores[last] = columns[0], scores[0]
        sink(columns, scores, last, column, score)


@inlined
def sink(
    columns: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    size: int,
    column: int,
    score: float,
) -> None:
    """Put an entry in place of the top of the heap; of equal scores the later column is worse."""
    place, below = 0, 1
    while below < size:
        other = below + 1
        if other < size and (scores[other], -columns[other]) < (scores[below], -columns[below]):
            below = other
        if (scores[below], -columns[below]) > (score, -column):
            break
        columns[place], scores[place] = columns[below], scores[below]
        place, below = below, 2 * below + 1
    columns[place], scores[place] = column, score


@inlined
def is_better(
    score: float, column: int, columns: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]
) -> bool:
    """Return whether an entry is better than the top of the heap, whatever order they come in."""
    is_higher: bool = score > scores[0]
    return is_higher or (score == scores[0] and column < columns[0])
