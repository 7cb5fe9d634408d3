"""Exploration slots: places of a list that are drawn, to evaluate other policies from.

A list that always shows the best twelve teaches nothing about the thirteenth. In a slot, one of the
next candidates is drawn by Plackett and Luce's model: with a probability that falls with its rank
and is never small, and that is written down beside the article. Those propensities are what
off_policy needs. The other ten or eleven places stay as they are, so the price is a slot's.

Ranks, not scores, decide the probabilities: scores of different models and versions have different
scales.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]

EXPLORATION: Final = "exploration"
"""The kind of the event that says what was drawn for a visitor's slot."""


@dataclass(frozen=True)
class Explored:
    """A ranking with slots.

    Attributes:
        articles: keys, best first, the drawn ones in their slots.
        drawn: what was drawn, by slot; a slot that was drawn earlier is not among them.
    """

    articles: tuple[int, ...]
    drawn: tuple["Draw", ...]


@dataclass(frozen=True)
class Draw:
    """What was drawn for one slot.

    Attributes:
        place: in the list, from 0.
        candidates: article keys that could have been drawn.
        chosen: index among the candidates.
        propensities: probability of each candidate, adding up to 1.
    """

    place: int
    candidates: tuple[int, ...]
    chosen: int
    propensities: tuple[float, ...]


def slot_probabilities(n_candidates: int, temperature: float) -> Values:
    """Return the probability of each candidate by rank.

    >>> slot_probabilities(3, 1e9).round(2).tolist()
    [0.33, 0.33, 0.33]

    Args:
        n_candidates: at least 1.
        temperature: in ranks: a candidate so many ranks lower is 1 / e times as likely.
    """
    weights = np.exp(-np.arange(n_candidates) / temperature)
    return np.asarray(weights / weights.sum())


def explore(
    ranking: Sequence[int],
    *,
    slots: Sequence[int],
    n_candidates: int,
    temperature: float,
    draw: Callable[[int], float],
    earlier: Mapping[int, int] | None = None,
) -> Explored:
    """Return a ranking in which some places are drawn, and what was not drawn follows in order.

    What fills the other places down to the last slot is never drawn: the candidates begin below.

    Args:
        ranking: article keys, best first, each once.
        slots: places to draw for, from 0.
        n_candidates: of each slot: the next ones of the ranking that are not listed.
        temperature: see slot_probabilities.
        draw: gives the number in [0, 1) that decides a slot.
        earlier: what was drawn for a slot before: it stands there again as long as it is a
            candidate; else the best one stands there. Nothing is drawn anew for the slot.

    Raises:
        BadInput: slots are no different places of a list.
    """
    if any(slot < 0 for slot in slots) or len(set(slots)) != len(slots):
        raise BadInput(
            "slots are different places of a list, from 0",
            found=f"{list(slots)}",
            fix="name each place once",
        )
    above = max(slots, default=-1) + 1 - len(slots)
    fixed, rest = list(ranking[:above]), list(ranking[above:])
    before = earlier or {}
    listed: list[int] = []
    drawn: list[Draw] = []
    for place in range(len(ranking)):
        if place not in slots or len(rest) < 2:  # noqa: PLR2004  (one is no choice)
            listed.append((fixed or rest).pop(0))
        elif place in before:
            again = before[place] in rest
            listed.append(rest.pop(rest.index(before[place]) if again else 0))
        else:
            candidates = tuple(rest[:n_candidates])
            probabilities = slot_probabilities(len(candidates), temperature)
            chosen = _chosen(probabilities, draw(place))
            drawn.append(Draw(place, candidates, chosen, tuple(probabilities.tolist())))
            listed.append(rest.pop(chosen))
    return Explored(tuple(listed), tuple(drawn))


def _chosen(probabilities: Values, number: float) -> int:
    place = int(np.searchsorted(np.cumsum(probabilities), number, side="right"))
    return min(place, len(probabilities) - 1)  # sums may round to a little less than 1
