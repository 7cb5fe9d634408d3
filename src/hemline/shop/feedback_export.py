"""The event log as files to train on: one parquet file per complete day, never changed again.

A day is complete once it is over, in UTC. An event belongs to the day on which it was recorded, or
to the first day after the last file, if that is later: so a file that is written is final, even if
an event of its last second was still on its way, and each event is in one file. `close_today` ends
the present day for the export: what comes later today is tomorrow's.

The folder is a dependency of the stage acquire.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline import columns, tables
from hemline.errors import BadInput
from hemline.files import locked, replaced_file
from hemline.shop.event_log import EventLog, Recorded

_AT_ONCE: Final = 10_000
_LOG: Final = b"hemline.log"


@dataclass(frozen=True)
class _Exported:
    """The files that there are: the last day, and the last sequence that is from this log."""

    day: date | None
    sequence: int


def export_days(
    log: EventLog,
    folder: Path,
    *,
    day_of: Callable[[datetime], date],
    today: date,
    close_today: bool = False,
) -> list[Path]:
    """Write a file for every day that is complete and has events; return the new ones.

    Args:
        log: of the events.
        folder: of the files, named <day>.parquet.
        day_of: the shop day of a time (ShopClock).
        today: the shop day that is not over yet.
        close_today: whether to end it now.

    Raises:
        BadInput: a file is damaged, or was changed since it was written.
    """
    end = today + timedelta(days=1) if close_today else today
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with locked(folder.parent / f".{folder.name}"):
        exported = _exported(log, folder)
        for day, events in _days(log, exported, day_of):
            if day >= end:
                break
            written.append(_write(log, folder / f"{day}.parquet", day, events))
    return written


def forget_in_days(folder: Path, visitor: str) -> list[Path]:
    """Remove a visitor's events from the files, the one change that is made to them.

    Returns:
        The files that had any.
    """
    changed = []
    with locked(folder.parent / f".{folder.name}"):
        for path in sorted(folder.glob("*.parquet")):
            table = pq.read_table(path)
            others = table.filter(pc.not_equal(table["visitor"], visitor))
            if len(others) < len(table):
                identity, last, _ = orjson.loads(table.schema.metadata[_LOG])
                about = orjson.dumps([identity, last, len(others)])
                _store(others.replace_schema_metadata({_LOG: about}), path)
                changed.append(path)
    return changed


def _days(
    log: EventLog, exported: _Exported, day_of: Callable[[datetime], date]
) -> Iterator[tuple[date, list[Recorded]]]:
    """Yield the days after the exported ones and their events, in order."""
    first = date.min if exported.day is None else exported.day + timedelta(days=1)
    events: list[Recorded] = []
    for one in _after(log, exported.sequence):
        day = max(first, day_of(one.event.at))
        if events and day > first:
            yield first, events
            events = []
        first = day
        events.append(one)
    if events:
        yield first, events


def _after(log: EventLog, sequence: int) -> Iterator[Recorded]:
    while some := log.since(sequence, _AT_ONCE):
        yield from some
        sequence = some[-1].sequence


def _exported(log: EventLog, folder: Path) -> _Exported:
    day, sequence = None, 0
    for path in sorted(folder.glob("*.parquet")):
        try:
            about = pq.read_schema(path).metadata or {}
            day = date.fromisoformat(path.stem)
            identity, last, n_rows = orjson.loads(about[_LOG])
            is_whole = pq.read_metadata(path).num_rows == n_rows
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise _changed(path, str(error)) from error
        if not is_whole:
            raise _changed(path, "other rows than were written")
        if identity == log.identity:
            sequence = max(sequence, last)
    return _Exported(day, sequence)


def _write(log: EventLog, path: Path, day: date, events: list[Recorded]) -> Path:
    if path.exists():
        raise _changed(path, "it is there already, and would be written again")
    about = orjson.dumps([log.identity, events[-1].sequence, len(events)])
    rows = [
        {
            "sequence": one.sequence,
            columns.DAY: day,
            "at": one.event.at,
            "kind": one.event.kind,
            "visitor": one.event.visitor,
            columns.ARTICLE_ID: one.event.article_id,
            columns.UNITS: one.event.units,
            columns.PRICE: one.event.price,
            "context": orjson.dumps(dict(one.event.context)).decode(),
        }
        for one in events
    ]
    table = pa.Table.from_pylist(rows, tables.EVENTS).replace_schema_metadata({_LOG: about})
    _store(table, path)
    return path


def _store(table: pa.Table, path: Path) -> None:
    with replaced_file(path) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.chmod(0o440)


def _changed(path: Path, found: str) -> BadInput:
    return BadInput(
        f"{path} is a day of events as `hemline feedback export` wrote it, and stays so",
        found=found,
        fix="restore it from a backup, or move it away with all later days: they are then written "
        "again from the log",
    )
