"""Linear models for rows of any number: what was bought, times weights from article to article.

Sums are float64 in the order of the purchases and rounded to float32 before they are compared
(kernels/lists.py), a row at a time, so lists are equal to the bit for one customer and for many.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.heap import PAGE, select_largest
from hemline.kernels.lists import NO_ARTICLE, Lists, WeightRows, empty_lists

Floats = npt.NDArray[np.float32]


class Inputs(NamedTuple):
    """What customers bought, as a model reads it.

    Attributes:
        indptr: where the purchases of each customer start (histories.Histories).
        articles: int32, of all purchases, ascending within a customer.
        counted: float32 beside `articles`; what each counts.
        read: int32, ascending; articles that the model has a row for, the others do not count.
    """

    indptr: npt.NDArray[np.int32]
    articles: npt.NDArray[np.int32]
    counted: Floats
    read: npt.NDArray[np.int32]


def best_of_rows(inputs: Inputs, weights: WeightRows | Floats, n_columns: int, k: int) -> Lists:
    """Return the columns with the k largest positive sums for each customer, and the sums.

    Args:
        inputs: what was bought.
        weights: a row beside each of `inputs.read`, sparse or dense.
        n_columns: of the weights.
        k: length of the lists.
    """
    columns, scores = empty_lists(len(inputs.indptr) - 1, k)

    def fill(rows: slice) -> None:
        if isinstance(weights, np.ndarray):
            _fill_dense(rows.start, inputs, weights, n_columns, columns[rows], scores[rows])
        else:
            _fill_sparse(rows.start, inputs, weights, n_columns, columns[rows], scores[rows])

    for_blocks(fill, len(columns))
    return columns, scores


@inlined
def position_of(article: int, read: npt.NDArray[np.int32]) -> int:
    """Return the place of an article among the ascending `read`, or -1."""
    low, high = 0, len(read)
    while low < high:
        middle = (low + high) // 2
        if read[middle] < article:
            low = middle + 1
        else:
            high = middle
    return low if low < len(read) and read[low] == article else -1


@inlined
def rows_read(customer: int, inputs: Inputs) -> list[tuple[int, float]]:
    """Return what the model reads of a customer: the row of each article, and what it counts."""
    read = [(0, 0.0) for _ in range(0)]
    for entry in range(inputs.indptr[customer], inputs.indptr[customer + 1]):
        row = position_of(inputs.articles[entry], inputs.read)
        if row >= 0:
            read.append((row, np.float64(inputs.counted[entry])))
    return read


@compiled
def _fill_sparse(
    first: int,
    inputs: Inputs,
    weights: WeightRows,
    n_columns: int,
    listed: npt.NDArray[np.int32],
    best: Floats,
) -> None:
    sums = np.zeros((-(-n_columns // PAGE), PAGE))
    totals = sums.reshape(-1)
    for place in range(len(best)):
        for row, counted in rows_read(first + place, inputs):
            for other in range(weights.indptr[row], weights.indptr[row + 1]):
                totals[weights.indices[other]] += counted * weights.data[other]
        _write_best(sums, listed[place], best[place])


@compiled
def _fill_dense(
    first: int,
    inputs: Inputs,
    weights: Floats,
    n_columns: int,
    listed: npt.NDArray[np.int32],
    best: Floats,
) -> None:
    sums = np.zeros((-(-n_columns // PAGE), PAGE))
    totals = sums.reshape(-1)
    for place in range(len(best)):
        for row, counted in rows_read(first + place, inputs):
            values = weights[row]
            for column in range(n_columns):
                totals[column] += counted * values[column]
        _write_best(sums, listed[place], best[place])


@inlined
def _write_best(sums: npt.NDArray[np.float64], listed: npt.NDArray[np.int32], best: Floats) -> None:
    columns, scores = np.full(len(best), NO_ARTICLE, np.int64), np.full(len(best), -np.inf)
    select_largest(sums, columns, scores)
    listed[:], best[:] = columns, scores
