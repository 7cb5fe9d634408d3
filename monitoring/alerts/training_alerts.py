"""Alerts about a training: it failed, its version was rejected, or the champion changed."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from hemline.registry.champion_log import Change, How
from monitoring.alerts.alert import AlertDraft

_MAX_MESSAGE: Final = 600
_BY: Final[Mapping[How, str]] = {
    "gate": "through the gate",
    "canary": "after its canary: it met visitors and did no harm",
    "promote": "by hand",
    "rollback": "by a rollback",
    "elsewhere": "in MLflow itself, without the gate",
}


def retrain_failed(
    week_end: date | None, *, stage: str, message: str, champion: str | None
) -> AlertDraft:
    """Return the alert that a training ended with an error; message is the error's own text."""
    serving = f"Version {champion} stays" if champion else "The champion, if there is one, stays"
    short = message if len(message) <= _MAX_MESSAGE else f"... {message[-_MAX_MESSAGE:]}"
    return AlertDraft(
        kind="retrain failed",
        week_end=week_end,
        subjects=(stage,),
        title=f"The training failed in {stage}",
        happened=f"Error message: {short}",
        done=f"The stages after it did not run. {serving} champion and keeps serving "
        "recommendations, from fresh purchase histories.",
        first_thing="Open the Prefect run and read the artifact of the failed stage. Fix the "
        "cause, then run `hemline train`: completed stages are not repeated.",
    )


def challenger_rejected(
    week_end: date,
    *,
    version: str,
    champion: str | None,
    reason: str,
    is_popularity_alone: bool = False,
) -> AlertDraft:
    """Return the alert that a new version did not pass the gate; reason is the gate's."""
    serving = "no version serves" if champion is None else f"version {champion} stays champion"
    still = "No version serves" if champion is None else f"Version {champion} keeps serving"
    if is_popularity_alone:
        serving = f"popularity alone serves, as version {champion}"
        still = f"Version {champion} serves popularity alone as"
    return AlertDraft(
        kind="challenger rejected",
        week_end=week_end,
        subjects=(f"version {version}",),
        title=f"Version {version} was rejected, {serving}",
        happened=f"The gate rejected version {version}: {reason}",
        done=f"{still} recommendations. Version {version} stays in the "
        "registry as challenger and serves nobody.",
        first_thing="Compare both versions with `hemline history`. One rejection needs no action. "
        "After two in a row, find out why training no longer improves the model.",
    )


def canary_started(
    week_end: date | None, *, version: str, champion: str, reason: str
) -> AlertDraft:
    """Return the alert that a version passed the gate and meets visitors; reason is the gate's."""
    return AlertDraft(
        kind="canary started",
        week_end=week_end,
        subjects=(f"version {version}",),
        title=f"Version {version} passed the gate and is in canary",
        happened=f"The gate let version {version} pass: {reason}",
        done=f"Version {champion} stays champion. A small part of the visitors meets "
        f"version {version}, and step by step more do. It becomes champion after the last step, or "
        "is stopped as soon as it does harm.",
        first_thing="Nothing. `hemline experiment status` shows where it stands. To end it: "
        '`hemline experiment stop NAME --reason "..."`; to decide at once: `hemline promote`.',
    )


def canary_refused(
    week_end: date | None, *, version: str, champion: str, reason: str
) -> AlertDraft:
    """Return the alert that visitors' behaviour stopped a version; reason is the canary's."""
    return AlertDraft(
        kind="challenger rejected",
        week_end=week_end,
        subjects=(f"canary of version {version}",),
        title=f"Version {version} was refused in its canary, version {champion} stays",
        happened=f"The canary of version {version} was stopped: {reason}",
        done=f"All visitors see version {champion} again. Version {version} stays in the "
        "registry and serves nobody.",
        first_thing="Read `hemline experiment readout` of its canary (`hemline experiment status` "
        "names it), and find out what visitors met that the past weeks did not show.",
    )


def champion_changed(week_end: date, number: int, change: Change) -> AlertDraft:
    """Return the alert that another version serves; number is the change's in the registry."""
    version, previous = change.version, change.previous
    return AlertDraft(
        kind="champion changed",
        week_end=week_end,
        subjects=(f"change {number}",),
        title=f"Version {version} is champion, it replaces version {previous}",
        happened=f"Version {version} became champion {_BY[change.how]}. It replaces version "
        f"{previous}. Reason: {change.reason}",
        done=f"Every process that starts from now on serves version {version}. A running `mlflow "
        "models serve` still serves the version it started with. Earlier versions are stored.",
        first_thing="Check a few lists: `hemline recommend --age 25`. Restart `mlflow models "
        'serve` where it runs. To undo the change: `hemline rollback --reason "..."`.',
    )
