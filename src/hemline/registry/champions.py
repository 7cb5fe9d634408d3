"""Which version was champion when, and why that changed: the log, promotion and rollback.

The alias says which version is served. Its history is stored as tags of the registered model, one a
change (`change.0001`, ...), so the log is stored with the aliases and survives with them.
MLflow has no transactions, so a change is announced (`change.pending`), made (the alias), entered
in the log, and its announcement removed. If the process is killed in between, `settle` repairs the
log before the next change and before the log is shown: a change that was made is entered, one that
was not made is dropped, and an alias moved outside Hemline, in MLflow's own pages, is entered as
such. The alias is never moved back.

One change at a time is assumed: two people who promote in the same second may share a number.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from hemline.errors import BadInput
from hemline.registry.mlflow_client import client, existing
from hemline.registry.versions import (
    CHAMPION,
    MODEL,
    ROLLED_BACK,
    Version,
    all_versions,
    known_version,
    require_readable,
    set_champion,
    tag_version,
    version_by_alias,
)

How = Literal["gate", "promote", "rollback", "elsewhere"]
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
        how: by the gate, by a person (promote, rollback), or outside Hemline (elsewhere).
        reason: in words.
    """

    at: str
    version: str
    previous: str
    how: How
    reason: str


def changes() -> list[Change]:
    """Return every change of champion in the log, oldest first."""
    tags = _model_tags()
    entries = sorted(name for name in tags if name.startswith(_ENTRY) and name != _PENDING)
    return [Change(**json.loads(tags[name])) for name in entries]


def settle(at: datetime) -> list[Change]:
    """Finish or drop a change that was interrupted, and return the log as it is then.

    Args:
        at: the time entered for a change that was made outside Hemline.
    """
    log, pending = changes(), _model_tags().get(_PENDING)
    champion = version_by_alias(CHAMPION)
    number, last = _number(champion), log[-1].version if log else NO_VERSION
    announced = Change(**json.loads(pending)) if pending is not None else None
    if number != last and announced is not None and announced.version == number:
        log.append(_enter(announced, len(log)))
    elif number != last:
        reason = "the alias was moved outside Hemline"
        log.append(_enter(Change(_utc(at), number, last, "elsewhere", reason), len(log)))
    if announced is not None:
        client().delete_registered_model_tag(MODEL, _PENDING)
    return log


def change_champion(number: str, *, how: How, reason: str, at: datetime) -> Change:
    """Make a version the champion, enter that in the log, and return the entry.

    Args:
        number: of the version; it is not the champion already.
        how: what decided it.
        reason: why, in words.
        at: the present time.

    Raises:
        BadInput: no reason is given.
    """
    reason = _required(reason)
    log = settle(at)
    previous = log[-1].version if log else NO_VERSION
    change = Change(_utc(at), number, previous, how, reason)
    client().set_registered_model_tag(MODEL, _PENDING, _as_json(change))
    set_champion(number)
    _enter(change, len(log))
    client().delete_registered_model_tag(MODEL, _PENDING)
    return change


def promote(number: str, *, reason: str, at: datetime) -> Change:
    """Make a version the champion because a person says so; undoes an earlier rollback of it.

    Raises:
        BadInput: there is no such version, this code cannot read it, it is the champion already, or
            no reason is given.
    """
    version = known_version(number)
    require_readable(version)
    if _number(version_by_alias(CHAMPION)) == number:
        raise BadInput(
            "the promoted version is not the champion already",
            found=f"version {number} is the champion",
            fix="nothing is left to do",
        )
    change = change_champion(number, how="promote", reason=reason, at=at)
    if ROLLED_BACK in version.tags:
        client().delete_model_version_tag(MODEL, number, ROLLED_BACK)
    return change


def roll_back(*, reason: str, at: datetime) -> Change:
    """Bring back the champion before the present one, and take the present one out of service.

    Skips versions that were rolled back, and versions whose files this code cannot read. The
    present champion is marked first: if the process is killed before the alias moves, it stays
    champion and the command can be repeated.

    Raises:
        BadInput: there is no champion, none before it, or no reason is given.
    """
    reason = _required(reason)
    log = settle(at)
    champion = version_by_alias(CHAMPION)
    target = _champion_before(champion, log) if champion else None
    if champion is None or target is None:
        raise BadInput(
            "a rollback goes to an earlier champion that was not rolled back itself and whose "
            "files this code reads",
            found=f"none before version {_number(champion)}",
            fix="list the versions (hemline history) and promote one of them: "
            'hemline promote N --reason "..."',
        )
    tag_version(champion.number, {ROLLED_BACK: f"{_utc(at)}: {reason}"})
    return change_champion(target, how="rollback", reason=reason, at=at)


def _required(reason: str) -> str:
    if not reason.strip():
        raise BadInput(
            "a change of champion has a reason", found="none", fix='give one: --reason "..."'
        )
    return reason.strip()


def _champion_before(champion: Version, log: list[Change]) -> str | None:
    usable = {
        version.number
        for version in all_versions()
        if version.is_readable and ROLLED_BACK not in version.tags
    } - {champion.number}
    return next((one.previous for one in reversed(log) if one.previous in usable), None)


def _enter(change: Change, n_entered: int) -> Change:
    client().set_registered_model_tag(MODEL, f"{_ENTRY}{n_entered + 1:04d}", _as_json(change))
    return change


def _model_tags() -> dict[str, str]:
    model = existing(lambda: client().get_registered_model(MODEL))
    return {} if model is None else dict(model.tags)


def _number(version: Version | None) -> str:
    return version.number if version else NO_VERSION


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _as_json(change: Change) -> str:
    return json.dumps(asdict(change))
