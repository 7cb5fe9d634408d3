"""A version that passed the gate meets visitors before it becomes champion: what is due, and when.

A canary is an experiment with no planned looks. It tests whether the version does harm, not how
much it gains: it is stopped by a guardrail, by arms of other sizes than planned, or as soon as the
interval that holds at every moment is certain that revenue is lower. Without any of that it is
shown to more visitors, step by step, and after the last step it is promoted. The price: a loss that
is too small for the interval to be certain of is not found, as with the gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Final, Literal

import pandas as pd

from hemline.errors import BadInput
from hemline.experiments.assignment import free_start
from hemline.experiments.experiment_files import Experiment, Outcome, PlannedExperiment
from hemline.experiments.experiment_params import ExperimentParams
from hemline.experiments.experiment_plan import Horizon, horizons
from hemline.experiments.looks import ExperimentVerdict

LAYER: Final = "versions"
"""The layer of experiments that compare versions."""

_SHARES: Final = (1.0, 0.5, 0.2, 0.1)  # of the layer: the largest one that is free


@dataclass(frozen=True)
class CanaryMove:
    """What is to be done with a canary now.

    Attributes:
        kind: of the step.
        exposed: share of its traffic from then on.
        reason: in words.
        outcome: how it ended; None where it goes on.
    """

    kind: Literal["widened", "stopped"]
    exposed: float
    reason: str
    outcome: Outcome | None = None


def canary_weeks(params: ExperimentParams) -> int:
    """Return how many weeks of the shop's history a canary is planned from."""
    return max(1, ceil(params.canary_days * len(params.ramp) / 7))


def canary_horizon(visits: pd.DataFrame, end: date, params: ExperimentParams) -> Horizon:
    """Return what is known before the start: how many customers there are, and how they differ.

    Raises:
        BadInput: the shop has too few active customers to tell two arms apart.
    """
    as_long = params.model_copy(update={"most_weeks": canary_weeks(params)})
    return horizons(visits, end, 1.0, as_long)[-1]


def plan_canary(
    versions: tuple[int, int],
    horizon: Horizon,
    params: ExperimentParams,
    others: Sequence[Experiment],
    at: datetime,
) -> PlannedExperiment | None:
    """Return the plan of a canary, None while other experiments have the traffic.

    Its `weeks` are the longest that it waits in one step for enough visitors.

    Args:
        versions: the champion, and the version that may replace it.
        horizon: of `canary_horizon`.
        params: of experiments.
        others: all experiments of the project.
        at: the present moment.
    """
    control, treatment = versions
    place = _free_place(others)
    if place is None:
        return None
    start, share = place
    return PlannedExperiment(
        name=_free_name(treatment, others),
        planned_at=at,
        layer=LAYER,
        start=start,
        share=share,
        control=control,
        treatment=treatment,
        lift=0.0,
        alpha=params.alpha,
        power=params.power,
        weeks=params.most_weeks,
        look_days=(),
        cap=horizon.cap,
        n_units=max(1, int(horizon.n_units * share)),
        planned_error=(horizon.planned_error / share**0.5) or 1.0,
        covariate_weeks=params.active_weeks,
        ramp=params.ramp,
        guardrails=params.guardrails.model_dump(exclude_none=True),
        canary_days=params.canary_days,
    )


def canary_of(version: int, experiments: Sequence[Experiment]) -> Experiment | None:
    """Return the canary of a version, None where it has none."""
    return next(
        (
            each
            for each in experiments
            if each.plan.canary_days is not None and each.plan.treatment == version
        ),
        None,
    )


def superseded(experiment: Experiment, champion: str, why: str) -> CanaryMove | None:
    """Return the end of a canary whose champion is no longer champion, else None.

    Args:
        experiment: a running canary.
        champion: number of the present champion.
        why: how that one became champion, in words.
    """
    if champion == str(experiment.plan.control):
        return None
    reason = (
        f"the champion is version {champion} by now, and no longer version "
        f"{experiment.plan.control}, which this canary was compared with ({why})"
    )
    return CanaryMove("stopped", 0.0, reason, "superseded")


