"""Who is in which arm: by a hash, so that every worker and every later analysis agrees.

Within a layer each unit has one place in [0, 1); experiments of a layer own disjoint ranges of
places, so a unit is in one of them at most. Layers are hashed independently: an experiment on the
ranker and one on a shelf cross evenly. Inside its range, a second hash draws the arm. An experiment
that ramps up widens its range at one end: who was in stays in, in the same arm.

The salt of a hash is the layer's or the experiment's name, so the next experiment of a layer mixes
the units anew, and nobody is always in the first per cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from hemline.errors import BadInput

EXPOSURE: Final = "exposure"
"""The kind of the event that says that a unit is in an arm."""

CONTROL: Final = "control"
TREATMENT: Final = "treatment"
INTERLEAVED: Final = "interleaved"
"""The one arm of an interleaving experiment."""

_PLACES: Final = 2**64


@dataclass(frozen=True)
class Allocation:
    """The places of a layer that an experiment owns.

    Attributes:
        experiment: its name; salt of the arms.
        layer: salt of the places.
        start: first place, in [0, 1).
        share: how much of the layer it may use at most; start + share is at most 1.
        arms: weights by name; the order of the names does not matter.
    """

    experiment: str
    layer: str
    start: float
    share: float
    arms: tuple[tuple[str, float], ...]

    def overlaps(self, other: "Allocation") -> bool:
        """Return whether a unit could be in both."""
        apart = self.start + self.share <= other.start or other.start + other.share <= self.start
        return self.layer == other.layer and not apart


def place_of(unit: str, salt: str) -> float:
    """Return the place of a unit, in [0, 1).

    >>> place_of("customer:a", "page") == place_of("customer:a", "page")
    True
    """
    hashed = blake2b(unit.encode(), key=salt.encode()[:64], digest_size=8)
    return int.from_bytes(hashed.digest()) / _PLACES


def arm_of(unit: str, allocation: Allocation, exposed_share: float) -> str | None:
    """Return the arm of a unit, None where it is not in the experiment.

    Args:
        unit: name of a visitor.
        allocation: of the experiment.
        exposed_share: of the layer that is in the experiment now, at most allocation.share.
    """
    place = place_of(unit, allocation.layer) - allocation.start
    if not 0 <= place < min(exposed_share, allocation.share):
        return None
    arms = sorted(allocation.arms)
    drawn = place_of(unit, f"{allocation.experiment}/arm") * sum(weight for _, weight in arms)
    for name, weight in arms:
        drawn -= weight
        if drawn < 0:
            return name
    return arms[-1][0]


def free_start(layer: str, share: float, running: Sequence[Allocation]) -> float:
    """Return where a new experiment of a layer may start.

    Raises:
        BadInput: no range of the layer is free that is as wide.
    """
    taken = sorted((each.start, each.start + each.share) for each in running if each.layer == layer)
    start = 0.0
    for begins, ends in taken:
        if start + share <= begins + 1e-12:
            return start
        start = max(start, ends)
    if start + share > 1 + 1e-12:
        raise BadInput(
            f"layer '{layer}' has {share:.0%} of the traffic free, in one piece",
            found=f"{len(taken)} running experiments that have {sum(b - a for a, b in taken):.0%}",
            fix="stop one of them, take a smaller share, or another layer",
        )
    return start
