"""What an experiment's arms were answered with: how many lists, how fast, of which articles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_STEP: Final = 1.1  # of one bucket of time to the next
_SHORTEST: Final = 1e-3


@dataclass(frozen=True)
class ServedTally:
    """What an arm was answered with; numbers of weighted lists are no whole ones.

    Attributes:
        n_answers: lists.
        n_fallbacks: of them by popularity, in place of the version's own models.
        milliseconds: number of lists by bucket of their time; see `bucket_of`.
        listed: in how many lists each article was that was in any.
    """

    n_answers: int = 0
    n_fallbacks: float = 0
    milliseconds: Mapping[int, float] = field(default_factory=dict)
    listed: Values = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class ServedArms:
    """The tallies of both arms."""

    control: ServedTally
    treatment: ServedTally


def bucket_of(milliseconds: float) -> int:
    """Return the bucket of a time; each is a tenth wider than the one before.

    >>> bucket_of(0.5) < bucket_of(1.0) <= bucket_of(1.04) < bucket_of(2.0)
    True
    """
    return round(log(max(milliseconds, _SHORTEST)) / log(_STEP))


def time_of(bucket: int) -> float:
    """Return the time that a bucket stands for, in milliseconds."""
    return float(_STEP**bucket)


def percentile(milliseconds: Mapping[int, float], share: float) -> float:
    """Return the time that a share of the lists took at most, to a twentieth; NaN without any."""
    total, reached = sum(milliseconds.values()), 0.0
    for bucket in sorted(milliseconds):
        reached += milliseconds[bucket]
        if reached >= share * total:
            return time_of(bucket)
    return float("nan")


def weighted(tallies: Sequence[tuple[ServedTally, float]]) -> ServedTally:
    """Return tallies of one arm added up by weights, as so many lists as they are worth.

    Lists of unequal weight say less than as many of equal weight: together they are worth the
    square of the sum of the weights over the sum of their squares (Kish 1965). Articles are left
    out, since the number of distinct ones cannot be weighted.

    >>> day, other = ServedTally(100, 10, {0: 100}), ServedTally(100, 0, {0: 100})
    >>> (even := weighted([(day, 2.0), (other, 2.0)])).n_answers, even.n_fallbacks
    (200, 10.0)
    >>> (uneven := weighted([(day, 1.0), (other, 3.0)])).n_answers, uneven.n_fallbacks
    (160, 4.0)

    Args:
        tallies: each with the weight of its lists.
    """
    total = sum(weight * each.n_answers for each, weight in tallies)
    squares = sum(weight**2 * each.n_answers for each, weight in tallies)
    if not total:
        return ServedTally()
    n_worth = int(total**2 / squares)
    milliseconds: dict[int, float] = {}
    n_fallbacks = 0.0
    for each, weight in tallies:
        scale = weight * n_worth / total
        n_fallbacks += scale * each.n_fallbacks
        for bucket, n in each.milliseconds.items():
            milliseconds[bucket] = milliseconds.get(bucket, 0.0) + scale * n
    return ServedTally(n_worth, n_fallbacks, milliseconds)
