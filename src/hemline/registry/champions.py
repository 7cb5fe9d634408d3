"""Who answered when, and why it changed: the log of champions, and the ways to change it.

The alias says who answers. How it came to that is kept as tags of the registered model, one a
change (`change.0001`, ...), so that the log lies where the aliases lie and survives with them.
MLflow cannot do two things at once, so a change is announced (`change.pending`), made (the alias),
entered, and its announcement withdrawn. Killed in between, `settle` puts things right before the
next change and before the log is shown: what was made is entered, what was not made is withdrawn,
and an alias that other hands moved, in MLflow's own pages, is entered as such. The alias is never
moved back.

One change at a time is assumed: two people who promote in the same second may share a number.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from hemline.errors import BadInput
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

if TYPE_CHECKING:
    from mlflow import MlflowClient

How = Literal["gate", "promote", "rollback", "elsewhere"]
NOBODY: Final = "none"
_ENTRY: Final = "change."
_PENDING: Final = "change.pending"


@dataclass(frozen=True)
class Change:
    """One change of champion.

    Attributes:
        at: when, UTC, as ISO 8601; of a change made elsewhere, when it was noticed.
        version: number of the champion since then.
        previous: number of the one before, or NOBODY.
        how: by the gate, by a person (promote, rollback), or past this log (elsewhere).
        reason: in words.
    """

    at: str
    version: str
    previous: str
    how: How
    reason: str


def changes() -> list[Change]:
    """Return every change of champion that was entered, oldest first."""
    tags = _model_tags()
    entries = sorted(name for name in tags if name.startswith(_ENTRY) and name != _PENDING)
    return [Change(**json.loads(tags[name])) for name in entries]


def settle(at: datetime) -> list[Change]:
    """Finish or withdraw a change that was cut short, and return the log as it is then.

    Args:
        at: the time entered for a change that was made past this log.
    """
    entered, pending = changes(), _model_tags().get(_PENDING)
    champion = version_by_alias(CHAMPION)
    number, last = _number(champion), entered[-1].version if entered else NOBODY
    announced = Change(**json.loads(pending)) if pending is not None else None
    if number != last and announced is not None and announced.version == number:
        entered.append(_enter(announced, len(entered)))
    elif number != last:
        seen = Change(_utc(at), number, last, "elsewhere", "the alias was moved past hemline")
        entered.append(_enter(seen, len(entered)))
    if announced is not None:
        _client().delete_registered_model_tag(MODEL, _PENDING)
    return entered


def change_champion(number: str, *, how: How, reason: str, at: datetime) -> Change:
    """Make a version the champion, with an entry in the log, and return the entry.

    Args:
        number: of the version; it is not the champion already.
        how: what decided it.
        reason: why, in words.
        at: the present time.

    Raises:
        BadInput: no reason is given.
    """
    said = _stripped(reason)
    entered = settle(at)
    previous = entered[-1].version if entered else NOBODY
    change = Change(_utc(at), number, previous, how, said)
    _client().set_registered_model_tag(MODEL, _PENDING, _as_json(change))
    set_champion(number)
    _enter(change, len(entered))
    _client().delete_registered_model_tag(MODEL, _PENDING)
    return change


def promote(number: str, *, reason: str, at: datetime) -> Change:
    """Make a version the champion on a person's word; lifts an earlier rollback from it.

    Raises:
        BadInput: there is no such version, today's code cannot read it, it is the champion
            already, or no reason is given.
    """
    version = known_version(number)
    require_readable(version)
    if _number(version_by_alias(CHAMPION)) == number:
        raise BadInput(
            "a version is promoted in another one's place",
            found=f"version {number} is the champion",
            fix="nothing is left to do",
        )
    change = change_champion(number, how="promote", reason=reason, at=at)
    if ROLLED_BACK in version.tags:
        _client().delete_model_version_tag(MODEL, number, ROLLED_BACK)
    return change


def roll_back(*, reason: str, at: datetime) -> Change:
    """Bring back the champion before the present one, and take the present one out of service.

    Skips versions that were rolled back, and versions whose files this code cannot read. The
    present champion is marked first: if the process is killed before the alias moves, it stays
    champion and the command can be repeated.

    Raises:
        BadInput: there is no champion, none before it, or no reason is given.
    """
    said = _stripped(reason)
    entered = settle(at)
    champion = version_by_alias(CHAMPION)
    target = _champion_before(champion, entered) if champion else None
    if champion is None or target is None:
        raise BadInput(
            "a rollback goes to an earlier champion that nobody rolled back from and that today's "
            "code reads",
            found=f"none before version {_number(champion)}",
            fix="look at hemline history, and promote the version you want: "
            'hemline promote N --reason "..."',
        )
    tag_version(champion.number, {ROLLED_BACK: f"{_utc(at)}: {said}"})
    return change_champion(target, how="rollback", reason=said, at=at)


def _stripped(reason: str) -> str:
    if not reason.strip():
        raise BadInput(
            "a change of champion has a reason", found="none", fix='say why: --reason "..."'
        )
    return reason.strip()


def _champion_before(champion: Version, entered: list[Change]) -> str | None:
    usable = {
        version.number
        for version in all_versions()
        if version.is_readable and ROLLED_BACK not in version.tags
    } - {champion.number}
    return next((one.previous for one in reversed(entered) if one.previous in usable), None)


def _enter(change: Change, n_entered: int) -> Change:
    _client().set_registered_model_tag(MODEL, f"{_ENTRY}{n_entered + 1:04d}", _as_json(change))
    return change


def _model_tags() -> dict[str, str]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (see registry.runs)

    try:
        return dict(_client().get_registered_model(MODEL).tags)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise


def _number(version: Version | None) -> str:
    return version.number if version else NOBODY


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _as_json(change: Change) -> str:
    return json.dumps(asdict(change))


def _client() -> "MlflowClient":
    from mlflow import MlflowClient  # noqa: PLC0415  (see registry.runs)

    return MlflowClient()
