"""Planned looks at a running experiment: few, agreed before the start, and without more errors.

Who tests at every look with 1.96 finds a difference in a quarter of the experiments in which there
is none. Instead, the error rate is spent over the looks: by the spending function of Lan and DeMets
(1983) that resembles O'Brien and Fleming's boundaries, almost nothing of it is spent early, so the
last look needs hardly more than 1.96. Looks may fall at other times than planned, because the
boundary of a look depends on how much information there is by then, and on nothing that comes
later.

The estimate divided by its standard error has, at the looks, the joint distribution of Brownian
motion at the information fractions, divided by their root. The density of those paths that have
not crossed a boundary is carried from look to look on a grid (Armitage, McPherson & Rowe 1969);
with 801 points the boundaries have four correct digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]

_POINTS: Final = 801
_WIDTH: Final = 6.0  # standard deviations of the grid beyond a drift
_ROOT_2PI: Final = math.sqrt(2 * math.pi)
_HIGHEST_BOUNDARY: Final = 8.0  # where less than 1e-15 is to be spent, nothing is


@dataclass(frozen=True)
class Operation:
    """How a design works out at one true difference.

    Attributes:
        crossed: the chance, by look, that the experiment ends there because a boundary is crossed.
        mean_fraction: the mean share of the planned sample after which it ends.
    """

    crossed: tuple[float, ...]
    mean_fraction: float

    @property
    def power(self) -> float:
        """The chance that a boundary is crossed at any look."""
        return float(sum(self.crossed))


def spent(fraction: float, alpha: float) -> float:
    """Return how much of a two-sided error rate is spent at an information fraction.

    >>> round(spent(0.5, 0.05), 4), round(spent(1.0, 0.05), 4)
    (0.0031, 0.05)
    """
    return float(4 * norm.sf(norm.isf(alpha / 4) / np.sqrt(min(fraction, 1.0))))


def boundaries(fractions: Sequence[float], alpha: float = 0.05) -> tuple[float, ...]:
    """Return the absolute z-value to be reached at each look.

    >>> [round(each, 3) for each in boundaries((0.2, 0.4, 0.6, 0.8, 1.0))]
    [4.877, 3.357, 2.68, 2.29, 2.031]

    Args:
        fractions: information at each look, of that planned for the last one: ascending, above 0.
            The last may be below 1, where the looks so far are evaluated, or above, where more
            came than was planned: the error rate is then all spent at the first such look.
        alpha: two-sided error rate of the whole experiment, in (0, 1).

    Raises:
        BadInput: the fractions do not ascend from above 0.
    """
    return _bounds(_checked(fractions), alpha)


def operation(fractions: Sequence[float], drift: float, alpha: float = 0.05) -> Operation:
    """Return how a design works out.

    Args:
        fractions: as for `boundaries`.
        drift: expected z-value at a fraction of 1: the true difference divided by the standard
            error that is planned for the end.
        alpha: two-sided error rate.
    """
    times = _checked(fractions)
    crossed = _crossed(times, _bounds(times, alpha), drift)
    ends = [*crossed[:-1], 1 - sum(crossed[:-1])]
    return Operation(crossed, float(np.dot(ends, times)))


def drift_for(power: float, fractions: Sequence[float], alpha: float = 0.05) -> float:
    """Return the expected z-value at the end that a power needs, for `operation`.

    The square of its ratio to that of a single look is how much larger the sample is to be.

    >>> round(drift_for(0.8, (1.0,)), 3), round(drift_for(0.8, (0.25, 0.5, 0.75, 1.0)), 3)
    (2.802, 2.829)
    """
    times = _checked(fractions)
    bounds = _bounds(times, alpha)
    least = float(norm.isf(alpha / 2))

    def lacking(drift: float) -> float:
        return sum(_crossed(times, bounds, drift)) - power

    return float(brentq(lacking, 0.0, least + norm.isf(1 - power) + 3.0, xtol=1e-4))


def _checked(fractions: Sequence[float]) -> Values:
    times = np.array(fractions, np.float64)
    if len(times) == 0 or times[0] <= 0 or (np.diff(times) <= 0).any():
        raise BadInput(
            "the information fractions of the looks ascend from above 0",
            found=f"{[float(each) for each in times]}",
            fix="give the share of the planned sample that is there at each look, in order",
        )
    return times


def _bounds(times: Values, alpha: float) -> tuple[float, ...]:
    """Return the boundary of each look, from the paths without a drift."""
    bounds: list[float] = []
    paths, so_far = _Paths(0.0), 0.0
    for time in map(float, times):
        now_spent = spent(time, alpha)
        bounds.append(paths.boundary_at(time, now_spent - so_far))
        so_far = now_spent
        if time < times[-1]:
            paths.go_on(time, bounds[-1])
    return tuple(bounds)


def _crossed(times: Values, bounds: Sequence[float], drift: float) -> tuple[float, ...]:
    """Return the chance, by look, to cross its boundary first there."""
    crossed: list[float] = []
    paths = _Paths(drift)
    for time, bound in zip(map(float, times), bounds, strict=True):
        crossed.append(paths.crossing(time, bound))
        if time < times[-1]:
            paths.go_on(time, bound)
    return tuple(crossed)


class _Paths:
    """The paths of a Brownian motion with drift that have crossed no boundary so far."""

    def __init__(self, drift: float) -> None:
        self._drift = drift
        self._time = 0.0
        self._points = np.zeros(1)
        self._masses = np.ones(1)

    def boundary_at(self, time: float, to_spend: float) -> float:
        """Return the z-value that paths cross at the look at a time with a chance of `to_spend`."""
        if self.crossing(time, _HIGHEST_BOUNDARY) >= to_spend:
            return _HIGHEST_BOUNDARY
        return float(
            brentq(lambda z: self.crossing(time, z) - to_spend, 0.0, _HIGHEST_BOUNDARY, xtol=1e-9)
        )

    def crossing(self, time: float, bound: float) -> float:
        """Return the chance of being beyond a boundary, either way, at the look at a time."""
        spread = np.sqrt(time - self._time)
        means = self._points + self._drift * (time - self._time)
        edge = bound * np.sqrt(time)
        beyond = ndtr((means - edge) / spread) + ndtr((-edge - means) / spread)
        return float(beyond @ self._masses)

    def go_on(self, time: float, bound: float) -> None:
        """Go to the look at a time, and leave out the paths that cross its boundary."""
        spread = np.sqrt(time - self._time)
        edge = bound * np.sqrt(time)
        middle = self._drift * time
        low = max(-edge, min(middle - _WIDTH * np.sqrt(time), edge))
        high = min(edge, max(middle + _WIDTH * np.sqrt(time), -edge))
        points = np.linspace(low, high, _POINTS)
        means = self._points + self._drift * (time - self._time)
        apart = (points[:, None] - means[None, :]) / spread
        density = np.exp(-0.5 * apart * apart) @ self._masses / (spread * _ROOT_2PI)
        self._masses = density * _simpson(points)
        self._points, self._time = points, time


def _simpson(points: Values) -> Values:
    """Return the weights of Simpson's rule on an odd number of evenly spaced points."""
    weights = np.full(len(points), 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return np.asarray(weights * (points[1] - points[0]) / 3, np.float64)
