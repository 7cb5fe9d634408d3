"""Which versions meet visitors before they become champion, and how that begins.

The gate tags a version as waiting. Then its experiment is planned, started, and the version tagged
as running. Each of these steps finds what was done before, so a process that was killed between two
of them is completed by the next one that checks: a training, `hemline experiment advance`, or the
check of `hemline serve`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from hemline.errors import BadInput
from hemline.evaluation.gate.gate_verdict import GateVerdict
from hemline.evaluation.gate.guardrails import GateParams
from hemline.experiments.canary import canary_horizon, canary_of, canary_weeks, plan_canary
from hemline.experiments.experiment_files import (
    Experiment,
    add_step,
    experiments_folder,
    plan_experiment,
    read_experiments,
)
from hemline.experiments.experiment_params import ExperimentParams
from hemline.experiments.experiment_plan import Horizon
from hemline.experiments.visit_history import read_visits
from hemline.registry.versions import (
    CANARY,
    CHAMPION,
    GATE_REASON,
    Version,
    all_versions,
    end_canary,
    tag_version,
    version_by_alias,
)
from hemline.rollout.pending import RUNS, WAITS

_NO_CHAMPION: Final = "there is no champion any more to compare it with (hemline promote)"

Did = Literal["started", "widened", "promoted", "refused", "superseded", "undecided", "stopped"]


@dataclass(frozen=True)
class Advance:
    """What was done with an experiment.

    Attributes:
        experiment: its name; empty for a canary that ended before it began.
        did: what was done.
        version: number of the version that was to replace another one.
        reason: in words.
    """

    experiment: str
    did: Did
    version: int
    reason: str


def rollout_of(verdict: GateVerdict, root: Path) -> tuple[GateVerdict, bool]:
    """Return the verdict, its reason completed, and whether its version is to be a canary.

    Args:
        verdict: of the gate.
        root: the project folder.
    """
    if GateParams.load(root / "params.yaml").rollout == "at_once" or not verdict.promotes:
        return verdict, False
    obstacle = _obstacle(verdict, root)
    if obstacle is None:
        reason = "it meets the shop's visitors first, beside the champion (canary)"
    else:
        reason = f"it is champion at once, without a canary: {obstacle}"
    return replace(verdict, reason=f"{verdict.reason}; {reason}"), obstacle is None


def start_canary(root: Path, at: datetime) -> list[Advance]:
    """Start the canary of the newest version that waits for one, unless another one runs.

    Versions that waited in vain, because a newer one does, do not wait any longer.

    Args:
        root: the project folder.
        at: the present moment.
    """
    versions, experiments = all_versions(), read_experiments(experiments_folder(root))
    done = [
        _ended(each, "stopped", "the file of its experiment is gone")
        for each in versions
        if each.tags.get(CANARY) == RUNS and canary_of(int(each.number), experiments) is None
    ]
    waiting = [
        each for each in versions if each.tags.get(CANARY) == WAITS and GATE_REASON in each.tags
    ]
    if not waiting:
        return done
    done += [_ended(each, "superseded", _newer(waiting[-1])) for each in waiting[:-1]]
    version, champion = waiting[-1], version_by_alias(CHAMPION)
    if champion is None:
        return [*done, _ended(version, "superseded", _NO_CHAMPION)]
    if problem := _problem(version, champion):
        return [*done, _ended(version, "superseded", problem)]
    known = canary_of(int(version.number), experiments)
    if known is None and any(_runs_as_canary(each) for each in experiments):
        return done
    try:
        planned = known or _planned(root, version, champion, experiments, at)
    except BadInput as too_small:
        return [*done, _ended(version, "undecided", f"the shop is too small: {too_small.found}")]
    return done if planned is None else [*done, *_started(root, planned, at)]


def _obstacle(verdict: GateVerdict, root: Path) -> str | None:
    """Return why a version that passed cannot be a canary, None where it can."""
    if verdict.comparison is None:
        return "no champion was there that it could be compared with"
    try:
        _horizon(root)
    except BadInput as too_small:
        return f"the shop is too small for one ({too_small.found})"
    return None


def _horizon(root: Path) -> Horizon:
    params = ExperimentParams.load(root / "params.yaml")
    visits, end = read_visits(root, canary_weeks(params) + params.active_weeks)
    return canary_horizon(visits, end, params)


def _planned(
    root: Path,
    version: Version,
    champion: Version,
    experiments: list[Experiment],
    at: datetime,
) -> Experiment | None:
    params = ExperimentParams.load(root / "params.yaml")
    versions = int(champion.number), int(version.number)
    plan = plan_canary(versions, _horizon(root), params, experiments, at)
    return None if plan is None else plan_experiment(experiments_folder(root), plan)


def _started(root: Path, planned: Experiment, at: datetime) -> list[Advance]:
    plan, done = planned.plan, []
    if planned.state == "planned":
        reason = (
            f"version {plan.treatment} passed the gate: it meets visitors beside version "
            f"{plan.control} before it becomes champion"
        )
        add_step(
            experiments_folder(root),
            plan.name,
            "started",
            exposed=min(plan.ramp),
            reason=reason,
            at=at,
        )
        done.append(Advance(plan.name, "started", plan.treatment, reason))
    tag_version(str(plan.treatment), {CANARY: RUNS})
    return done


def _ended(version: Version, did: Did, reason: str) -> Advance:
    end_canary(version.number, did, reason)
    return Advance("", did, int(version.number), reason)


def _problem(version: Version, champion: Version) -> str | None:
    """Return why a version that waits is not compared with the champion any more."""
    if champion.number == version.number:
        return "it is the champion already"
    if champion.is_popularity_alone or not champion.is_readable:
        return f"version {champion.number} is champion by now, which it cannot be compared with"
    return None


def _newer(version: Version) -> str:
    return f"version {version.number}, which is newer, passed the gate before its canary began"


def _runs_as_canary(experiment: Experiment) -> bool:
    return experiment.plan.canary_days is not None and experiment.state == "running"
