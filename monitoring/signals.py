"""A signal: something measured of each buyer of a week, and how its means become numbers."""

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


def as_they_are(means: FloatArray, n_buyers: FloatArray) -> FloatArray:  # noqa: ARG001  (a Combine)
    """Return the means: the numbers of most signals."""
    return means


def as_totals(means: FloatArray, n_buyers: FloatArray) -> FloatArray:
    """Return sums over buyers instead of means."""
    return means * n_buyers


def as_weighted(means: FloatArray, n_buyers: FloatArray) -> FloatArray:  # noqa: ARG001  (a Combine)
    """Return one weighted mean, from the means of weight times number and of the weight."""
    return means[:1] / np.where(means[1:2] > 0, means[1:2], 1.0)


@dataclass(frozen=True)
class Signal:
    """Something measured of each buyer, and how its means become the signal's numbers.

    Attributes:
        about: "transactions", "habits", "shop" or "recommendations".
        column: its name.
        segment: "all", or the index group it is measured in.
        categories: the names of the numbers; one empty name for a single number.
        buyers: rows of the week's buyers it was measured of.
        measured: CSR of shape (those buyers, measurements).
        combine: from means over buyers, of shape (measurements, resamples), and numbers of buyers
            to numbers of shape (categories, resamples).
    """

    about: str
    column: str
    segment: str
    categories: tuple[str, ...]
    buyers: IntArray
    measured: sparse.csr_matrix
    combine: Combine = as_they_are


def number(
    about: str, column: str, buyers: IntArray, measured: FloatArray, *, segment: str = ALL
) -> Signal:
    """Return the signal whose one number is the mean of one value per buyer."""
    matrix = sparse.csr_matrix(measured[:, None])
    return Signal(about, column, segment, ("",), buyers, matrix)
