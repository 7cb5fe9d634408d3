"""A policy learnt from the served version's exploration slots, beside that version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.online.foretold import (
    LENGTH,
    N_CANDIDATES,
    TEMPERATURE,
    DrawnSlots,
    opinions,
)
from benchmarks.online.futures import CUSTOMERS, live_under
from benchmarks.online.policies import ListFor, Lists, Policy
from benchmarks.record import Row
from hemline.experiments.exploration_slots import slot_probabilities
from hemline.experiments.learnt_policy import LearntPolicy, learn_policy
from hemline.simulation.living_customers import OpenDay
from hemline.simulation.relived_shop import RelivedShop

IntArray = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_REORDERED: Final = 20  # first places of the served ranking


@dataclass(frozen=True)
class Reordered:
    """The first places of a ranking, reordered by a learnt policy.

    Attributes:
        served: the ranking, longer than LENGTH.
        others: whose opinions the policy mixes, in the order of its features.
        policy: learnt.
    """

    served: ListFor
    others: tuple[ListFor, ...]
    policy: LearntPolicy

    def __call__(self, shop: RelivedShop, opened: OpenDay) -> Lists:
        """Return the lists of a day."""
        return {customer: self._list(shop, customer) for customer in opened.online}

    def _list(self, shop: RelivedShop, customer: int) -> IntArray:
        candidates = self.served(shop, customer)[:_REORDERED]
        rankings = [other(shop, customer) for other in self.others]
        features = opinions(candidates, rankings)
        order = np.argsort(-self.policy.score(features), kind="stable")
        return candidates[order][:LENGTH]


def judge_learnt(
    log: DrawnSlots, later: RelivedShop, served: ListFor, others: Mapping[str, ListFor], n_days: int
) -> list[Row]:
    """Return what the policy that a log teaches sells in the weeks after it, beside served.

    Args:
        log: of the served version's slots.
        later: the shop after the weeks of the log; it stays as it is.
        served: ranking of the served version, longer than LENGTH.
        others: rankings whose opinions are mixed, the served one among them.
        n_days: how long both are judged.
    """
    chosen = np.array(log.chosen)
    features = np.array(log.opinions)
    propensity = slot_probabilities(N_CANDIDATES, TEMPERATURE)[chosen]
    policy = learn_policy(features, np.array(log.rewards), propensity)
    reordered = Reordered(served, tuple(others.values()), policy)
    learnt = live_under(later, reordered, n_days, "learnt")
    plain = live_under(later, _first_places(served), n_days, "served, beside it")
    case, rows = "learnt from reward", []
    for metric, ours, theirs in (
        ("added by lists", learnt.added, plain.added),
        ("revenue", learnt.spent, plain.spent),
    ):
        named = {"served": theirs, "learnt": ours, "learnt less served": ours - theirs}
        for name, values in named.items():
            of_all = values * CUSTOMERS
            rows.append(Row(case, name, metric, float(of_all.mean()), _error(of_all)))
    rows.append(Row(case, "learnt", "decisions", len(chosen), None))
    rows.append(Row(case, "learnt", "bought and kept", float(np.sum(log.rewards)), None))
    for name, weight in zip(others, policy.weights.tolist(), strict=True):
        rows.append(Row("opinions, by weight", name, "weight", weight, None))
    return rows


def _first_places(served: ListFor) -> Policy:
    def show(shop: RelivedShop, opened: OpenDay) -> Lists:
        return {customer: served(shop, customer)[:LENGTH] for customer in opened.online}

    return show


def _error(values: Values) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
