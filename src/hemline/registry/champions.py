"""Commands that change the champion: by the gate, by promotion, by rollback. One at a time.

Every command first repairs what an interrupted one left (`champion_log`). A command that is given
again because nobody saw how it ended changes nothing twice: it completes its own unfinished intent
and stops, or it finds itself as the last entry of the log. A promotion is recognised by version and
reason, a rollback by its reason, or by `from_version`, the version it goes back from. So to go back
two versions, say why for each of them.
"""

from datetime import datetime
from typing import Final

from hemline.errors import BadInput, printable
from hemline.registry.champion_log import (
    NO_VERSION,
    Change,
    How,
    Report,
    as_utc,
    changes,
    complete,
    is_rolled_back,
    make,
    number_of,
    repair,
    unfinished,
)
from hemline.registry.registry_lock import registry_locked
from hemline.registry.versions import (
    CHAMPION,
    ROLLED_BACK,
    Version,
    all_versions,
    known_version,
    require_servable,
    version_by_alias,
)

_LONGEST_REASON: Final = 5000  # far below MLflow's limit for a tag, far above a sentence


class ChampionMoved(RuntimeError):  # noqa: N818  (named for what happened; the gate judges again)
    """The champion is no longer the one that a verdict is about."""


def settle(at: datetime, report: Report = lambda _: None) -> list[Change]:
    """Complete or drop a change that was interrupted, and return the log as it is then.

    Args:
        at: the time entered for a change that was made outside Hemline.
        report: called with a sentence about what was repaired.
    """
    with registry_locked():
        repair(at, report)
        return changes()


def change_champion(
    number: str, *, how: How, reason: str, at: datetime, expected: str | None = None
) -> Change:
    """Make a version the champion, enter that in the log, and return the entry.

    Args:
        number: of the version. Where it is the champion already, its entry is returned.
        how: what decided it.
        reason: why, in words.
        at: the present time.
        expected: number of the champion that the decision is about, or NO_VERSION; None is any.

    Raises:
        BadInput: the reason is missing or too long.
        ChampionMoved: another version is champion, or this one was rolled back in the meantime.
    """
    reason = _required(reason)
    with registry_locked():
        log = repair(at, lambda _: None)
        previous = log[-1].version if log else NO_VERSION
        if previous == number:
            return log[-1]
        if expected is not None and (previous != expected or is_rolled_back(number)):
            raise ChampionMoved(f"the champion is {previous}, not {expected}")
        return make(Change(as_utc(at), number, previous, how, reason), log)


def promote(number: str, *, reason: str, at: datetime, report: Report = lambda _: None) -> Change:
    """Make a version the champion because a person says so; undoes an earlier rollback of it.

    Args:
        number: of the version.
        reason: why, in words.
        at: the present time.
        report: called with a sentence where the command was given before, and about repairs.

    Returns:
        The entry of the log; where the command was given before, the entry of that time.

    Raises:
        BadInput: there is no such version, this code cannot read it, its files are damaged, it is
            the champion already, or the reason is missing or too long.
    """
    reason = _required(reason)
    with registry_locked():
        intent = unfinished("promote", lambda change: change.version == number)
        if intent is not None:
            return complete(intent, report)
        log = repair(at, report)
        champion, last = (log[-1].version, log[-1]) if log else (NO_VERSION, None)
        is_same = last is not None and (last.how, last.reason) == ("promote", reason)
        if last is not None and champion == number and is_same:
            return _done_before(last, report)
        require_servable(known_version(number))
        if champion == number:
            raise BadInput(
                "the promoted version is not the champion already",
                found=f"version {number} is the champion",
                fix="nothing is left to do",
            )
        return make(Change(as_utc(at), number, champion, "promote", reason), log)


def roll_back(
    *, reason: str, at: datetime, from_version: str | None = None, report: Report = lambda _: None
) -> Change:
    """Bring back the champion before the present one, and take the present one out of service.

    Skips versions that were rolled back, and versions whose files this code cannot read.

    Args:
        reason: why, in words. If the last change was a rollback for the same reason, this is the
            same command given again, and nothing is changed.
        at: the present time.
        from_version: number of the version to go back from, which recognises the command in place
            of the reason; None is the present champion.
        report: as in `promote`.

    Returns:
        As `promote`.

    Raises:
        BadInput: there is no champion, none before it, the files of that one are damaged, the
            champion is not `from_version`, or the reason is missing or too long.
    """
    reason = _required(reason)
    with registry_locked():
        intent = unfinished("rollback", lambda change: from_version in {None, change.previous})
        if intent is not None:
            return complete(intent, report)
        log = repair(at, report)
        if log and _is_same_rollback(log[-1], reason, from_version):
            return _done_before(log[-1], report)
        champion = version_by_alias(CHAMPION)
        _require_from(from_version, champion)
        target = _champion_before(champion, log) if champion else None
        if champion is None or target is None:
            raise BadInput(
                "a rollback goes to an earlier champion that was not rolled back itself and whose "
                "files this code reads",
                found=f"none before version {number_of(champion)}",
                fix="list the versions (hemline history) and promote one of them: "
                'hemline promote N --reason "..."',
            )
        require_servable(known_version(target))
        return make(Change(as_utc(at), target, champion.number, "rollback", reason), log)


def _is_same_rollback(last: Change, reason: str, from_version: str | None) -> bool:
    is_same = last.reason == reason if from_version is None else last.previous == from_version
    return last.how == "rollback" and is_same


def _done_before(change: Change, report: Report) -> Change:
    report(f"nothing to do, the command was carried out before: {change}")
    return change


def _required(reason: str) -> str:
    sentence = printable(" ".join(reason.split()))  # MLflow's pages show the tags as they are
    if not 0 < len(sentence) <= _LONGEST_REASON:
        raise BadInput(
            f"a change of champion has a reason of at most {_LONGEST_REASON} characters",
            found=f"{len(sentence)} characters" if sentence else "none",
            fix='give one sentence: --reason "..."',
        )
    return sentence


def _require_from(expected: str | None, champion: Version | None) -> None:
    number = number_of(champion)
    if expected not in {None, number}:
        raise BadInput(
            "a rollback with --from goes back from the champion",
            found=f"--from {expected}; the champion is {number}",
            fix="look at the last change (hemline history); if the champion has to go as well, "
            f"name it: --from {number}",
        )


def _champion_before(champion: Version, log: list[Change]) -> str | None:
    usable = {
        version.number
        for version in all_versions()
        if version.is_readable and ROLLED_BACK not in version.tags
    } - {champion.number}
    return next((one.previous for one in reversed(log) if one.previous in usable), None)
