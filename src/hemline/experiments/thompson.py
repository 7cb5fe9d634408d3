"""A bandit over arms: Thompson sampling in batches, with a floor of exploration.

Each arm's conversion has a Beta posterior. An arm's share of the next batch is the probability that
it is the best (Thompson 1933; Scott 2010), estimated from draws, but never below a floor: an arm
that had bad luck early is tried again, and the logged propensities stay large enough to evaluate
other policies from. Shares change between batches only, so that a batch may be a day and a worker
needs no more than the shares. In the shop an arm is a version, or which shelf stands first.

A bandit gives the traffic to what sells. It says less than an A/B test about how much better that
is, and is not to be used where the outcome comes later than the next batch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]

SHARES: Final = "shares"
"""The kind of the event that says how the traffic of a day is shared out."""

_DRAWS: Final = 4000


@dataclass(frozen=True)
class ArmCounts:
    """What is known of the arms.

    Attributes:
        n_shown: visits by arm.
        n_converted: visits with a purchase, by arm; at most n_shown.
    """

    n_shown: npt.NDArray[np.int64]
    n_converted: npt.NDArray[np.int64]

    @classmethod
    def none(cls, n_arms: int) -> "ArmCounts":
        """Return the counts before the first batch."""
        return cls(np.zeros(n_arms, np.int64), np.zeros(n_arms, np.int64))

    def plus(self, shown: npt.NDArray[np.int64], converted: npt.NDArray[np.int64]) -> "ArmCounts":
        """Return the counts with a batch added."""
        return ArmCounts(self.n_shown + shown, self.n_converted + converted)


def traffic_shares(counts: ArmCounts, floor: float, rng: np.random.Generator) -> Values:
    """Return the share of the next batch by arm, which adds up to 1.

    Args:
        counts: of the batches so far; the prior is uniform.
        floor: smallest share of an arm, at most 1 / arms.
        rng: draws from the posteriors.

    Raises:
        BadInput: the floor leaves nothing to share out, or more converted than were shown.
    """
    n_arms = len(counts.n_shown)
    if not 0 <= floor <= 1 / n_arms:
        raise BadInput(
            f"the floor of {n_arms} arms lies between 0 and {1 / n_arms:.3f}",
            found=f"{floor}",
            fix="lower experiments.bandit_floor",
        )
    failed = counts.n_shown - counts.n_converted
    if (failed < 0).any() or (counts.n_converted < 0).any():
        raise BadInput(
            "an arm has no more conversions than visits",
            found=f"{counts.n_converted.tolist()} of {counts.n_shown.tolist()}",
            fix="count a visit once, and converted where it led to a purchase",
        )
    drawn = rng.beta(counts.n_converted + 1, failed + 1, (_DRAWS, n_arms))
    is_best = np.bincount(drawn.argmax(axis=1), minlength=n_arms) / _DRAWS
    return np.asarray(floor + (1 - n_arms * floor) * is_best)
