"""What an experiment's arms were answered with: how many lists, how fast, of which articles."""

from collections.abc import Mapping
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
    """What an arm was answered with.

    Attributes:
        n_answers: lists.
        n_fallbacks: of them by popularity, in place of the version's own models.
        milliseconds: number of lists by bucket of their time; see `bucket_of`.
        listed: in how many lists each article was that was in any.
    """

    n_answers: int = 0
    n_fallbacks: int = 0
    milliseconds: Mapping[int, int] = field(default_factory=dict)
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


def percentile(milliseconds: Mapping[int, int], share: float) -> float:
    """Return the time that a share of the lists took at most, to a twentieth; NaN without any."""
    total, reached = sum(milliseconds.values()), 0
    for bucket in sorted(milliseconds):
        reached += milliseconds[bucket]
        if reached >= share * total:
            return time_of(bucket)
    return float("nan")
