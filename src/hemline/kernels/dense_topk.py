"""The best of all articles for a customer's vector: dot products with a table, exactly, fast.

A catalogue of 105,542 articles times 1.37 million customers is too much to keep and, at one answer
a time, too much to read: 84 MB of floats for each. So a quick scan finds who could be among the
best, and only those are scored for good:

- many customers: tiles that stay in the cache, a block of customers a thread, multiplied by BLAS or
  by a quicker product that the model knows;
- few: the table in bytes, a quarter of the memory to read.

Each scan knows how far it can be off (Cauchy-Schwarz on what rounding took away), and nobody within
that distance of the k-th best is dropped. A score is the sum of products in float64, in the order
of the columns, rounded to float32. So lists and scores are the same to the bit for one customer and
for many, whatever tile, thread or scan. The price is a second copy of the table, in bytes, made
when somebody first asks alone.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.dense_topk_loops import Bytes, Factors, Kept, finish, keep_bytes, keep_tile
from hemline.kernels.lists import Lists, empty_lists

Matrix = npt.NDArray[np.float32]

_FEW: Final = 16
_BLOCK: Final = 256
_TILE: Final = 2048
_ROUNDING: Final = 2.0**-24
_LARGEST_BYTE: Final = 127


class Scan(NamedTuple):
    """How a block of customers is multiplied with the table, a tile at a time.

    Attributes:
        lost: float32 of shape (customers,); how far a product may be off, rounding in float32
            apart.
        multiply: writes the products with a slice of the articles into float32 of shape
            (customers, articles of the slice).
    """

    lost: Matrix
    multiply: Callable[[slice, Matrix], None]


@dataclass(frozen=True)
class ScoreTable:
    """Articles as vectors, ready to be multiplied with those of customers.

    Attributes:
        vectors: float32 of shape (articles, width), C order.
        bias: float32 of shape (articles,), added to each score; -inf keeps an article back.
        coarse: a quicker product with the vectors of customers than BLAS has; BLAS if None.
    """

    vectors: Matrix
    bias: Matrix
    coarse: Callable[[Matrix], Scan] | None = None

    def best(self, customers: Matrix, k: int) -> Lists:
        """Return the k articles of highest score for each vector, as `ranking.top_k` does.

        Args:
            customers: float32 of shape (customers, width).
            k: length of the lists.
        """
        articles, scores = empty_lists(len(customers), k)
        asking = np.ascontiguousarray(customers, np.float32)
        starts = range(0, len(asking), _BLOCK)

        def fill(start: int) -> None:
            rows = slice(start, start + _BLOCK)
            self._fill(asking[rows], articles[rows], scores[rows])

        if len(starts) <= 1:
            fill(0)
            return articles, scores
        from threadpoolctl import threadpool_info, threadpool_limits  # noqa: PLC0415  (for many)

        n_threads = max(pool["num_threads"] for pool in threadpool_info())
        alone = (1, "openmp")  # a thread of ours starts none of its own
        with (
            threadpool_limits(1, "blas"),
            ThreadPoolExecutor(n_threads, "scoring", threadpool_limits, alone) as threads,
        ):
            list(threads.map(fill, starts))
        return articles, scores

    def _fill(self, asking: Matrix, articles: npt.NDArray[np.int32], scores: Matrix) -> None:
        k = articles.shape[1]
        kept, slack = Kept.of(len(asking), k), self._rounding(asking)
        factors = Factors(asking, self.vectors, self.bias)
        if len(asking) <= _FEW:
            keep_bytes(_to_bytes(asking), self._bytes, slack, factors, kept, k)
        else:
            scan = (self.coarse or self._by_blas)(asking)
            products = np.empty((len(asking), _TILE), np.float32)
            for first in range(0, len(self.vectors), _TILE):
                tile = slice(first, min(first + _TILE, len(self.vectors)))
                product = products[:, : tile.stop - first]
                scan.multiply(tile, product)
                keep_tile(product, first, slack + scan.lost, factors, kept, k)
        finish(factors, kept, articles, scores)

    def _by_blas(self, asking: Matrix) -> Scan:
        def multiply(tile: slice, products: Matrix) -> None:
            np.matmul(asking, self.vectors[tile].T, out=products)

        return Scan(np.zeros(len(asking), np.float32), multiply)

    def _rounding(self, asking: Matrix) -> Matrix:
        """Return how far float32 arithmetic can take a customer's scores from the truth."""
        largest = row_lengths(asking) * self._longest + self._highest
        return np.asarray((self.vectors.shape[1] + 32) * _ROUNDING * largest, np.float32)

    @cached_property
    def _bytes(self) -> Bytes:
        return _to_bytes(self.vectors)

    @cached_property
    def _longest(self) -> float:
        return float(row_lengths(self.vectors).max(initial=0))

    @cached_property
    def _highest(self) -> float:
        return float(np.abs(self.bias[np.isfinite(self.bias)]).max(initial=0))


def row_lengths(vectors: Matrix) -> Matrix:
    """Return the Euclidean length of each row, never too short for its rounding."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    return np.asarray(np.sqrt(squares) * np.float32(1 + 1e-4), np.float32)


def _to_bytes(vectors: Matrix) -> Bytes:
    largest = np.abs(vectors).max(axis=1, initial=0)
    scale = np.where(largest > 0, largest / _LARGEST_BYTE, 1).astype(np.float32)
    values = np.rint(vectors / scale[:, None]).astype(np.int8)
    lost = vectors - scale[:, None] * values
    return Bytes(values, scale, row_lengths(lost), row_lengths(vectors))
