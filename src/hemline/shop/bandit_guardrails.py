"""Guardrails of a bandit: each arm against the first, by visitors' days.

Shares differ between arms and change from day to day, and days differ too. So a visitor's day
weighs one over its propensity, which was known before the day began, and a list one over the share
of its arm on its day. Then all arms are as if each had met everybody every day, and who sells is
not taken for who is shown more.

An unlike belongs to the visitor's day on which it happened, a return to the one on which the
article was bought; what was unliked or bought before the exposure of the day, or on a day without
one, belongs to no arm. Lists of a bandit over shelves are the champion's in every arm.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from hemline.experiments.assignment import EXPOSURE
from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.fixed_horizon import Values
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.rate_guardrails import (
    LEAST_ANSWERS,
    Rate,
    judged_limits,
    n_guardrails,
    rate_state,
)
from hemline.experiments.served_guardrails import served_states
from hemline.experiments.served_tallies import ServedArms, ServedTally, weighted
from hemline.experiments.thompson import SHARES
from hemline.shop.arm_tallies import arm_of_day
from hemline.shop.event_log import ShopEvent


def bandit_states(
    events: Sequence[ShopEvent],
    served: Mapping[str, ServedTally],
    plan: PlannedExperiment,
    day_of: Callable[[datetime], date],
) -> tuple[GuardrailState, ...]:
    """Return how the guardrails of a bandit stand, of each arm but the first.

    Args:
        events: of the shop until a moment, in the order of the log.
        served: what was answered, by arm and day (`arm_of_day`).
        plan: of a bandit.
        day_of: the shop's clock.
    """
    limits = judged_limits(plan)
    names = [name for name, _ in plan.allocation.arms]
    n_others = len(names) - 1
    alpha = plan.alpha / max(n_guardrails(limits) * n_others, 1)
    days = _days(events, plan.name, day_of)
    lists = _lists(events, served, plan.name, names)
    answered = Guardrails.model_validate(
        {name: limits[name] for name in ("p99", "fallbacks", LEAST_ANSWERS) if name in limits}
    )
    states: list[GuardrailState] = []
    for number, words in enumerate(plan.arms_in_words[1:], start=1):
        of_arm = [
            rate_state(
                name, days.rate(name, names[0]), days.rate(name, names[number]), limit, alpha
            )
            for name, limit in limits.items()
            if name in {"unlikes", "returns"}
        ]
        arms = ServedArms(lists[names[0]], lists[names[number]])
        of_arm += served_states(arms, answered, alpha)
        arm = words if plan.kind == "shelves" else f"version {words}"
        states += [replace(each, name=f"{each.name} ({arm})") for each in of_arm]
    return tuple(states)


@dataclass
class _VisitorDay:
    """What came of a visitor's day; numbers of articles, and units of what was bought."""

    visitor: str
    arm: str
    propensity: float
    unlikes: int = 0
    bought: int = 0
    returned: int = 0


@dataclass(frozen=True)
class _Days:
    """All visitors' days, in arrays."""

    visitor: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    arm: "np.ndarray[tuple[int], np.dtype[np.object_]]"
    weight: Values
    unlikes: Values
    bought: Values
    returned: Values

    def rate(self, guardrail: str, arm: str) -> Rate:
        """Return what a guardrail counts of an arm, by visitor."""
        weight = self.weight * (self.arm == arm)
        if guardrail == "unlikes":
            return Rate(self._by_visitor(weight * self.unlikes), self._by_visitor(weight))
        return Rate(
            self._by_visitor(weight * self.returned), self._by_visitor(weight * self.bought)
        )

    def _by_visitor(self, values: Values) -> Values:
        return np.asarray(np.bincount(self.visitor, values), np.float64)


def _days(
    events: Iterable[ShopEvent], experiment: str, day_of: Callable[[datetime], date]
) -> _Days:
    found = list(_visitor_days(events, experiment, day_of))
    _, visitor = np.unique([each.visitor for each in found], return_inverse=True)
    return _Days(
        visitor.astype(np.int64),
        np.array([each.arm for each in found], object),
        np.array([1 / each.propensity for each in found]),
        np.array([each.unlikes for each in found], np.float64),
        np.array([each.bought for each in found], np.float64),
        np.array([min(each.returned, each.bought) for each in found], np.float64),
    )


def _visitor_days(
    events: Iterable[ShopEvent], experiment: str, day_of: Callable[[datetime], date]
) -> Iterator[_VisitorDay]:
    met: dict[tuple[str, str], _VisitorDay] = {}
    bought_on: dict[tuple[str, str], _VisitorDay | None] = {}
    for event in events:
        if event.kind == EXPOSURE and event.context["experiment"] == experiment:
            context = event.context
            day = _VisitorDay(event.visitor, context["arm"], float(context["propensity"]))
            met.setdefault((event.visitor, context["day"]), day)
        elif event.kind in {"unlike", "purchase"}:
            today = met.get((event.visitor, day_of(event.at).isoformat()))
            if event.kind == "purchase":
                bought_on[event.visitor, event.article_id] = today
            if today is not None and event.kind == "purchase":
                today.bought += event.units
            elif today is not None:
                today.unlikes += 1
        elif event.kind == "return":
            then = bought_on.get((event.visitor, event.article_id))
            if then is not None:
                then.returned += event.units
    yield from met.values()


def _lists(
    events: Iterable[ShopEvent],
    served: Mapping[str, ServedTally],
    experiment: str,
    names: Sequence[str],
) -> dict[str, ServedTally]:
    """Return the lists of each arm, those of a day weighted by one over its share of then."""
    shares = {
        date.fromisoformat(each.context["day"]): each.context
        for each in events
        if each.kind == SHARES and each.context["experiment"] == experiment
    }
    return {
        name: weighted(
            [
                (tally, 1 / float(of_day[name]))
                for day, of_day in shares.items()
                if (tally := served.get(arm_of_day(name, day))) is not None
            ]
        )
        for name in names
    }
