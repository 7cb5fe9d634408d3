"""Guardrails of experiments whose arms are no two halves of the visitors: rates, never totals.

Arms of a bandit have unequal shares by design, and lists of an interleaving experiment are of both
versions. So what is compared is a ratio of two sums by arm: events over the chances for them. A
ratio's error is linear in its units (the delta method), and a unit's shares in both ratios are
subtracted before their variance is taken, so that a visitor who meets both arms counts once.

How much an arm sells is no guardrail: it is what these experiments are to find. An arm that sells
more has more returns too, so returns are counted per unit that it sold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from hemline.experiments.always_valid import half_width, is_large_enough
from hemline.experiments.experiment_files import ExperimentKind, PlannedExperiment
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.fixed_horizon import ArmComparison, Values, linearised
from hemline.experiments.guardrail_state import GuardrailState

LEAST_ANSWERS: Final = "least_answers"

_PLANNED_UNITS: Final = 10_000
"""Where the interval is narrowest: a fixed number, since nobody plans one."""

_JUDGED: Final[Mapping[ExperimentKind, tuple[str, ...]]] = {
    "ab": tuple(Guardrails.model_fields),
    "interleaving": ("unlikes", "returns", "p99", "fallbacks", "coverage", LEAST_ANSWERS),
    "bandit": ("unlikes", "returns", "p99", "fallbacks", LEAST_ANSWERS),
    "shelves": ("unlikes", "returns"),
}


@dataclass(frozen=True)
class Rate:
    """How often something happened in an arm, by unit; all arms have the same units.

    Attributes:
        events: what happened.
        chances: for it; 0 of a unit that never met the arm.
    """

    events: Values
    chances: Values

    @property
    def n_units(self) -> int:
        """The units that had a chance."""
        return int(np.count_nonzero(self.chances))

    @property
    def mean(self) -> float:
        """Events per chance; NaN without any."""
        return float(self.events.sum() / self.chances.sum()) if self.n_units else float("nan")


def limits_of(kind: ExperimentKind, limits: Guardrails) -> dict[str, float]:
    """Return the limits that are part of a plan, by name: those that its kind is judged by."""
    known = limits.model_dump(exclude_none=True)
    return {name: known[name] for name in _JUDGED[kind] if name in known}


def judged_limits(plan: PlannedExperiment) -> dict[str, float]:
    """Return the limits of a plan that its kind is judged by; earlier plans had others too."""
    return {name: each for name, each in plan.guardrails.items() if name in _JUDGED[plan.kind]}


def n_guardrails(limits: Mapping[str, float]) -> int:
    """Return how many guardrails these limits are of."""
    return len(limits.keys() - {LEAST_ANSWERS})


def rate_state(
    name: str, control: Rate, treatment: Rate, share: float, alpha: float
) -> GuardrailState:
    """Return how a guardrail stands of which more is worse.

    It is broken where the rate of the treatment is higher by more than a share of the control's,
    for certain, and 100 units or more of each had a chance.

    Args:
        name: of the guardrail.
        control: its rate.
        treatment: the rate of the other arm, of the same units.
        share: allowed increase, as a share of the control's rate.
        alpha: error rate.
    """
    sizes = control.n_units, treatment.n_units
    difference, error = treatment.mean - control.mean, float("nan")
    is_broken = False
    if is_large_enough(*sizes):
        scores = [linearised(each.events, each.chances) for each in (control, treatment)]
        n_units = len(scores[0])
        error = float((scores[1] - scores[0]).std(ddof=1)) / sqrt(n_units)
        width = half_width(error, error * sqrt(n_units / _PLANNED_UNITS), alpha)
        is_broken = difference - width > share * control.mean
    found = ArmComparison(control.mean, treatment.mean, difference, error, float("nan"), *sizes)
    return GuardrailState(name, found, share * control.mean, bool(is_broken))


def broken_sentence(states: tuple[GuardrailState, ...]) -> str:
    """Return why an experiment must not go on, in words; empty where no guardrail is broken."""
    found = ", ".join(each.sentence for each in states if each.is_broken)
    if not found:
        return ""
    return f"Worse than a guardrail allows, for certain ({found}): it must not go on."
