"""Scores of given pairs of customer and article, by the product of two vectors.

Sums are float64 in a fixed order and rounded to float32, as in the kernels that list the best, so a
pair that a model lists has the same score here, to the bit, alone and among others.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled
from hemline.kernels.dense_topk_loops import Factors
from hemline.kernels.lists import Lists
from hemline.kernels.raised_lists import length_of, multiply

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Columns = npt.NDArray[np.int32]

_ROOM: Final = 4
"""More than there are pairs, for products that are computed four at a time."""


@compiled
def score_products(
    factors: Factors, raised: Lists, rows: Integers, columns: Columns, scores: Floats
) -> None:
    """Write product, bias and raise of each pair.

    Args:
        factors: customers, articles and bias; a bias of -inf leaves the pair as it is.
        raised: as in `raised_lists.best_of_raised`; without rows where nothing is raised.
        rows: int64 of shape (pairs,), ascending; row of the customers.
        columns: int32 beside `rows`; row of the articles, -1 leaves the pair as it is.
        scores: float32 beside `rows`; changed.
    """
    raise_of, sums = np.zeros(len(factors.bias), np.float32), np.empty(_ROOM)
    start = 0
    while start < len(rows):
        row, end = rows[start], start
        while end < len(rows) and rows[end] == row:
            end += 1
        n_raised = length_of(raised[0][row]) if len(raised[0]) else 0
        for rank in range(n_raised):
            raise_of[raised[0][row, rank]] = raised[1][row, rank]
        chosen = columns[start:end]
        sums = np.empty(end - start + _ROOM) if end - start + _ROOM > len(sums) else sums
        multiply(factors.customers[row], factors.vectors, np.maximum(chosen, 0), sums)
        for place in range(end - start):
            column = chosen[place]
            if column >= 0 and factors.bias[column] > -np.inf:
                score = sums[place] + np.float64(factors.bias[column]) + raise_of[column]
                scores[start + place] = np.float32(score)
        for rank in range(n_raised):
            raise_of[raised[0][row, rank]] = 0
        start = end
