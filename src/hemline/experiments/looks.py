"""The planned looks of an experiment, each evaluated at its own day, however late anybody reads it.

Who reads a running experiment on any day must not make that day a look. So each look is evaluated
with the events until its day, and always gives the same answer; the first one that crosses its
boundary decides. What is known today stands beside it and decides nothing, but for the guardrails
and the sizes of the arms.

The information at a look is that of its standard error, relative to the one that was planned. The
last look spends all that is left of the error rate, whatever came of the plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.experiments.experiment_files import Experiment, PlannedExperiment
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.fixed_horizon import compare
from hemline.experiments.observations import Observations
from hemline.experiments.readout import LookPlan, Readout, read_out
from hemline.experiments.secondary_metrics import SecondaryMetric, secondary_metrics
from hemline.experiments.served_tallies import ServedArms

_DECISIVE: Final = {"better", "worse"}
_SMALLEST_STEP: Final = 1e-3  # of the information between two looks


@dataclass(frozen=True)
class Seen:
    """What is known of the units until a moment.

    Attributes:
        observations: of the units.
        before: revenue of each from before the experiment.
        segments: of each.
    """

    observations: Observations
    before: npt.NDArray[np.float64]
    segments: npt.NDArray[np.object_]


@dataclass(frozen=True)
class TakenLook:
    """A planned look whose day has come.

    Attributes:
        at: the day.
        readout: with the events until then.
    """

    at: datetime
    readout: Readout


@dataclass(frozen=True)
class ExperimentVerdict:
    """What an experiment shows.

    Attributes:
        looks: the planned looks so far, up to the one that decided.
        now: what is known now; its decision is that of no look.
        sentence: the answer in words.
        decided: whether a look, a guardrail or the sizes of the arms have decided.
        secondary: metrics beside the decision metric, which decide nothing.
    """

    looks: Sequence[TakenLook]
    now: Readout
    sentence: str
    decided: bool
    secondary: Sequence[SecondaryMetric] = ()


def judge(
    experiment: Experiment,
    seen_until: Callable[[datetime], Seen],
    now: datetime,
    served: ServedArms | None = None,
) -> ExperimentVerdict:
    """Return what an experiment shows.

    Args:
        experiment: started.
        seen_until: gives what is known of the units until a moment.
        now: the present moment; events after the experiment was stopped do not count.
        served: what the arms were answered with until now; None where that is not known.

    Raises:
        BadInput: it has not been started, or nobody has been exposed.
    """
    if not experiment.steps:
        raise BadInput(
            f"experiment '{experiment.plan.name}' was started",
            found="it is planned",
            fix=f"start it: hemline experiment start {experiment.plan.name}",
        )
    plan = experiment.plan
    end = end_of(experiment, now)
    looks: list[TakenLook] = []
    fractions: list[float] = []
    for number, at in enumerate(look_moments(experiment), start=1):
        if at > end or (looks and looks[-1].readout.decision in _DECISIVE):
            break
        is_last = number == len(plan.look_days)
        readout, fraction = _look(plan, seen_until(at), fractions, is_last=is_last)
        fractions.append(fraction)
        looks.append(TakenLook(at, readout))
    seen = seen_until(end)
    current = _between(plan, seen, fractions, served)
    found = _verdict(looks, current)
    if experiment.state == "stopped" and not found.decided:
        found = replace(found, sentence=_ended(end, current))
    return replace(found, secondary=secondary_metrics(seen.observations))


def look_moments(experiment: Experiment) -> list[datetime]:
    """Return when a started experiment is looked at, as planned; days count from its whole share.

    Until it is shown to its whole share, they count from its start.
    """
    start = _shown_to_all(experiment)
    return [start + timedelta(days=day) for day in experiment.plan.look_days]


def end_of(experiment: Experiment, now: datetime) -> datetime:
    """Return the moment from which on nothing counts: when it was stopped, else the present."""
    return experiment.steps[-1].at if experiment.state == "stopped" else now


def _ended(at: datetime, current: Readout) -> str:
    if current.decision == "too early":
        return f"It ended on {at:%Y-%m-%d} with too few units to say anything."
    is_chance = current.low <= 0 <= current.high
    meaning = "It may be chance" if is_chance else "The interval excludes 0: it is more than chance"
    return (
        f"It ended on {at:%Y-%m-%d} without a planned look that decided: "
        f"{current.comparison.lift:+.1%} revenue per customer, and the interval that holds at "
        f"every moment is [{current.low:+.4g}, {current.high:+.4g}]. {meaning}."
    )


def _shown_to_all(experiment: Experiment) -> datetime:
    """Return when it was shown to its whole traffic; days of looks count from then."""
    widest = [step for step in experiment.steps if step.exposed >= max(experiment.plan.ramp)]
    return (widest or experiment.steps)[0].at


def _look(
    plan: PlannedExperiment, seen: Seen, before: Sequence[float], *, is_last: bool
) -> tuple[Readout, float]:
    least = (before[-1] if before else 0.0) + _SMALLEST_STEP
    fraction = max(1.0, least)
    if not is_last:
        units = seen.observations
        error = compare(*units.arms(units.revenue), units.arms(seen.before)).standard_error
        reached = (plan.planned_error / error) ** 2 if error else 0.0
        fraction = max(least, min(reached, 1.0 - _SMALLEST_STEP))
    return _read(plan, seen, [*before, fraction], is_look=True, is_last=is_last), fraction


def _between(
    plan: PlannedExperiment, seen: Seen, fractions: Sequence[float], served: ServedArms | None
) -> Readout:
    last = fractions[-1] if fractions else 0.5
    return _read(plan, seen, [last], is_look=False, is_last=False, served=served)


def _read(
    plan: PlannedExperiment,
    seen: Seen,
    fractions: Sequence[float],
    *,
    is_look: bool,
    is_last: bool,
    served: ServedArms | None = None,
) -> Readout:
    look = LookPlan(tuple(fractions), is_look, is_last, plan.planned_error, plan.alpha)
    guardrails = Guardrails.model_validate(plan.guardrails)
    return read_out(seen.observations, look, guardrails, seen.before, seen.segments, served)


def _verdict(looks: Sequence[TakenLook], current: Readout) -> ExperimentVerdict:
    if current.decision in {"broken", "stop"}:
        return ExperimentVerdict(looks, current, current.sentence, decided=True)
    last = looks[-1].readout if looks else None
    if last is not None and last.decision in {*_DECISIVE, "not shown"}:
        return ExperimentVerdict(looks, current, last.sentence, decided=True)
    return ExperimentVerdict(looks, current, current.sentence, decided=False)
