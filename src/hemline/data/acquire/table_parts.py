"""Which files of a folder are the parts of a parquet table, as Spark, DuckDB and Delta write them.

Of a plain folder all visible .parquet files count, and a folder named `day=2020-01-01` gives each
of its files the column `day`, as text, unless the file has it. Of a Delta table those files
count that its log names, read by delta-rs (package deltalake): the folder also holds files of rows
that were replaced or deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa

from hemline.data.acquire.source_file import damage_refused
from hemline.errors import BadInput

_LOG: Final = "_delta_log"
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_UNFINISHED: Final = "_temporary"
_DONE: Final = "_SUCCESS"
_PARTITION: Final = "partition."
_MAPPING: Final = "delta.columnMapping.mode"


@dataclass(frozen=True)
class TablePart:
    """A file of a table, and the columns that its folders name, as text."""

    path: Path
    values: dict[str, str | None] = field(default_factory=dict)


def table_parts(path: Path) -> list[TablePart]:
    """Return the files of a table in the order of their paths.

    Raises:
        BadInput: there are other files, or none; a Spark job has not finished; or a Delta table
            cannot be read by its files alone, or deltalake is not installed.
    """
    if not path.is_dir():
        return [TablePart(path)]
    if (path / _LOG).is_dir():
        return _delta_parts(path)
    parts = list(_plain_parts(path))
    if not parts:
        raise BadInput(
            f"{path.name} contains .parquet files", found="none", fix="export the table again"
        )
    return parts


def _plain_parts(path: Path) -> Iterator[TablePart]:
    with damage_refused(path):
        inside = sorted(path.rglob("*"))
    for one in inside:
        names = one.relative_to(path).parts
        if found := _foreign(path, names):
            raise BadInput(
                f"{path.name} is a folder of finished parquet files",
                found=found,
                fix="write the table to plain parquet files, into a folder of its own",
            )
        if one.is_dir() or any(_is_hidden(name) for name in names):
            continue
        if not (one.is_file() and one.suffix == ".parquet"):
            raise BadInput(
                f"{path.name} contains .parquet files and markers (names that start with _ or .)",
                found=str(one.relative_to(path)),
                fix="move it away",
            )
        yield TablePart(one, _folder_values(names[:-1]))


def _is_hidden(name: str) -> bool:
    """Return whether Spark passes a name over; `_day=2020-01-01` names a column."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _foreign(path: Path, names: tuple[str, ...]) -> str:
    """Return what a path inside shows the folder to be, which is not its visible files alone."""
    if _LOG in names:
        return "a Delta table below it, whose files hold deleted rows too"
    if ".hoodie" in names:
        return "a Hudi table, whose files hold earlier versions too"
    if "metadata" in names and names[-1].endswith(".metadata.json"):
        return "an Iceberg table, whose files hold deleted rows too"
    if _UNFINISHED in names and not (path / _DONE).exists():
        return "a Spark job that has not finished"
    return ""


def _folder_values(names: tuple[str, ...]) -> dict[str, str | None]:
    """Return what folders name: day=2020-01-01.

    >>> _folder_values(("shop=K%C3%B6ln", "day=__HIVE_DEFAULT_PARTITION__"))
    {'shop': 'Köln', 'day': None}
    """
    pairs = (name.split("=", 1) for name in names if "=" in name)
    return {unquote(name): None if text == _NULL else unquote(text) for name, text in pairs}


def _delta_parts(path: Path) -> list[TablePart]:
    try:
        from deltalake import DeltaTable  # noqa: PLC0415  (an extra, and only for such tables)
        from deltalake.exceptions import DeltaError  # noqa: PLC0415  (as above)
    except ImportError as missing:
        raise BadInput(
            f"{path.name} is a Delta table, which needs the package deltalake",
            found=str(missing),
            fix="pip install 'hemline[delta]', or write the table to plain parquet files",
        ) from None
    try:
        table = DeltaTable(str(path))
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        mapping = table.metadata().configuration.get(_MAPPING, "none")
        has_vectors = "deletionVectors" in (table.protocol().reader_features or ())
        n_marked = pa.table(table.deletion_vectors()).num_rows if has_vectors else 0
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{path.name} is a Delta table that delta-rs can read",
            found=str(error).partition("\n")[0],
            fix="export it again, or write it to plain parquet files",
        ) from None
    if mapping != "none" or n_marked:
        raise BadInput(
            f"the files of the Delta table {path.name} hold its rows and columns as they are",
            found=f"{_MAPPING}: {mapping}" if mapping != "none" else f"{n_marked} deletion vectors",
            fix="REORG TABLE ... APPLY (PURGE) for deletion vectors; or write the table to plain "
            "parquet files",
        )
    return sorted((_delta_part(path, one) for one in actions), key=lambda part: part.path)


def _delta_part(path: Path, action: dict[str, Any]) -> TablePart:
    values = {name.removeprefix(_PARTITION): _as_text(value) for name, value in action.items()
              if name.startswith(_PARTITION)}  # fmt: skip
    return TablePart(path / unquote(action["path"]), values)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