def next_move(
    experiment: Experiment, verdict: ExperimentVerdict | str, at: datetime
) -> CanaryMove | None:
    """Return what is due now, None while there is nothing to do.

    Args:
        experiment: a running canary.
        verdict: what it shows; a text where it cannot be judged yet, which says why.
        at: the present moment.
    """
    plan, step = experiment.plan, experiment.steps[-1]
    if not isinstance(verdict, str) and (harm := _harm(experiment, verdict)):
        return CanaryMove("stopped", 0.0, harm, "refused")
    lasted = at - step.at
    if plan.canary_days is None or lasted < timedelta(days=plan.canary_days):
        return None
    wider = [each for each in plan.ramp if each > step.exposed]
    if isinstance(verdict, str):
        missing = verdict
    elif wider:
        return CanaryMove("widened", wider[0], _quiet(step.exposed, lasted, verdict))
    elif verdict.now.decision == "too early":
        missing = "fewer than 100 customers in an arm"
    else:
        return CanaryMove("stopped", 0.0, _passed(experiment, verdict, at), "promoted")
    return _undecided(plan, missing) if lasted >= timedelta(weeks=plan.weeks) else None


def _harm(experiment: Experiment, verdict: ExperimentVerdict) -> str:
    """Return why a canary must not go on; empty where it may."""
    current = verdict.now
    if current.decision in {"stop", "broken"}:
        return verdict.sentence.rstrip(".")
    if current.decision != "too early" and current.high < 0:
        return f"revenue is lower for certain: {_numbers(experiment, verdict)}"
    return ""


def _quiet(exposed: float, lasted: timedelta, verdict: ExperimentVerdict) -> str:
    found = verdict.now.comparison
    return (
        f"{_days(lasted)} at {exposed:.0%} of its traffic without a broken guardrail "
        f"({found.n_treatment} customers of the version, {found.n_control} of the champion)"
    )


def _passed(experiment: Experiment, verdict: ExperimentVerdict, at: datetime) -> str:
    lasted = at - experiment.steps[0].at
    return (
        f"it met visitors for {_days(lasted)} ({experiment.plan.name}) and is not certainly worse: "
        f"{_numbers(experiment, verdict)}; no guardrail is broken"
    )


def _numbers(experiment: Experiment, verdict: ExperimentVerdict) -> str:
    current, found = verdict.now, verdict.now.comparison
    return (
        f"revenue per customer {found.treatment:.4g} against {found.control:.4g} of version "
        f"{experiment.plan.control}, difference {found.difference:+.4g}, interval that holds at "
        f"every moment [{current.low:+.4g}, {current.high:+.4g}], {found.n_treatment} and "
        f"{found.n_control} customers"
    )


def _undecided(plan: PlannedExperiment, missing: str) -> CanaryMove:
    reason = (
        f"it could not be judged within {plan.weeks} weeks of one step ({missing}): the champion "
        "stays unless a person decides otherwise (hemline promote)"
    )
    return CanaryMove("stopped", 0.0, reason, "undecided")


def _days(lasted: timedelta) -> str:
    days = round(lasted / timedelta(days=1), 1)
    return "1 day" if days == 1 else f"{days:g} days"


def _free_place(others: Sequence[Experiment]) -> tuple[float, float] | None:
    taken = [each.plan.allocation for each in others if each.state != "stopped"]
    for share in _SHARES:
        try:
            return free_start(LAYER, share, taken), share
        except BadInput:
            continue
    return None


def _free_name(version: int, others: Sequence[Experiment]) -> str:
    taken = {each.plan.name for each in others}
    name, number = f"canary-v{version}", 1
    while name in taken:
        number += 1
        name = f"canary-v{version}-{number}"
    return name
