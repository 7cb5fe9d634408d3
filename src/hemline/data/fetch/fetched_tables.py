"""What section `source` names by URL, copied into the folder of the data.

A step of the flows and not a stage: a stage maps files to files, and only what is outside knows
whether it has changed. All tables are fetched or none, and the same rows give the same files, so
DVC repeats nothing when nothing has changed.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from hemline.data.acquire.described_files import columns_of
from hemline.data.acquire.location import FETCHED, Location
from hemline.data.acquire.source_params import SourceParams
from hemline.data.fetch import sql_rows
from hemline.data.fetch.object_files import copy_from
from hemline.errors import BadInput, full_disk_refused
from hemline.files import replaced_folder

logger = logging.getLogger(__name__)

_PARTS: Final = ("transactions", "articles", "customers")


def has_urls(params: SourceParams) -> bool:
    """Return whether a description names anything by URL."""
    return bool(_located(params))


def fetch(params: SourceParams, folder: Path) -> Iterator[str]:
    """Copy what the description names by URL into `fetched` in the folder; yield what was copied.

    The earlier copy stays until all tables are there, and goes where no URL is named any more.

    Raises:
        BadInput: a place cannot be reached, or a table is empty or lacks a column.
    """
    located = _located(params)
    if not located:
        if (folder / FETCHED).is_dir():
            shutil.rmtree(folder / FETCHED)
            yield f"{folder / FETCHED} is removed: the description names no url any more"
        return
    done: list[str] = []
    with full_disk_refused(folder), replaced_folder(folder / FETCHED) as unfinished:
        for names in _by_place(located):
            done += _fetch_tables(params, {name: located[name] for name in names}, unfinished)
    yield from done


def _located(params: SourceParams) -> dict[str, Location]:
    """Return the tables that lie behind URLs."""
    tables = {name: getattr(params, name) for name in _PARTS}
    return {name: table for name, table in tables.items() if table and table.url is not None}


def _by_place(located: dict[str, Location]) -> list[list[str]]:
    """Return the names of the tables, those of one database together."""
    places: dict[object, list[str]] = {}
    for name, table in located.items():
        places.setdefault((table.url, table.user_from, table.password_from), []).append(name)
    return list(places.values())


def _fetch_tables(params: SourceParams, tables: dict[str, Location], folder: Path) -> Iterator[str]:
    first = next(iter(tables))
    if not tables[first].is_database:
        for name, table in tables.items():
            yield _copied(table, folder, name)
        return
    with sql_rows.opened(tables[first], f"source.{first}") as database:
        for name, table in tables.items():
            yield _read(database, table, folder, name, columns_of(params, name))


def fetch_table(table: Location, folder: Path, name: str, columns: Sequence[str] | None) -> str:
    """Copy one table and return what was copied.

    Args:
        table: has a URL.
        folder: for the copy.
        name: of the table: transactions, articles or customers.
        columns: of a database to read; None: all.

    Raises:
        BadInput: the place cannot be reached, or the table is empty or lacks a column.
    """
    if not table.is_database:
        return _copied(table, folder, name)
    with sql_rows.opened(table, f"source.{name}") as database:
        return _read(database, table, folder, name, columns)


def _copied(table: Location, folder: Path, name: str) -> str:
    place = folder / Path(table.local_name(name)).name
    n_files, n_bytes = copy_from(str(table.url), place, f"source.{name}")
    return f"{name}: {n_files:,} files, {n_bytes:,} bytes from {table.url}"


def _read(
    database: sql_rows.Database, table: Location, folder: Path, name: str,
    columns: Sequence[str] | None,
) -> str:  # fmt: skip
    n_rows = write_parts(database.read(table, columns), folder / name, f"source.{name}")
    return f"{name}: {n_rows:,} rows from {database.url.render_as_string()}"


def write_parts(batches: Iterable[pa.RecordBatch], folder: Path, part: str) -> int:
    """Write batches as parquet files, which may differ in types, and return the number of rows.

    Args:
        batches: with the same columns.
        folder: for the files; made here.
        part: names the description in a refusal.

    Raises:
        BadInput: there are no rows.
    """
    folder.mkdir()
    n_rows = 0
    for number, batch in enumerate(batches):
        rows = pa.Table.from_batches([batch])
        pq.write_table(rows, folder / f"part-{number:05}.parquet", compression="zstd")
        n_rows += batch.num_rows
    if n_rows == 0:
        raise BadInput(
            f"{part} has rows",
            found="none; what was fetched before stays",
            fix=f"correct {part} in params.yaml, or wait until the table is filled",
        )
    return n_rows
