"""What is told of a training: it failed, its version was refused, or another champion answers.

Pure, and fed with plain values, as the alerts of a week are.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from monitoring.alerts.alert import Alert, AlertParams, Links, compose

Change = Literal["gate", "promote", "rollback", "elsewhere"]

_MAX_SAID: Final = 600
_BY: Final[Mapping[Change, str]] = {
    "gate": "by the gate",
    "promote": "by hand",
    "rollback": "by a rollback",
    "elsewhere": "past the gate, in MLflow itself",
}


def retrain_failed(
    week_end: date | None,
    *,
    stage: str,
    said: str,
    champion: str | None,
    links: Links,
    params: AlertParams,
) -> Alert:
    """Return the alert that a training ended with an error; said is its own last words."""
    answers = (
        f"Version {champion} answers" if champion else "The champion, if there is one, answers"
    )
    short = said if len(said) <= _MAX_SAID else f"... {said[-_MAX_SAID:]}"
    return compose(
        "retrain failed",
        week_end,
        [stage],
        title=f"The training stopped in {stage}",
        happened=f"It said: {short}",
        done=f"What comes after that was not done. {answers} as before, on fresh histories.",
        first_thing="Open the Prefect run, read the artifact of the failed stage, mend what it "
        "names and start `hemline train` again: finished stages are not repeated.",
        links=links,
        params=params,
        is_urgent=False,
    )


def challenger_rejected(
    week_end: date,
    *,
    version: str,
    champion: str,
    reason: str,
    links: Links,
    params: AlertParams,
) -> Alert:
    """Return the alert that a trained version may not answer; reason is the gate's."""
    return compose(
        "challenger rejected",
        week_end,
        [f"version {version}"],
        title=f"Version {version} was refused, version {champion} stays champion",
        happened=f"The gate's verdict on version {version}: {reason}",
        done=f"Version {version} is kept as challenger and answers nobody. Version {champion} "
        "answers as before.",
        first_thing="Compare the two with `hemline history`. One refusal needs nobody; two in a "
        "row mean that training no longer helps.",
        links=links,
        params=params,
        is_urgent=False,
    )


def champion_changed(
    week_end: date | None,
    *,
    change: str,
    version: str,
    previous: str | None,
    how: Change,
    reason: str,
    links: Links,
    params: AlertParams,
) -> Alert:
    """Return the alert that another version answers; change is its number in the registry's log."""
    replaced = "the first champion" if previous is None else f"in place of version {previous}"
    back = "" if previous is None else ' Back: `hemline rollback --reason "..."`.'
    return compose(
        "champion changed",
        week_end,
        [f"change {change}"],
        title=f"Version {version} is champion, {replaced}",
        happened=f"Version {version} was made champion {_BY[how]}, {replaced}. Reason: {reason}",
        done="What starts from now on answers with it. A running `mlflow models serve` goes on "
        "with the version it was started with. All versions before it are kept.",
        first_thing="Look at a few lists: `hemline recommend --age 25`; then start "
        f"`mlflow models serve` again where it runs.{back}",
        links=links,
        params=params,
        is_urgent=False,
    )
