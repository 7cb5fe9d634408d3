"""The default engine: DuckDB in this process; persisted rows and the overflow are on disk."""

import errno
import glob
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import duckdb
import narwhals as nw
import pyarrow as pa

from hemline.engine.row_groups import write_batches
from hemline.errors import BadInput, full_disk_refused

_Rows = nw.LazyFrame[Any]
_ROWS_AT_A_TIME: Final = 1 << 17
_FULL: Final = ("no space left", "file too large", "disk quota")


@contextmanager
def open_duckdb(memory_limit: str, threads: int, folder: Path) -> Iterator["OnDuckdb"]:
    """Yield the engine; raises BadInput when memory or the disk runs out.

    Args:
        memory_limit: such as "4GB"; the overflow is written to the folder.
        threads: 0 is one per core.
        folder: empty; for persisted rows and the overflow.
    """
    settings: dict[str, Any] = {
        "memory_limit": memory_limit,
        "temp_directory": str(folder / "overflow"),
        # Rows that need an order are sorted; preserving the order of files as well costs memory.
        "preserve_insertion_order": False,
    }
    if threads:
        settings["threads"] = threads
    with duckdb.connect(folder / "persisted.duckdb", config=settings) as connection:
        yield OnDuckdb(connection, memory_limit, folder)


@dataclass(frozen=True)
class OnDuckdb:
    """The engine protocol (see engine.Engine) on one connection."""

    connection: duckdb.DuckDBPyConnection
    memory_limit: str
    folder: Path
    name: str = "duckdb"
    _numbers: Iterator[int] = field(default_factory=count)

    def read(self, path: Path) -> _Rows:
        """Return the rows of a parquet file, or of all parquet files in a folder."""
        with self._refusals():
            pattern = pattern_of(path)
            return nw.from_native(self.connection.read_parquet(pattern, hive_partitioning=False))

    def from_arrow(self, table: pa.Table) -> _Rows:
        """Return the rows of a table in the memory of this process."""
        return nw.from_native(self.connection.from_arrow(table))

    def from_batches(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> _Rows:
        """Return the rows, written to the folder first.

        DuckDB would hold a joined stream in memory: 1.2 GB of Kaggle's transactions.
        """
        path = self.folder / f"received_{next(self._numbers)}.parquet"
        with self._refusals():
            write_batches(batches, path, schema)
        return self.read(path)

    def persist(self, rows: _Rows) -> _Rows:
        """Return the rows as a table of the database file."""
        name = f"persisted_{next(self._numbers)}"
        with self._refusals():
            # A commit that fails is silent where the relation commits by itself.
            self.connection.begin()
            try:
                rows.to_native().create(name)
                self.connection.commit()
            except duckdb.Error:
                with suppress(duckdb.TransactionException):  # it may have been rolled back already
                    self.connection.rollback()
                raise
            return nw.from_native(self.connection.table(name))

    def to_arrow(self, rows: _Rows) -> pa.Table:
        """Return the rows in memory."""
        with self._refusals():
            return rows.to_native().to_arrow_table()

    def write(self, rows: _Rows, path: Path, schema: pa.Schema, *, order_by: Sequence[str]) -> None:
        """Write the schema's columns to one parquet file, ordered."""
        ordered = rows.sort(*order_by).select(*schema.names).to_native()
        with self._refusals(path):
            write_batches(ordered.to_arrow_reader(_ROWS_AT_A_TIME), path, schema)

    @contextmanager
    def _refusals(self, *written: Path) -> Iterator[None]:
        with full_disk_refused(*written, self.folder):
            try:
                yield
            except (duckdb.Error, pa.ArrowInvalid) as error:
                if any(text in str(error).lower() for text in _FULL):
                    raise OSError(errno.ENOSPC, str(error)) from error
                if refusal := _refusal(error, self.memory_limit):
                    raise refusal from error
                raise


def pattern_of(path: Path) -> str:
    """Return what DuckDB reads as a parquet file, or as all parquet files in a folder.

    DuckDB reads names with `*`, `?` or `[` as patterns, which would match files of other projects.

    >>> pattern_of(Path("shop?/t.parquet"))
    'shop[?]/t.parquet'

    Raises:
        BadInput: it would have to be escaped, and its backslashes cannot be.
    """
    is_folder = path.is_dir()
    if not (is_folder or glob.has_magic(str(path))):
        return str(path)
    if "\\" in str(path):
        raise BadInput(
            "DuckDB reads no backslash in the name of a folder, nor in a path with *, ? or [",
            found=str(path),
            fix="rename the folder, or set engine.name to spark in params.yaml",
        )
    return glob.escape(str(path)) + "/**/*.parquet" * is_folder


def _refusal(error: Exception, memory_limit: str) -> BadInput | None:
    """Return the refusal for an error that the settings or the input caused, None for others."""
    message = str(error).partition("\n")[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return BadInput(
            f"the table work fits into engine.memory_limit ({memory_limit}) and its spill folder",
            found=message,
            fix="raise engine.memory_limit or lower engine.threads in params.yaml, or free space "
            "where engine.spill lies; nothing was replaced",
        )
    if isinstance(error, duckdb.ConversionException | pa.ArrowInvalid):
        return BadInput(
            "every value fits the type that hemline.tables gives its column",
            found=message,
            fix="correct the file it comes from",
        )
    return None
