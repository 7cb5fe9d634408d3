"""The verdict of an experiment, in words first.

Only planned looks decide, by their boundaries. Between them the always-valid interval may be read
by anybody at any time; it stops an experiment only through a guardrail. The classical test stands
beside them with the warning that it deserves. A sample ratio that is off comes before everything:
then the arms are not comparable, and nothing is claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from hemline.evaluation.significance import holm
from hemline.experiments.always_valid import half_width, is_large_enough
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.fixed_horizon import SRM_LEVEL, ArmComparison, compare, sample_ratio_p
from hemline.experiments.group_sequential import boundaries
from hemline.experiments.guardrail_state import GuardrailState
from hemline.experiments.observations import Observations
from hemline.experiments.served_guardrails import fairness_state, served_states
from hemline.experiments.served_tallies import ServedArms

Values = npt.NDArray[np.float64]
Decision = Literal["broken", "stop", "better", "worse", "not shown", "running", "too early"]

_CLASSICAL_Z: Final = 1.96


@dataclass(frozen=True)
class LookPlan:
    """What was agreed on before the start.

    Attributes:
        fractions: of the planned sample at each planned look so far, the present one last.
        is_look: whether the present moment is one of them.
        is_last: whether it is the last one.
        planned_error: standard error of the difference planned for the end.
        alpha: two-sided error rate.
        treatment_share: of the units that were to be in the treatment arm.
    """

    fractions: Sequence[float]
    is_look: bool
    is_last: bool
    planned_error: float
    alpha: float
    treatment_share: float = 0.5


@dataclass(frozen=True)
class SegmentEffect:
    """The lift within a segment.

    Attributes:
        name: of the segment.
        comparison: within it.
        p_value: of the segment's effect differing from that of all others, corrected by Holm.
    """

    name: str
    comparison: ArmComparison
    p_value: float


@dataclass(frozen=True)
class Readout:
    """What an experiment shows.

    Attributes:
        decision: what follows from it.
        sentence: the same in words.
        comparison: of revenue, with the covariate.
        boundary: z-value that decides at this look; None between looks.
        low: lower end of the interval that holds at every moment.
        high: upper end.
        sample_ratio_p: of the sizes of the arms.
        guardrails: by name.
        segments: the effect by segment.
        novelty: early less later revenue per day, of treatment against control; None before both
            are known.
        n_crossed: units that are left out because they were in both arms.
    """

    decision: Decision
    sentence: str
    comparison: ArmComparison
    boundary: float | None
    low: float
    high: float
    sample_ratio_p: float
    guardrails: tuple[GuardrailState, ...]
    segments: tuple[SegmentEffect, ...]
    novelty: ArmComparison | None
    n_crossed: int = 0


def read_out(
    seen: Observations,
    plan: LookPlan,
    guardrails: Guardrails,
    before: Values | None = None,
    segments: npt.NDArray[np.object_] | None = None,
    served: ServedArms | None = None,
) -> Readout:
    """Return what an experiment shows now.

    Args:
        seen: its units.
        plan: of its looks.
        guardrails: see experiment_params.
        before: revenue of each unit from before its exposure; None for no covariate.
        segments: the segment of each unit; None for none.
        served: what the arms were answered with; None where that is not known.

    Raises:
        BadInput: an arm has fewer than two units.
    """
    arms = None if before is None else seen.arms(before)
    comparison = compare(*seen.arms(seen.revenue), arms)
    srm = sample_ratio_p(comparison.n_control, comparison.n_treatment, plan.treatment_share)
    width = half_width(comparison.standard_error, plan.planned_error, plan.alpha)
    states = _guardrail_states(seen, guardrails, plan, segments, served)
    boundary = boundaries(plan.fractions, plan.alpha)[-1] if plan.is_look else None
    decision = _decide(comparison, plan, boundary, srm, states)
    return Readout(
        decision,
        _sentence(decision, comparison, boundary, width, plan.alpha, srm, states),
        comparison,
        boundary,
        comparison.difference - width,
        comparison.difference + width,
        srm,
        states,
        () if segments is None else _segment_effects(seen, segments),
        _novelty(seen),
        seen.n_crossed,
    )


def _decide(
    comparison: ArmComparison,
    plan: LookPlan,
    boundary: float | None,
    srm: float,
    states: Sequence[GuardrailState],
) -> Decision:
    if srm < SRM_LEVEL:
        return "broken"
    if any(each.is_broken for each in states):
        return "stop"
    if not is_large_enough(comparison.n_control, comparison.n_treatment):
        return "too early"
    if boundary is not None and abs(comparison.z) >= boundary:
        return "better" if comparison.difference > 0 else "worse"
    return "not shown" if plan.is_last else "running"


def _guardrail_states(
    seen: Observations,
    limits: Guardrails,
    plan: LookPlan,
    segments: npt.NDArray[np.object_] | None,
    served: ServedArms | None,
) -> tuple[GuardrailState, ...]:
    """Return the guardrails; an increase is bad of all but orders."""
    counted: Mapping[str, tuple[Values, float, int]] = {
        "unlikes": (seen.unlikes, limits.unlikes, 1),
        "returns": (seen.returns, limits.returns, 1),
        "orders": (seen.orders, limits.orders, -1),
    }
    others = (limits.p99, limits.fallbacks, limits.coverage, limits.fairness_gap)
    alpha = plan.alpha / (len(counted) + sum(each is not None for each in others))
    states: list[GuardrailState] = []
    for name, (values, share, sign) in counted.items():
        found = compare(*seen.arms(values))
        limit = sign * share * found.control
        n_units = found.n_control + found.n_treatment
        planned = _planned_error(values, n_units, plan)
        width = half_width(found.standard_error, planned, alpha)
        certain = sign * found.difference - width
        is_broken = is_large_enough(found.n_control, found.n_treatment) and certain > abs(limit)
        states.append(GuardrailState(name, found, limit, bool(is_broken)))
    if served is not None:
        states += served_states(served, limits, alpha)
    if limits.fairness_gap is not None and segments is not None:
        gap = fairness_state(seen, segments, limits.fairness_gap, alpha)
        states += [] if gap is None else [gap]
    return tuple(states)


def _planned_error(values: Values, n_units: int, plan: LookPlan) -> float:
    """Return the error at the end: that of now, with the units of then."""
    fraction = min(plan.fractions[-1], 1.0) if plan.fractions else 1.0
    return float(values.std() * 2 / np.sqrt(n_units / fraction)) or 1.0


def _segment_effects(
    seen: Observations, segments: npt.NDArray[np.object_]
) -> tuple[SegmentEffect, ...]:
    found, p_values = [], []
    for name in sorted({str(each) for each in segments}):
        inside = segments == name
        parts = [_within(seen, inside), _within(seen, ~inside)]
        if None in parts:
            continue
        mine, others = (part for part in parts if part is not None)
        error = float(np.hypot(mine.standard_error, others.standard_error))
        z = (mine.difference - others.difference) / error if error else 0.0
        found.append((name, mine))
        p_values.append(_two_sided(z))
    corrected = holm(np.array(p_values)) if p_values else np.array([])
    return tuple(
        SegmentEffect(name, mine, float(p))
        for (name, mine), p in zip(found, corrected, strict=True)
    )


def _within(seen: Observations, rows: npt.NDArray[np.bool_]) -> ArmComparison | None:
    """Return the comparison of some units; None where an arm has too few of them."""
    control = seen.revenue[rows & ~seen.is_treated]
    treatment = seen.revenue[rows & seen.is_treated]
    if not is_large_enough(len(control), len(treatment)):
        return None
    return compare(control, treatment)


def _novelty(seen: Observations) -> ArmComparison | None:
    """Return early less later revenue per day, of units that have as many days of both."""
    later_days = seen.days - seen.early_days
    known = later_days >= seen.early_days.max(initial=0.0)
    control, treatment = known & ~seen.is_treated, known & seen.is_treated
    if not is_large_enough(int(control.sum()), int(treatment.sum())):
        return None
    early = seen.early_revenue / np.maximum(seen.early_days, 1)
    later = (seen.revenue - seen.early_revenue) / np.maximum(later_days, 1)
    fall = early - later
    return compare(fall[control], fall[treatment])


def _texts(broken: Sequence[GuardrailState]) -> tuple[list[str], list[str]]:
    return [each.name for each in broken], [each.sentence for each in broken]


def _two_sided(z: float) -> float:
    return float(2 * norm.sf(abs(z)))


def _sentence(
    decision: Decision,
    comparison: ArmComparison,
    boundary: float | None,
    width: float,
    alpha: float,
    srm: float,
    states: Sequence[GuardrailState],
) -> str:
    lift = f"{comparison.lift:+.1%}"
    always = f"[{comparison.difference - width:+.4g}, {comparison.difference + width:+.4g}]"
    if decision == "broken":
        return (
            f"Do not use this experiment: its arms have {comparison.n_control} and "
            f"{comparison.n_treatment} units, which chance brings about with p = {srm:.1e}. Find "
            "out why units are missing, and start it anew."
        )
    if decision == "stop":
        broken = [each for each in states if each.is_broken]
        names, found = (", ".join(texts) for texts in _texts(broken))
        return (
            f"The treatment is worse in {names} than the guardrail allows, for certain ({found}): "
            "it must not go on."
        )
    if decision == "too early":
        return "Too few units are exposed to say anything."
    reached = "" if boundary is None else (f" (z = {comparison.z:.2f}, boundary {boundary:.2f})")
    if decision in {"better", "worse"}:
        return (
            f"The treatment is {decision}: {lift} revenue per customer{reached}. The planned looks "
            f"of an experiment without a difference say so with a chance of {alpha:.0%}."
        )
    if decision == "not shown":
        return (
            f"No difference was shown: {lift} revenue per customer{reached} may be chance. Keep "
            "the control."
        )
    is_classical = abs(comparison.z) >= _CLASSICAL_Z
    warning = (
        " A classical test would call it significant, and is wrong in a quarter of the experiments "
        "that are looked at daily."
        if is_classical
        else ""
    )
    return (
        f"It is still running: {lift} revenue per customer so far, and the interval that holds at "
        f"every moment is {always}. It may be chance: wait for the next planned look.{warning}"
    )
