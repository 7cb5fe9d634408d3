"""The records of monitoring: a parquet file a week and kind, written once and never changed.

Of two writers of one week the first one counts. A writer that was killed leaves at most a hidden
file, which the next one removes. The price of the lock: on a file system without locks across
machines only one machine may write.

A folder of records reads as one table with `pandas.read_parquet(folder)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hemline.errors import BadInput
from hemline.files import UNFINISHED, locked, replaced_file

DECISION_SCHEMA: Final = pa.schema(
    [
        ("week_end", pa.date32()),
        ("retrain", pa.bool_()),
        ("pages_a_person", pa.bool_()),
        ("confirmed", pa.list_(pa.string())),
        ("candidates", pa.list_(pa.string())),
        ("reasons", pa.list_(pa.string())),
        ("version", pa.string()),
        ("model_age_days", pa.int32()),
        ("map_at_12", pa.float64()),
        ("popularity_map_at_12", pa.float64()),
        ("decided_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""One row per week: the decision, its reasons and when it was made. Without a champion, or without
its score for the week, version, age and MAP@12 are null."""

VERDICT_SCHEMA: Final = pa.schema(
    [
        ("week_end", pa.date32()),
        ("about", pa.string()),
        ("column", pa.string()),
        ("segment", pa.string()),
        ("n", pa.int64()),
        ("effect", pa.float64()),
        ("effect_recent", pa.float64()),
        ("effect_last_year", pa.float64()),
        ("threshold", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("verdict", pa.string()),
        ("moved", pa.string()),
        ("same_direction", pa.list_(pa.date32())),
    ]
)
"""One row per week, column and segment: the distance from the forecast, and the verdict on it.

same_direction holds the earlier weeks, of those that can confirm this one, which differ from their
forecast in the same direction; null in records that were written before it was recorded.
"""

PERFORMANCE_SCHEMA: Final = pa.schema(
    [
        ("week_end", pa.date32()),
        ("version", pa.string()),
        ("version_cut", pa.date32()),
        ("n_buyers", pa.int64()),
        ("map_at_12", pa.float64()),
        ("popularity_map_at_12", pa.float64()),
        ("difference", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("note", pa.string()),
    ]
)
"""One row per week: the champion's MAP@12 against popularity, or a note why it was not measured.

A note beside a MAP@12 says that it can tell nothing.
"""

_RENAMED: Final = {"as_of": "week_end", "version_as_of": "version_cut"}
"""Columns of records written before they were renamed."""

_ADDED: Final = frozenset({"same_direction"})
"""Columns that records of earlier versions of the code lack; null there."""


class RunKind(StrEnum):
    """Whether anything follows from an evaluated week, or it only shows what would."""

    LIVE = "live"
    DRY_RUN = "dry run"
    REPLAY = "replay"

    @property
    def mark(self) -> str:
        """Return what stands before every title; empty for live weeks.

        >>> RunKind.DRY_RUN.mark, RunKind.LIVE.mark
        ('DRY RUN: ', '')
        """
        return "" if self == RunKind.LIVE else f"{self.upper()}: "

    @property
    def meaning(self) -> str:
        """Return what a reader has to know about the numbers, in sentences; empty for live."""
        return _MEANINGS.get(self, "")


_MEANINGS: Final = {
    RunKind.DRY_RUN: "Nothing on this page is recorded. No alert was sent and no training was "
    "started. The records of earlier weeks are copies of the live ones.",
    RunKind.REPLAY: "Past weeks were evaluated again with the data of their time. No alert was "
    "sent and no training was started. The champion is the one that was live when the replay ran. "
    "It is measured only on weeks that it was not trained on. The age of the model is assumed: it "
    "counts from the first week of the replay and from every retraining decided in it.",
}


@dataclass(frozen=True)
class MonitorRecords:
    """The records and pages of the weeks that were evaluated: the live ones, or a folder's own.

    Attributes:
        folder: holds decisions, verdicts, performance and pages.
        kind: whether anything follows from them.
    """

    folder: Path
    kind: RunKind = RunKind.LIVE

    @property
    def decisions(self) -> pd.DataFrame:
        """Every decision (DECISION_SCHEMA), oldest week first."""
        return read_all(self.folder / "decisions", DECISION_SCHEMA)

    @property
    def verdicts(self) -> pd.DataFrame:
        """Every verdict (VERDICT_SCHEMA), oldest week first."""
        return read_all(self.folder / "verdicts", VERDICT_SCHEMA)

    @property
    def performance(self) -> pd.DataFrame:
        """The champion's performance in every week (PERFORMANCE_SCHEMA), oldest week first."""
        return read_all(self.folder / "performance", PERFORMANCE_SCHEMA)

    @property
    def pages(self) -> Path:
        """The folder of the pages."""
        return self.folder / "pages"

    def page_of(self, week_end: date) -> Path:
        """Return where the page of a week is, or will be."""
        return self.pages / week_end.isoformat() / "index.html"

    def decision_of(self, week_end: date) -> Any:
        """Return the decision about a week as a row, or None where there is none yet."""
        decisions = self.decisions
        return next(decisions[decisions["week_end"] == week_end].itertuples(), None)


def write_once(folder: Path, week_end: date, record: pd.DataFrame, schema: pa.Schema) -> bool:
    """Write a week's record; return whether it was written, False if the week has one.

    Args:
        folder: of one kind of record, made if need be.
        week_end: the first day after the week.
        record: the schema's columns.
        schema: of the kind.
    """
    path = record_path(folder, week_end)
    table = pa.Table.from_pandas(record, schema=schema, preserve_index=False)
    table = table.replace_schema_metadata(None)
    with locked(folder):
        _remove_leftovers(folder)
        if path.exists():
            return False
        with replaced_file(path) as unfinished:
            pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)
    return True


def read_all(folder: Path, schema: pa.Schema) -> pd.DataFrame:
    """Return all records of a kind, oldest week first; no rows where nothing was written.

    Days are datetime.date, lists are Python lists.

    Raises:
        BadInput: a record is damaged, is that of another week, or lacks a column of the schema.
    """
    parts = [_read(path, schema) for path in sorted(folder.glob("[!.]*.parquet"))]
    records: pd.DataFrame = pa.concat_tables([schema.empty_table(), *parts]).to_pandas()
    for field in schema:
        if pa.types.is_list(field.type):
            lists = (None if one is None else list(one) for one in records[field.name])
            records[field.name] = pd.Series(lists, dtype=object)
    return records


def append_decision(folder: Path, decision: Mapping[str, object], *, decided_at: datetime) -> bool:
    """Add a decision to the log; return False if the week has one, which then counts.

    Args:
        folder: of the log.
        decision: the columns of DECISION_SCHEMA without decided_at.
        decided_at: with its time zone.
    """
    week_end = decision["week_end"]
    if not isinstance(week_end, date):
        raise TypeError(f"week_end is a date, not {week_end!r}")
    row = pd.DataFrame([{**decision, "decided_at": decided_at}])
    return write_once(folder, week_end, row, DECISION_SCHEMA)


def record_path(folder: Path, week_end: date) -> Path:
    """Return the file of a week's record, whether or not there is one."""
    return folder / f"{week_end.isoformat()}.parquet"


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left: under the lock nobody else writes."""
    for leftover in folder.glob(f".*{UNFINISHED}"):
        leftover.unlink()


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        # As one file: in a folder named `key=value` a dataset would add a column of its own.
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, str(error)) from None
    table = table.rename_columns([_RENAMED.get(name, name) for name in table.column_names])
    for name in _ADDED & {*schema.names} - {*table.column_names}:
        table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise BadInput(
            f"{path} has the columns {', '.join(schema.names)}",
            found=f"no {', '.join(missing)}",
            fix="another version of the code wrote it: move it away, or add the column",
        )
    try:
        record = table.select(schema.names).cast(schema)
    except pa.ArrowException as error:
        raise _damaged(path, str(error)) from None
    weeks = {str(week_end) for week_end in record["week_end"].to_pylist()}
    if not weeks <= {path.stem}:
        raise _damaged(path, f"it holds the week before {', '.join(sorted(weeks))}")
    return record


def _damaged(path: Path, found: str) -> BadInput:
    return BadInput(
        f"{path} is the record of the week before {path.stem}, as the monitor wrote it",
        found=found.partition("\n")[0],
        fix=f"restore it from a backup. Without one, move {path.name} out of {path.parent}: the "
        "next run then goes on without this record",
    )
