"""Team-draft interleaving: two rankings in one list, so that each customer compares them.

An A/B test shows a customer one ranking, and customers differ more than rankings do. Here both
rankings take turns in filling one list (Radlinski, Kurup & Joachims 2008): in each round a coin
says who picks first, and each adds its best article that is not listed yet. What the customer then
buys counts for the team that had added it. It needs a third of the buyers or fewer to tell two
rankers apart, but it cannot measure revenue or returns: it prunes challengers, an A/B test decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Team = Literal["control", "treatment"]

INTERLEAVING: Final = "interleaving"
"""The kind of the event that says which team added which article to a list."""


@dataclass(frozen=True)
class Interleaved:
    """A list of two teams.

    Attributes:
        articles: keys, best first.
        teams: which team added each article.
    """

    articles: tuple[int, ...]
    teams: tuple[Team, ...]

    def credit(self, bought: Sequence[int]) -> float:
        """Return +1 where more of what was bought is the treatment's, -1 where less, else 0."""
        purchased = set(bought)
        by_team = [
            sum(
                team == name
                for article, team in zip(self.articles, self.teams, strict=True)
                if article in purchased
            )
            for name in ("control", "treatment")
        ]
        return float(np.sign(by_team[1] - by_team[0]))


def interleave(
    control: Sequence[int], treatment: Sequence[int], length: int, rng: np.random.Generator
) -> Interleaved:
    """Return one list of both rankings.

    Args:
        control: article keys, best first, each once.
        treatment: likewise.
        length: articles that are listed at most.
        rng: tosses a coin each round.
    """
    rankings = {"control": list(control), "treatment": list(treatment)}
    listed: dict[int, Team] = {}
    while len(listed) < length:
        order: tuple[Team, ...] = ("control", "treatment")
        before = len(listed)
        for team in order if rng.random() < 0.5 else order[::-1]:  # noqa: PLR2004  (a fair coin)
            article = next((each for each in rankings[team] if each not in listed), None)
            if article is not None and len(listed) < length:
                listed[article] = team
        if len(listed) == before:
            break
    return Interleaved(tuple(listed), tuple(listed.values()))


@dataclass(frozen=True)
class InterleavingResult:
    """What interleaved lists show.

    Attributes:
        preference: wins of the treatment less those of the control, of all customers who preferred
            one; in [-1, 1].
        standard_error: of the preference.
        n_decided: customers who preferred one.
        n_tied: customers who did not.
    """

    preference: float
    standard_error: float
    n_decided: int
    n_tied: int

    @property
    def z(self) -> float:
        """The preference in standard errors under no preference."""
        return self.preference * float(np.sqrt(self.n_decided))


def preference(of_customers: npt.NDArray[np.float64]) -> InterleavingResult:
    """Return what credits show, one per customer: the sum of its lists', or its sign.

    A customer counts once, however many lists it saw: lists of one customer are not independent.
    """
    signs = np.sign(of_customers)
    n_decided = int(np.count_nonzero(signs))
    if n_decided == 0:
        return InterleavingResult(0.0, 0.0, 0, len(signs))
    mean = float(signs.sum() / n_decided)
    return InterleavingResult(
        mean, float(np.sqrt((1 - mean**2) / n_decided)), n_decided, len(signs) - n_decided
    )
