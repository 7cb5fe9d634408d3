"""Exploration slots: places of a list that are drawn, to evaluate other policies from.

A list that always shows the best twelve teaches nothing about the thirteenth. In a slot, one of the
next candidates is drawn by Plackett and Luce's model: with a probability that falls with its rank
and is never small, and that is written down beside the article. Those propensities are what
off_policy needs. The other ten or eleven places stay as they are, so the price is a slot's.

Ranks, not scores, decide the probabilities: scores of different models and versions have different
scales.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Explored:
    """A list with slots.

    Attributes:
        articles: keys, best first, the drawn ones in their slots.
        drawn: by slot, the place in the list, the candidates' places in the ranking, the index of
            the chosen one among them, and the probability of each candidate.
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
    length: int,
    slots: Sequence[int],
    n_candidates: int,
    temperature: float,
    rng: np.random.Generator,
) -> Explored:
    """Return a list in which some places are drawn.

    Args:
        ranking: article keys, best first, each once; at least length - len(slots) + n_candidates
            where there are so many.
        length: of the list.
        slots: places to draw for, from 0, below length.
        n_candidates: of each slot: the next ones of the ranking that are not listed.
        temperature: see slot_probabilities.
        rng: draws.

    Raises:
        BadInput: a slot lies outside of the list.
    """
    if any(not 0 <= slot < length for slot in slots) or len(set(slots)) != len(slots):
        raise BadInput(
            f"slots are different places of a list of {length}, from 0",
            found=f"{list(slots)}",
            fix="name places below the length",
        )
    n_fixed = min(length, len(ranking)) - sum(slot < len(ranking) for slot in slots)
    fixed, rest = list(ranking[:n_fixed]), list(ranking[n_fixed:])
    listed: list[int] = []
    draws = []
    for place in range(min(length, len(ranking))):
        if place not in slots or not rest:
            listed.append(fixed.pop(0) if fixed else rest.pop(0))
            continue
        candidates = tuple(rest[:n_candidates])
        probabilities = slot_probabilities(len(candidates), temperature)
        chosen = int(rng.choice(len(candidates), p=probabilities))
        draws.append(Draw(place, candidates, chosen, tuple(probabilities.tolist())))
        listed.append(rest.pop(chosen))
    return Explored(tuple(listed), tuple(draws))
