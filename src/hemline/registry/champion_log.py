"""The log of champions, and how one change of champion survives being interrupted anywhere.

The alias says which version is served. Its history is stored as tags of the registered model, one a
change (`change.0001`, ...), so the log is stored with the aliases and survives with them.

MLflow has no transactions. So the intent of a change is written first (`change.pending`): the whole
entry and the name of its tag. Then the alias moves, the marks follow, the entry is written and the
intent removed. Each of these writes gives the same result when it is repeated, so a repair needs to
know only where the alias is: where it has moved, the change is completed; where it has not, it is
dropped, and nothing but the intent has to be removed. An alias moved outside Hemline, in MLflow's
own pages, is entered as such and never moved back.

Whoever calls `repair`, `make` or `complete` holds the registry (`registry_locked`).
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from hemline.registry.mlflow_client import client, existing
from hemline.registry.versions import (
    CHAMPION,
    GATE_REASON,
    MODEL,
    ROLLED_BACK,
    Version,
    describe_version,
    set_champion,
    tag_version,
    version_by_alias,
    version_with,
)

How = Literal["gate", "canary", "promote", "rollback", "elsewhere"]
Report = Callable[[str], object]
NO_VERSION: Final = "none"
_ENTRY: Final = "change."
_PENDING: Final = "change.pending"


@dataclass(frozen=True)
class Change:
    """One change of champion.

    Attributes:
        at: when, UTC, as ISO 8601; of a change made elsewhere, when it was noticed.
        version: number of the champion since then.
        previous: number of the one before, or NO_VERSION.
        how: by the gate, by what visitors did (canary), by a person (promote, rollback), or outside
            Hemline (elsewhere).
        reason: in words.
    """

    at: str
    version: str
    previous: str
    how: How
    reason: str

    def __str__(self) -> str:
        return f"{self.how} of {self.at}, champion {self.previous} to {self.version}: {self.reason}"


@dataclass(frozen=True)
class Intent:
    """A change that has begun.

    Attributes:
        change: the entry that the log gets.
        entry: name of the tag it is written to.
    """

    change: Change
    entry: str


def changes() -> list[Change]:
    """Return every change of champion in the log, oldest first."""
    tags = _model_tags()
    entries = sorted(name for name in tags if name.startswith(_ENTRY) and name != _PENDING)
    return [Change(**json.loads(tags[name])) for name in entries]


def repair(at: datetime, report: Report) -> list[Change]:
    """Complete or drop a change that was interrupted, and return the log as it is then.

    Args:
        at: the time entered for a change that was made outside Hemline.
        report: called with a sentence about what was repaired.
    """
    intent, champion = _pending(), number_of(version_by_alias(CHAMPION))
    if intent is not None and champion == intent.change.version:
        complete(intent, report)
    elif intent is not None:
        client().delete_registered_model_tag(MODEL, _PENDING)
        report(f"dropped, as it was interrupted before it took effect: {intent.change}")
    log = changes()
    last = log[-1].version if log else NO_VERSION
    if champion != last:
        reason = "the alias was moved outside Hemline"
        log.append(Change(as_utc(at), champion, last, "elsewhere", reason))
        _enter(Intent(log[-1], _entry_after(log[:-1])))
    _unmark(champion)
    return log


def make(change: Change, log: list[Change]) -> Change:
    """Make a change and return it.

    Args:
        change: from the champion of now.
        log: as `repair` returned it.
    """
    intent = Intent(change, _entry_after(log))
    stored = json.dumps({**asdict(change), "entry": intent.entry})
    client().set_registered_model_tag(MODEL, _PENDING, stored)
    return _finish(intent)


def unfinished(how: How, is_ours: Callable[[Change], bool]) -> Intent | None:
    """Return the intent of this command if it was interrupted and can be completed, or None.

    It cannot once somebody has moved the alias elsewhere.
    """
    intent = _pending()
    if intent is None or intent.change.how != how or not is_ours(intent.change):
        return None
    reachable = {intent.change.previous, intent.change.version}
    return intent if number_of(version_by_alias(CHAMPION)) in reachable else None


def complete(intent: Intent, report: Report) -> Change:
    """Complete a change that was interrupted, and return it."""
    report(f"completed, as it was interrupted: {intent.change}")
    return _finish(intent)


def is_rolled_back(number: str) -> bool:
    """Return whether the version is marked as taken out of service."""
    version = version_with(number)
    return version is not None and ROLLED_BACK in version.tags


def number_of(version: Version | None) -> str:
    """Return the number of a version, or NO_VERSION."""
    return version.number if version else NO_VERSION


def as_utc(at: datetime) -> str:
    """Return a time as the log has it."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _finish(intent: Intent) -> Change:
    """Do everything that follows from an intent; what was done before is done again, alike."""
    change = intent.change
    set_champion(change.version)
    if change.how == "rollback" and version_with(change.previous) is not None:
        tag_version(change.previous, {ROLLED_BACK: f"{change.at}: {change.reason}"})
    _unmark(change.version)
    _enter(intent)
    if change.how == "gate":
        describe_version(change.version, change.reason)
        tag_version(change.version, {GATE_REASON: change.reason})
    client().delete_registered_model_tag(MODEL, _PENDING)
    return change


def _pending() -> Intent | None:
    stored = _model_tags().get(_PENDING)
    if stored is None:
        return None
    fields = json.loads(stored)
    entry = fields.pop("entry", None)
    change = Change(**fields)
    if entry is None:  # of an earlier Hemline, which may have written the entry already
        log = changes()
        is_entered = bool(log) and log[-1].version == change.version
        entry = _entry_after(log[:-1] if is_entered else log)
    return Intent(change, entry)


def _entry_after(log: list[Change]) -> str:
    return f"{_ENTRY}{len(log) + 1:04d}"


def _enter(intent: Intent) -> None:
    client().set_registered_model_tag(MODEL, intent.entry, json.dumps(asdict(intent.change)))


def _unmark(number: str) -> None:
    """Remove the mark of a rollback from the champion, whoever brought it back."""
    if is_rolled_back(number):
        client().delete_model_version_tag(MODEL, number, ROLLED_BACK)


def _model_tags() -> dict[str, str]:
    model = existing(lambda: client().get_registered_model(MODEL))
    return {} if model is None else dict(model.tags)
