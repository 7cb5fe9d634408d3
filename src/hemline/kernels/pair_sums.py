"""Scores of given pairs of customer and article by linear models.

Sums are float64 in a fixed order and rounded to float32, as in the kernels that list the best, so a
pair that a model lists has the same score here, to the bit, alone and among others.
"""

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled
from hemline.kernels.linear_rows import Inputs, rows_read
from hemline.kernels.lists import WeightRows

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Columns = npt.NDArray[np.int32]


def score_sums(
    inputs: Inputs,
    weights: WeightRows | Floats,
    n_columns: int,
    rows: Integers,
    columns: Columns,
    scores: Floats,
) -> None:
    """Write what the customer bought, times the weights that lead to each column.

    Args:
        inputs: what was bought.
        weights: a row beside each of `inputs.read`, sparse or dense.
        n_columns: of the weights.
        rows: int64 of shape (pairs,), ascending; row of the inputs.
        columns: int32 beside `rows`; column of the weights, -1 leaves the pair as it is.
        scores: float32 beside `rows`; changed.
    """
    if isinstance(weights, np.ndarray):
        _score_dense(inputs, weights, rows, columns, scores)
    else:
        _score_sparse(inputs, weights, n_columns, rows, columns, scores)


@compiled
def _score_sparse(
    inputs: Inputs,
    weights: WeightRows,
    n_columns: int,
    rows: Integers,
    columns: Columns,
    scores: Floats,
) -> None:
    totals, row = np.zeros(n_columns), np.int64(-1)
    for pair in range(len(rows)):
        if rows[pair] != row:
            row = rows[pair]
            totals[:] = 0
            for read, counted in rows_read(row, inputs):
                for other in range(weights.indptr[read], weights.indptr[read + 1]):
                    totals[weights.indices[other]] += counted * weights.data[other]
        if columns[pair] >= 0:
            scores[pair] = np.float32(totals[columns[pair]])


@compiled
def _score_dense(
    inputs: Inputs, weights: Floats, rows: Integers, columns: Columns, scores: Floats
) -> None:
    read, row = rows_read(0, inputs), np.int64(-1)
    for pair in range(len(rows)):
        if rows[pair] != row:
            row = rows[pair]
            read = rows_read(row, inputs)
        if columns[pair] >= 0:
            total = 0.0
            for place, counted in read:
                total += counted * weights[place, columns[pair]]
            scores[pair] = np.float32(total)
