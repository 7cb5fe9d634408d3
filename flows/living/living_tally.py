"""What happened in a living shop, counted by day and by week."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hemline.simulation.living_customers import ClosedDay
from hemline.simulation.shop_client import ShownList

IntArray = npt.NDArray[np.int64]

LISTS, BESTSELLERS, FIRST_VERSION = "lists", "bestsellers", "first version"
"""Whose lists are valued: those that were shown, and two that might have been."""
AGE_GROUPS: Final = {"under 30": (0, 30), "30 to 49": (30, 50), "50 and over": (50, 200)}
_DECIMALS: Final = 6


@dataclass
class ArmTally:
    """What customers of one arm did in a week, under one version.

    Attributes:
        visits: to the page.
        seen: places of lists that were looked at.
        picked: articles that a customer came for and saw in the list.
        discovered: bought though nobody came for them.
        searched: found by search.
        missed: not found.
        unliked: shown and not wanted.
        spent: net revenue by customer.
        added: what the lists added to it by customer, in expectation.
    """

    visits: int = 0
    seen: int = 0
    picked: int = 0
    discovered: int = 0
    searched: int = 0
    missed: int = 0
    unliked: int = 0
    spent: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    added: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def row(self) -> dict[str, Any]:
        """Return the counts, and the net revenue of a customer with its standard error."""
        values = np.array(list(self.spent.values()))
        added, added_error = _mean(np.array(list(self.added.values())))
        mean, error = _mean(values)
        counts = {name: each for name, each in vars(self).items() if isinstance(each, int)}
        return {
            **counts,
            "customers": len(values),
            "buyers": int((values > 0).sum()),
            "revenue": _rounded(values.sum()),
            "mean": mean,
            "error": error,
            "added": added,
            "added_error": added_error,
        }


class WeekTally:
    """Counts the days of one week.

    Args:
        ages: of the customers, NaN where unknown.
        n_articles: of the shop.
    """

    def __init__(self, ages: npt.NDArray[np.float64], n_articles: int) -> None:
        self._ages = ages
        self._listed = np.zeros(n_articles, np.int64)
        self._bought = np.zeros(n_articles, np.int64)
        self._arms: dict[str, ArmTally] = defaultdict(ArmTally)
        self._arm_of: dict[int, str] = {}
        self._added: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        self._got = np.zeros((len(AGE_GROUPS), 2))
        self._satisfied: list[float] = []
        self.days: list[dict[str, Any]] = []

    def add(
        self,
        closed: ClosedDay,
        shown: Mapping[int, ShownList],
        rows: Mapping[str, int],
        added: Mapping[str, Mapping[int, float]],
    ) -> None:
        """Count a day.

        Args:
            closed: what happened.
            shown: what the service answered, by customer.
            rows: of the articles by article_id.
            added: by the name of a choice of lists, LISTS among them, and by customer: what they
                would add to net revenue (LivingCustomers.added_revenue).
        """
        for customer, reaction in closed.reactions.items():
            answer = shown[customer]
            name = arm_name(answer)
            arm = self._arms[name]
            self._arm_of[customer] = name
            arm.visits += 1
            arm.seen += reaction.n_seen
            for part in ("picked", "discovered", "searched", "missed", "unliked"):
                setattr(arm, part, getattr(arm, part) + len(getattr(reaction, part)))
            arm.spent[customer] += 0.0
            arm.added[customer] += added[LISTS][customer]
            self._count_list([rows[one] for one in answer.articles])
            got = len(reaction.picked) + len(reaction.searched)
            self._count_group(customer, got, got + len(reaction.missed))
        for customer, price in zip(
            closed.online.customer.tolist(), closed.online.price.tolist(), strict=True
        ):
            self._arms[self._arm_of[customer]].spent[customer] += price
        for back in closed.returned:  # of who came this week: others are in no arm of it
            if back.customer in self._arm_of:
                arm = self._arms[self._arm_of[back.customer]]
                arm.spent[back.customer] -= back.price * back.units
        for name, values in added.items():
            for customer, value in values.items():
                self._added[name][customer] += value
        self._bought += np.bincount(closed.online.article, minlength=len(self._bought))
        self._satisfied += closed.satisfaction.values()
        self.days.append(_day_row(closed))

    def row(self) -> dict[str, Any]:
        """Return the figures of the week."""
        return {
            "arms": {name: arm.row() for name, arm in sorted(self._arms.items())},
            "added": {name: self._added_row(name) for name in self._added},
            "effective_listed": _rounded(effective_number(self._listed)),
            "effective_bought": _rounded(effective_number(self._bought)),
            "satisfaction": _rounded(float(np.mean(self._satisfied))) if self._satisfied else None,
            "got": {
                name: _rounded(got / wanted) if wanted else None
                for name, (got, wanted) in zip(AGE_GROUPS, self._got.tolist(), strict=True)
            },
        }

    def _added_row(self, name: str) -> dict[str, Any]:
        """Return what lists add per customer, and how much more those that were shown do."""
        values = np.array(list(self._added[name].values()))
        shown = np.array([self._added[LISTS][customer] for customer in self._added[name]])
        mean, error = _mean(values)
        behind, behind_error = _mean(shown - values)
        return {"mean": mean, "error": error, "behind": behind, "behind_error": behind_error}

    def _count_list(self, articles: Iterable[int]) -> None:
        for article in articles:
            self._listed[article] += 1

    def _count_group(self, customer: int, got: int, wanted: int) -> None:
        for group, (low, high) in enumerate(AGE_GROUPS.values()):
            if low <= self._ages[customer] < high:
                self._got[group] += (got, wanted)


def arm_name(answer: ShownList) -> str:
    """Return the name under which an answer counts."""
    return f"{answer.arm}, version {answer.version}"


def effective_number(counts: IntArray) -> float:
    """Return how many equally frequent articles would be as diverse: e to the entropy; 0 of none.

    >>> effective_number(np.array([5, 5, 0])), effective_number(np.zeros(3, np.int64))
    (2.0, 0.0)
    """
    shares = counts[counts > 0] / max(int(counts.sum()), 1)
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def _day_row(closed: ClosedDay) -> dict[str, Any]:
    returned = sum(one.price * one.units for one in closed.returned)
    return {
        "day": closed.today.isoformat(),
        "visits": len(closed.reactions),
        "stayed_away": closed.stayed_away,
        "online": _rounded(closed.online.price.sum(dtype=np.float64)),
        "stores": _rounded(closed.store.price.sum(dtype=np.float64)),
        "returned": _rounded(returned),
    }


def _mean(values: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the mean and its standard error, None where there are too few values."""
    n = len(values)
    mean = _rounded(values.mean()) if n else None
    return mean, _rounded(values.std(ddof=1) / np.sqrt(n)) if n > 1 else None


def _rounded(value: float) -> float:
    return round(float(value), _DECIMALS)
