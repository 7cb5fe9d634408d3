"""What one customer does with one list."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.simulation.simulation_params import SimulationParams

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class Reaction(NamedTuple):
    """What a customer did on a visit, articles in the order in which they were met.

    Attributes:
        n_seen: places of the list that were looked at.
        picked: articles that the customer came for and saw in the list.
        discovered: bought though the customer did not come for them.
        searched: that the customer came for, did not see, and found.
        missed: that the customer came for and did not find.
        unliked: shown, and not wanted.
    """

    n_seen: int
    picked: tuple[int, ...]
    discovered: tuple[int, ...]
    searched: tuple[int, ...]
    missed: tuple[int, ...]
    unliked: tuple[int, ...]

    @property
    def bought(self) -> tuple[int, ...]:
        """All that was bought."""
        return self.picked + self.discovered + self.searched


def react(
    in_mind: IntArray,
    suits: FloatArray,
    listed: IntArray,
    params: SimulationParams,
    rng: np.random.Generator,
) -> Reaction:
    """Return what a customer does with a list.

    The luck of an article does not depend on its place, so the same visit under two versions of a
    model differs by the lists alone.

    Args:
        in_mind: distinct articles that the customer came for.
        suits: per article of the catalogue, 0 to 1: its chance to be what the customer is after, as
            a share of the likeliest one's; 0 for what they have already.
        listed: the articles of the list, the best first; empty where none is shown.
        params: how customers behave.
        rng: of the visit.
    """
    n_looked = int(rng.geometric(1 - params.looks_on)) if params.looks_on < 1 else len(listed)
    luck = rng.random((3, len(suits)))
    seen = listed[:n_looked]
    picked = seen[np.isin(seen, in_mind)]
    others = seen[~np.isin(seen, in_mind)]
    discovered = others[luck[0, others] < _discovers(suits[others], params)]
    rejected = (suits[others] <= params.unsuitable) & (luck[1, others] < params.unlikes)
    left = in_mind[~np.isin(in_mind, seen)]
    finds = luck[2, left] < params.finds
    return Reaction(
        len(seen),
        *(
            tuple(each.tolist())
            for each in (picked, discovered, left[finds], left[~finds], others[rejected])
        ),
    )


def chances_by_list(
    in_mind: IntArray, suits: FloatArray, listed: IntArray, params: SimulationParams
) -> FloatArray:
    """Return the chance of each place that its article is bought because it is listed.

    What a customer came for and would have found anyhow does not count, so this is what a list
    adds: `react` with the list less `react` without one, on average over the luck of a visit.

    Args:
        in_mind: as of `react`.
        suits: as of `react`.
        listed: as of `react`; the chances have its shape.
        params: as of `react`.
    """
    looked_at = params.looks_on ** np.arange(len(listed))
    is_wanted = np.isin(listed, in_mind)
    added = np.where(is_wanted, 1 - params.finds, _discovers(suits[listed], params))
    return np.asarray(looked_at * added, np.float64)


def _discovers(suits: FloatArray, params: SimulationParams) -> FloatArray:
    """Return the chance to take what was not come for, once it is seen."""
    return params.discovers * suits / (suits + params.half_suits)
