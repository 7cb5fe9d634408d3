"""A signal: a measurement per buyer of a week, and how means over buyers become its numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ALL: Final = "all"
"""The segment of everybody."""

Combine = Callable[[FloatArray, FloatArray], FloatArray]


def as_means(means: FloatArray, n_buyers: FloatArray) -> FloatArray:  # noqa: ARG001  (a Combine)
    """Return the means unchanged, as for most signals."""
    return means


def as_totals(means: FloatArray, n_buyers: FloatArray) -> FloatArray:
    """Return sums over buyers instead of means."""
    return means * n_buyers


def as_weighted(means: FloatArray, n_buyers: FloatArray) -> FloatArray:  # noqa: ARG001  (a Combine)
    """Return a weighted mean, from the means of weight times value and of the weight."""
    return means[:1] / np.where(means[1:2] > 0, means[1:2], 1.0)


@dataclass(frozen=True)
class Signal:
    """Measurements of buyers, and how their means become the signal's numbers.

    Attributes:
        about: "transactions", "habits", "shop" or "recommendations".
        column: its name.
        segment: "all", or the index group in which it is measured.
        categories: the names of the numbers; one empty name for a single number.
        buyers: those measured, as rows of the week's buyers.
        measured: CSR of shape (those buyers, measurements).
        combine: turns means over buyers, of shape (measurements, resamples), and the number of
            buyers of each resample into numbers of shape (categories, resamples).
    """

    about: str
    column: str
    segment: str
    categories: tuple[str, ...]
    buyers: IntArray
    measured: sparse.csr_matrix
    combine: Combine = as_means


def number(
    about: str, column: str, buyers: IntArray, measured: FloatArray, *, segment: str = ALL
) -> Signal:
    """Return the signal whose only number is the mean of a value per buyer."""
    matrix = sparse.csr_matrix(measured[:, None])
    return Signal(about, column, segment, ("",), buyers, matrix)
