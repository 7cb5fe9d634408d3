"""Guardrails on what was answered: how fast, by which model, how wide, and to whom it did good.

Answers of one visitor are not independent of each other, so a share of answers is known less well
than its interval says; the least number of answers stands against that.
"""

from collections.abc import Iterator
from math import hypot
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from hemline.experiments.always_valid import half_width, is_large_enough
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.fixed_horizon import ArmComparison, compare
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.observations import Observations
from hemline.experiments.served_tallies import ServedArms, Values, percentile, time_of

_SLOWEST: Final = 0.01  # the share of answers beyond the p99
_PLANNED: Final = 10  # times the least number of answers: where the interval is narrowest


def served_states(served: ServedArms, limits: Guardrails, alpha: float) -> Iterator[GuardrailState]:
    """Return how guardrails on answers stand; none is broken before there are enough of them.

    Args:
        served: by arm.
        limits: those that are None are left out.
        alpha: error rate of each.
    """
    arms = served.control, served.treatment
    is_enough = min(each.n_answers for each in arms) >= limits.least_answers
    if limits.p99 is not None:
        yield _p99(served, limits.p99, limits.least_answers, alpha, is_enough=is_enough)
    if limits.fallbacks is not None:
        yield _fallbacks(served, limits.fallbacks, limits.least_answers, alpha, is_enough=is_enough)
    if limits.coverage is not None:
        yield _coverage(served, limits.coverage, is_enough=is_enough)


def distinct(listed: Values, n_answers: int, n_drawn: int) -> float:
    """Return how many distinct articles so many of the lists have, on average (rarefaction).

    >>> round(distinct(np.array([10.0, 10.0]), 10, 5), 9), round(distinct(np.array([1.0]), 4, 2), 9)
    (2.0, 0.5)

    Args:
        listed: in how many lists each article was.
        n_answers: lists in all.
        n_drawn: lists that are drawn of them, which makes arms of different sizes comparable.
    """
    left = n_answers - np.minimum(listed, n_answers)  # lists without the article
    is_missable = left >= n_drawn
    left = left[is_missable]
    chance = (
        gammaln(left + 1)
        - gammaln(left - n_drawn + 1)
        + gammaln(n_answers - n_drawn + 1)
        - gammaln(n_answers + 1)
    )
    return float(len(listed) - np.exp(chance).sum())


def fairness_state(
    seen: Observations, segments: npt.NDArray[np.object_], share: float, alpha: float
) -> GuardrailState | None:
    """Return how the group stands that fares worst; None where no two groups are large enough.

    It is broken where the orders of a group change for the worse, against those of all other
    customers, by more than a share of the control's orders, for certain.

    Args:
        seen: the units.
        segments: the group of each unit.
        share: see Guardrails.fairness_gap.
        alpha: error rate over all groups together.
    """
    groups = sorted({str(each) for each in segments})
    found = {name: gap for name in groups if (gap := _gap(seen, segments == name)) is not None}
    if not found:
        return None
    limit = -share * float(seen.orders[~seen.is_treated].mean())
    planned = float(seen.orders.std() * 2 / np.sqrt(len(seen))) or 1.0

    def surely(gap: ArmComparison) -> float:
        return gap.difference + half_width(gap.standard_error, planned, alpha / len(found))

    name = min(found, key=lambda each: surely(found[each]))
    worst = found[name]
    return GuardrailState(f"fairness gap ({name})", worst, limit, surely(worst) < limit)


def _gap(seen: Observations, inside: npt.NDArray[np.bool_]) -> ArmComparison | None:
    """Return the change of a group's orders less that of all others; None where either is small."""
    parts = []
    for rows in (inside, ~inside):
        control, treatment = rows & ~seen.is_treated, rows & seen.is_treated
        if not is_large_enough(int(control.sum()), int(treatment.sum())):
            return None
        parts.append(compare(seen.orders[control], seen.orders[treatment]))
    own, others = parts
    return ArmComparison(
        others.difference,
        own.difference,
        own.difference - others.difference,
        hypot(own.standard_error, others.standard_error),
        float("nan"),
        own.n_control,
        own.n_treatment,
    )


def _p99(
    served: ServedArms, share: float, least: int, alpha: float, *, is_enough: bool
) -> GuardrailState:
    control, treatment = (
        percentile(each.milliseconds, 1 - _SLOWEST) for each in (served.control, served.treatment)
    )
    slower = sum(
        n
        for bucket, n in served.treatment.milliseconds.items()
        if time_of(bucket) > (1 + share) * control
    )
    n_answers = max(served.treatment.n_answers, 1)
    error = _error(slower / n_answers, n_answers)
    width = half_width(error, _error(_SLOWEST, _PLANNED * least), alpha)
    is_broken = is_enough and slower / n_answers - width > _SLOWEST
    found = _found(control, treatment, float("nan"), served)
    return GuardrailState("p99", found, share * control, is_broken)


def _fallbacks(
    served: ServedArms, limit: float, least: int, alpha: float, *, is_enough: bool
) -> GuardrailState:
    arms = served.control, served.treatment
    control, treatment = (each.n_fallbacks / max(each.n_answers, 1) for each in arms)
    errors = [
        _error(share, max(each.n_answers, 1))
        for share, each in zip((control, treatment), arms, strict=True)
    ]
    error = hypot(*errors)
    width = half_width(error, _error(max(limit, _SLOWEST), _PLANNED * least), alpha)
    is_broken = is_enough and treatment - control - width > limit
    return GuardrailState("fallbacks", _found(control, treatment, error, served), limit, is_broken)


def _coverage(served: ServedArms, share: float, *, is_enough: bool) -> GuardrailState:
    n_drawn = min(served.control.n_answers, served.treatment.n_answers)
    control, treatment = (
        distinct(each.listed, each.n_answers, n_drawn)
        for each in (served.control, served.treatment)
    )
    is_broken = is_enough and treatment < (1 - share) * control
    found = _found(control, treatment, float("nan"), served)
    return GuardrailState("coverage", found, -share * control, is_broken)


def _found(control: float, treatment: float, error: float, served: ServedArms) -> ArmComparison:
    n_control, n_treatment = served.control.n_answers, served.treatment.n_answers
    return ArmComparison(
        control, treatment, treatment - control, error, float("nan"), n_control, n_treatment
    )


def _error(share: float, n: int) -> float:
    return float(np.sqrt(share * (1 - share) / n))
