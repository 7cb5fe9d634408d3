"""Does with every running experiment what is due at the present moment.

An experiment of people is stopped by its guardrails alone. A canary is stopped, shown to more
visitors or promoted (`experiments.canary`). What is decided is written to the experiment's file
first, and its consequences in the registry follow; each of them can be repeated. So a process that
is killed anywhere has decided or not, and the next call does the rest: it decides nothing again
that was decided. One call at a time works on a project.

MLflow takes three seconds and 200 MB to import, so it is opened only where something may be due.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hemline import environment
from hemline.clock import now
from hemline.errors import BadInput
from hemline.experiments.canary import CanaryMove, next_move, superseded
from hemline.experiments.experiment_files import (
    Experiment,
    add_step,
    experiments_folder,
    read_experiments,
)
from hemline.files import lock_file
from hemline.rollout.canary_start import Advance, start_canary
from hemline.rollout.pending import RUNS, WAITS, may_be_due

if TYPE_CHECKING:
    from hemline.experiments.looks import ExperimentVerdict

_LONGEST_WAIT: Final = 600.0  # seconds, for another process that works on the same project

logger = logging.getLogger(__name__)


def advance_experiments(root: Path) -> list[Advance]:
    """Do what is due at `hemline.clock.now()`, and return what was done.

    Args:
        root: the project folder. The tools' environment is set for it where it is not set yet, so
            a process works on one project.

    Raises:
        BadInput: a file of an experiment or of the project's tables is damaged, or another process
            has worked on the project's experiments for ten minutes.
        LogUnavailable: the events cannot be read now.
        RegistryUnreadable: the registry cannot be read now.
    """
    if not may_be_due(root):
        return []
    environment.apply(root)
    folder = experiments_folder(root)
    with _alone(folder):
        at = now()
        done = [
            step for each in read_experiments(folder) for step in _advanced(root, folder, each, at)
        ]
        return [*done, *start_canary(root, at)]


def start_waiting(root: Path) -> list[Advance]:
    """Start the canary of a version that the gate has just let pass; see `start_canary`."""
    with _alone(experiments_folder(root)):
        return start_canary(root, now())


def _advanced(root: Path, folder: Path, experiment: Experiment, at: datetime) -> list[Advance]:
    is_canary = experiment.plan.canary_days is not None
    if experiment.state == "running":
        move = _canary_move(root, experiment, at) if is_canary else _stop(root, experiment, at)
        if move is None:
            return []
        experiment = add_step(
            folder, experiment.plan.name, move.kind, exposed=move.exposed, reason=move.reason,
            at=at, outcome=move.outcome,
        )  # fmt: skip
        if move.kind == "widened" or not is_canary:
            return [
                Advance(experiment.plan.name, move.kind, experiment.plan.treatment, move.reason)
            ]
    return _concluded(experiment, at) if is_canary and experiment.state == "stopped" else []


def _stop(root: Path, experiment: Experiment, at: datetime) -> CanaryMove | None:
    """Return the end of an experiment that must not go on, else None."""
    if experiment.plan.kind != "ab":
        reason = _broken(root, experiment, at)
        return CanaryMove("stopped", 0.0, reason) if reason else None
    verdict = judged(root, experiment, at)
    if isinstance(verdict, str):
        logger.info("experiment %s cannot be judged yet: %s", experiment.plan.name, verdict)
        return None
    must_stop = verdict.now.decision in {"stop", "broken"}
    return CanaryMove("stopped", 0.0, verdict.sentence) if must_stop else None


def _broken(root: Path, experiment: Experiment, at: datetime) -> str:
    """Return why an interleaving experiment or a bandit must not go on; empty where it may."""
    from hemline.experiment_pages.experiment_reading import opened_log  # noqa: PLC0415  (pandas)
    from hemline.experiments.rate_guardrails import broken_sentence  # noqa: PLC0415  (scipy)
    from hemline.shop.kind_guardrails import guardrail_states  # noqa: PLC0415  (pandas)

    plan = experiment.plan
    with opened_log(root) as (log, clock):
        return broken_sentence(guardrail_states(plan, log, clock.day_of, root, at))


def _canary_move(root: Path, experiment: Experiment, at: datetime) -> CanaryMove | None:
    from hemline.registry.champions import settle  # noqa: PLC0415  (MLflow)

    log = settle(at)
    change = log[-1] if log else None
    champion, why = (change.version, f"{change.how}: {change.reason}") if change else ("none", "")
    ended = superseded(experiment, champion, why)
    return ended or next_move(experiment, judged(root, experiment, at), at)


def _concluded(experiment: Experiment, at: datetime) -> list[Advance]:
    """Let the registry know how a canary ended; return nothing where it does already."""
    from hemline.registry.champions import ChampionMoved, change_champion, settle  # noqa: PLC0415
    from hemline.registry.versions import CANARY, end_canary, version_with  # noqa: PLC0415

    plan, step = experiment.plan, experiment.steps[-1]
    version = version_with(str(plan.treatment))
    if version is None or version.tags.get(CANARY) not in {WAITS, RUNS}:
        return []
    did, reason = step.outcome or "stopped", step.reason
    if did == "promoted" and not any(
        each.how == "canary" and each.version == version.number for each in settle(at)
    ):
        try:
            change_champion(
                version.number, how="canary", reason=reason, at=at, expected=str(plan.control)
            )
        except ChampionMoved as moved:
            did, reason = "superseded", f"{reason}; but {moved}"
    end_canary(version.number, did, reason)
    return [Advance(plan.name, did, plan.treatment, reason)]


def judged(root: Path, experiment: Experiment, at: datetime) -> "ExperimentVerdict | str":
    """Return what an experiment shows, or in words why it cannot be judged yet."""
    from hemline.shop.experiment_verdict import verdict_of  # noqa: PLC0415  (pandas)
    from hemline.shop.session_stores import open_log  # noqa: PLC0415  (as above)
    from hemline.shop.shop_clock import ShopClock  # noqa: PLC0415  (as above)
    from hemline.shop.shop_params import ShopParams  # noqa: PLC0415  (as above)

    params = ShopParams.with_environment(root / "params.yaml")
    log = open_log(params.events, root)
    try:
        clock = ShopClock.of(log, params.first_day)
        return verdict_of(experiment, log, clock, root, at)
    except BadInput as error:
        return error.found
    finally:
        log.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with lock_file(folder / "advance.lock", wait_seconds=_LONGEST_WAIT):
            yield
    except TimeoutError as holder:
        raise BadInput(
            "one process at a time works on a project's experiments",
            found=f"{holder} has done so for {_LONGEST_WAIT / 60:.0f} minutes",
            fix="let it finish, or end it if it hangs, then give the command again",
        ) from None
