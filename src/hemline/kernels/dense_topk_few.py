"""The whole of `kernels.dense_topk` for few customers in one call, which numba compiles.

Called one after another from Python, its parts cost one customer as much again as they compute.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.dense_topk_loops import (
    BoundedCandidates,
    Factors,
    add_candidates,
    write_lists,
)

Floats = npt.NDArray[np.float32]

_LARGEST_INT8 = 127
_FLOAT32_EPSILON = 2.0**-24
_ROUNDED_UP = 1 + 1e-4


class Int8Rows(NamedTuple):
    """Rows rounded to int8: approximately `scale` times `values`.

    Attributes:
        values: int8 of the rows' shape.
        scale: float32 of shape (rows,).
        residual_norm: float32 of shape (rows,); norm of what rounding took away.
        norm: float32 of shape (rows,); norm of the rows before rounding.
    """

    values: npt.NDArray[np.int8]
    scale: Floats
    residual_norm: Floats
    norm: Floats


@compiled
def write_best_of_few(
    factors: Factors,
    table: Int8Rows,
    largest: tuple[float, float],
    articles: npt.NDArray[np.int32],
    scores: Floats,
) -> None:
    """Write the best articles of each customer into empty lists.

    Args:
        factors: customers, articles and bias.
        table: the articles in int8.
        largest: norm of an article's vector, and absolute value of a finite bias, at most.
        articles: int32 of shape (customers, k); changed.
        scores: float32 of the same shape; changed.
    """
    n_customers, width = factors.customers.shape
    k = articles.shape[1]
    queries = Int8Rows(
        np.empty((n_customers, width), np.int8),
        np.empty(n_customers, np.float32),
        np.empty(n_customers, np.float32),
        np.empty(n_customers, np.float32),
    )
    slack = np.empty(n_customers, np.float32)
    for row in range(n_customers):
        _round(factors.customers[row], row, queries)
        total = queries.norm[row] * largest[0] + largest[1]
        slack[row] = (width + 32) * _FLOAT32_EPSILON * total
    n_places = 4 * k + 32
    candidates = BoundedCandidates(
        np.empty((n_customers, n_places), np.int32),
        np.empty((n_customers, n_places), np.float32),
        np.empty((n_customers, n_places), np.float32),
        np.zeros(n_customers, np.int64),
        np.full(n_customers, np.finfo(np.float32).min, np.float32),
    )
    _scan(queries, table, slack, factors, candidates, k)
    write_lists(factors, candidates, articles, scores)


@inlined
def _scan(
    queries: Int8Rows,
    table: Int8Rows,
    slack: Floats,
    factors: Factors,
    candidates: BoundedCandidates,
    k: int,
) -> None:
    """Add the articles that may be among the k best of all, judged by both factors in int8.

    Args:
        queries: the customers in int8.
        table: the articles in int8.
        slack: float32 of shape (customers,); largest error that float32 arithmetic adds.
        factors: both without rounding.
        candidates: empty; changed.
        k: length of the lists.
    """
    n_articles = len(factors.vectors)
    products = np.empty(n_articles, np.float32)
    error = np.empty(n_articles, np.float32)
    for row in range(len(factors.customers)):
        _multiply(table.values, queries.values[row], products)
        norm = queries.norm[row] + queries.residual_norm[row]
        for article in range(n_articles):
            rounding = norm * table.residual_norm[article]
            rounding += queries.residual_norm[row] * table.norm[article]
            error[article] = rounding + slack[row]
            products[article] *= queries.scale[row] * table.scale[article]
            products[article] += error[article]
        add_candidates(products, error, 0, row, factors, candidates, k)


@inlined
def _round(vector: Floats, row: int, queries: Int8Rows) -> None:
    """Write a vector in int8, with the norms of it and of what rounding takes away, rounded up."""
    largest = np.float32(0)
    for value in vector:
        largest = max(largest, abs(value))
    scale = largest / np.float32(_LARGEST_INT8) if largest > 0 else np.float32(1)
    squares, residuals = 0.0, 0.0
    for column in range(len(vector)):
        rounded = np.rint(vector[column] / scale)
        queries.values[row, column] = np.int8(rounded)
        squares += np.float64(vector[column]) ** 2
        residuals += (np.float64(vector[column]) - np.float64(scale) * rounded) ** 2
    queries.scale[row] = scale
    queries.norm[row] = math.sqrt(squares) * _ROUNDED_UP
    queries.residual_norm[row] = math.sqrt(residuals) * _ROUNDED_UP


@inlined
def _multiply(table: npt.NDArray[np.int8], vector: npt.NDArray[np.int8], products: Floats) -> None:
    """Write the products with all rows, four rows at a time: each number is read once for four.

    Sums are exact in int32 and cast to it at each step, because numba would add them in int64,
    which takes three times as long.
    """
    n_by_fours = len(table) // 4 * 4
    for article in range(0, n_by_fours, 4):
        first, second = table[article], table[article + 1]
        third, fourth = table[article + 2], table[article + 3]
        one, two, three, four = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
        for column in range(len(vector)):
            value = np.int32(vector[column])
            one = np.int32(one + np.int32(first[column]) * value)
            two = np.int32(two + np.int32(second[column]) * value)
            three = np.int32(three + np.int32(third[column]) * value)
            four = np.int32(four + np.int32(fourth[column]) * value)
        products[article], products[article + 1] = one, two
        products[article + 2], products[article + 3] = three, four
    for article in range(n_by_fours, len(table)):
        total = np.int32(0)
        for column in range(len(vector)):
            total = np.int32(total + np.int32(table[article, column]) * np.int32(vector[column]))
        products[article] = total
