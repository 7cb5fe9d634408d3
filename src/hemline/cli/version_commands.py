"""Commands that list versions, change the champion, and show what a version was made from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline import environment
from hemline.cli.terminal import AsJson, open_registry, print_table, say
from hemline.clock import now

if TYPE_CHECKING:
    from hemline.registry.champion_log import Change
    from hemline.registry.lineage import VersionLineage
    from hemline.registry.versions import Version

Reason = Annotated[str, typer.Option(help="Why, in one sentence; stored in the history.")]


def history(*, as_json: AsJson = False) -> None:
    """List the versions, the gate's verdicts and the champions."""
    import pandas as pd  # noqa: PLC0415  (--help should not wait for it)

    open_registry()
    from hemline.registry.champion_log import changes as log_of_changes  # noqa: PLC0415  (as above)
    from hemline.registry.champions import settle  # noqa: PLC0415  (as above)
    from hemline.registry.versions import all_versions  # noqa: PLC0415  (as above)

    if environment.is_writable(Path.cwd()):
        log = settle(now(), _note)
    else:
        _note("The folder cannot be written: a change that was interrupted is not completed.")
        log = log_of_changes()
    aliases = _aliases()
    versions = [_line(version, aliases) for version in all_versions()]
    changes = [asdict(change) for change in log]
    if as_json:
        typer.echo(json.dumps({"versions": versions, "changes": changes}, indent=1))
        return
    print_table(pd.DataFrame(versions).drop(columns="reason", errors="ignore"))
    for line in versions:
        say(f"version {line['version']}: {line['reason'] or line['verdict']}")
    if not changes:
        typer.echo("There was no champion yet.")
        return
    shown = pd.DataFrame(changes).rename(
        columns={"at": "when", "previous": "from", "version": "to"}
    )
    print_table(shown[["when", "from", "to", "how", "reason"]])


def promote(
    number: Annotated[str, typer.Argument(help="Number of the version.")], *, reason: Reason
) -> None:
    """Make a version the champion, whatever the gate decided."""
    open_registry(to_write=True)
    from hemline.registry import champions  # noqa: PLC0415  (as above)

    change = champions.promote(number, reason=reason, at=now(), report=_note)
    _print_change(change)


def rollback(
    *,
    reason: Reason,
    from_version: Annotated[
        str | None,
        typer.Option("--from", help="Version to go back from; default: the champion."),
    ] = None,
) -> None:
    """Bring back the previous champion.

    The gate will not promote the current one again. The same command given twice goes back once: to
    go back one more, give another reason or --from.
    """
    open_registry(to_write=True)
    from hemline.registry import champions  # noqa: PLC0415  (as above)

    change = champions.roll_back(reason=reason, at=now(), from_version=from_version, report=_note)
    _print_change(change)


def lineage(
    *,
    version: Annotated[
        str | None, typer.Option(help="Number of the version; default: the champion.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a version was made from and how to reproduce it."""
    open_registry()
    from hemline.registry.lineage import lineage_of  # noqa: PLC0415  (as above)
    from hemline.registry.versions import champion_now, known_version  # noqa: PLC0415  (as above)

    chosen = champion_now() if version is None else known_version(version)
    lineage = lineage_of(chosen, Path.cwd())
    if as_json:
        typer.echo(json.dumps(asdict(lineage), indent=1))
    else:
        _print_lineage(lineage)


def _aliases() -> dict[str, list[str]]:
    """Return the aliases of each version that has one."""
    from hemline.registry.versions import CHALLENGER, CHAMPION, version_by_alias  # noqa: PLC0415  (as above)

    aliases: dict[str, list[str]] = {}
    for alias in (CHAMPION, CHALLENGER):
        version = version_by_alias(alias)
        if version is not None:
            aliases.setdefault(version.number, []).append(alias)
    return aliases


def _line(version: "Version", aliases: dict[str, list[str]]) -> dict[str, str]:
    from hemline.registry.versions import (  # noqa: PLC0415  (as above)
        CANARY,
        GATE_MAP,
        GATE_PROMOTED,
        GATE_REASON,
        ROLLED_BACK,
        canary_sentence,
    )

    reason = version.tags.get(GATE_REASON, "")
    is_promoted = version.tags.get(GATE_PROMOTED) == "true"
    verdict = ("promoted" if is_promoted else "rejected") if reason else "not judged yet"
    if reason and CANARY in version.tags:
        verdict = f"canary, {version.tags[CANARY]}"
        reason = f"{reason}. {canary_sentence(version)}"
    rolled_back = version.tags.get(ROLLED_BACK)
    return {
        "version": version.number,
        "cut": version.cut.isoformat(),
        "source": version.tags["source"],
        "MAP@12": version.tags.get(GATE_MAP, ""),
        "verdict": f"{verdict}, rolled back" if rolled_back else verdict,
        "alias": ", ".join(aliases.get(version.number, [])),
        "reason": f"{reason}; rolled back {rolled_back}" if rolled_back else reason,
    }


def _note(sentence: str) -> None:
    """Print what was repaired, or done before, where it does not disturb --json."""
    say(sentence, err=True)


def _print_change(change: "Change") -> None:
    say(
        f"champion: version {change.version}, previously {change.previous} "
        f"({change.how}, {change.at}): {change.reason}"
    )


def _print_lineage(lineage: "VersionLineage") -> None:
    rows = {
        "version": f"{lineage.version}, fitted up to {lineage.cut} on {lineage.source} data",
        "git commit": lineage.git_commit,
        "dvc.lock": lineage.dvc_lock,
        "MLflow run": lineage.run_id,
        "processor": ", ".join(f"{name}={text}" for name, text in lineage.processor.items()),
        "data": lineage.data_hash,
        **{f"  {name}": md5 for name, md5 in lineage.tables.items()},
        "models": lineage.models_hash,
        **{f"  {path}": md5 for path, md5 in lineage.files.items()},
    }
    for name, value in rows.items():
        say(f"{name:<40}{value}")
    typer.echo("\nparameters (complete in the MLflow run)")
    for name, value in lineage.params.items():
        say(f"  {name:<38}{value}")
    if not lineage.commands:
        typer.echo("\nIt was trained outside a git clone: only its hashes are known.")
        return
    typer.echo("\nTo reproduce it, in an empty folder:\n")
    for command in lineage.commands:
        say(command)
