"""Section `simulation` of params.yaml: how simulated customers behave. No stage depends on it.

What they like comes from the generator (hemline.data.synthetic). How they look at a list is a
cascade: one place after the other, and at each they may stop (Craswell et al., WSDM 2008). The
numbers are assumptions, chosen so that lists matter as published experiments say they do: some
per cent of the sales, not half of them.
"""

from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeInt, PositiveFloat

from hemline.params import Section

Chance = Annotated[float, Field(ge=0, le=1)]


class SimulationParams(Section):
    """How customers look, buy, dislike, send back and return.

    Attributes:
        seed: of everything that is drawn.
        looks_on: chance to look at the next place of a list after one.
        finds: chance to find by search what one came for and was not shown.
        discovers: chance to take what was shown and suits perfectly, though one did not come for
            it.
        half_suits: how well an article suits, as a share of the one that suits best, whose chance
            is half of that.
        unlikes: chance to dislike what is shown and suits nothing that one is after.
        unsuitable: how well an article suits at most to be disliked.
        regret: added to the log odds to send back what one did not come for.
        return_days: days until something is sent back, at least and at most.
        forgets: share by which a visit moves satisfaction towards its own success.
        satisfied: satisfaction at first, which is the share of what was wanted that was got.
        stays_away: chance that a customer who never gets anything does not come when they would.
        list_length: places of a list.
    """

    section: ClassVar[str] = "simulation"
    seed: NonNegativeInt = 7
    looks_on: Chance = 0.85
    finds: Chance = 0.6
    discovers: Chance = 0.15
    half_suits: PositiveFloat = 0.2
    unlikes: Chance = 0.02
    unsuitable: Chance = 0.001
    regret: float = 0.3
    return_days: tuple[NonNegativeInt, NonNegativeInt] = (3, 14)
    forgets: Chance = 0.2
    satisfied: Chance = 0.7
    stays_away: Chance = 0.6
    list_length: Annotated[int, Field(ge=1, le=100)] = 12
