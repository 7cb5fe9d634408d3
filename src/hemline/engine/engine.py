"""Where the table work runs: written once against Narwhals, executed by DuckDB or by Spark.

DuckDB is the default: one process, out of core, with a memory limit. Spark is for tables that do
not fit on one machine or must not be copied to it. Both give the same rows, and `write` gives the
same bytes, because rows are ordered before they leave the engine and are written by pyarrow in this
process. The price is that every result passes through this process, in blocks.

An engine persists rows in a folder of its own under `spill`. For a Spark cluster that has to be
storage which this process and the cluster reach under the same path.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

import narwhals as nw
import pyarrow as pa
from pydantic import Field, NonNegativeInt

from hemline.files import lock
from hemline.params import Section

Rows = nw.LazyFrame[Any]


class EngineParams(Section):
    """Section `engine`: what executes the table work, and its limits; results do not change.

    Attributes:
        name: which engine.
        memory_limit: "4GB" or "500MB"; of DuckDB's buffers, or of the Spark heap on this machine.
        threads: of DuckDB; 0 is one per core.
        spill: folder for what does not fit into memory.
        spark: the master ("local[*]", "spark://host:7077"), or Spark Connect ("sc://host:15002").
    """

    section: ClassVar[str] = "engine"
    name: Literal["duckdb", "spark"]
    memory_limit: Annotated[str, Field(pattern=r"^[1-9]\d*(MB|GB)$")]
    threads: NonNegativeInt
    spill: Path
    spark: Annotated[str, Field(pattern=r"^(local(\[[\d*, ]+\])?|yarn|(spark|sc|k8s)://\S+)$")]


class Engine(Protocol):
    """What the table work needs of an engine; rows are lazy until one of the last three methods.

    Integers summed by DuckDB are wider than any parquet type: cast sums to nw.Int64.
    """

    @property
    def name(self) -> str:
        """The name in params.yaml."""
        ...

    def read(self, path: Path) -> Rows:
        """Return the rows of a parquet file, or of all parquet files in a folder."""
        ...

    def from_arrow(self, table: pa.Table) -> Rows:
        """Return the rows of a table in the memory of this process."""
        ...

    def from_batches(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Rows:
        """Return the rows of batches of one schema, which are stored one by one first."""
        ...

    def persist(self, rows: Rows) -> Rows:
        """Return the rows computed once and stored out of core, in no particular order."""
        ...

    def to_arrow(self, rows: Rows) -> pa.Table:
        """Return the rows in memory, in the order of `sort` if that was the last operation."""
        ...

    def write(self, rows: Rows, path: Path, schema: pa.Schema, *, order_by: Sequence[str]) -> None:
        """Write the schema's columns to one parquet file as tables.write_table does, in order.

        The rows stream, so they need not fit into memory. The order should be total: ties are in
        any order. Nulls come first.
        """
        ...


@contextmanager
def open_engine(params: EngineParams) -> Iterator[Engine]:
    """Yield the engine named in params.yaml; what it persisted is deleted afterwards.

    Raises:
        BadInput: it cannot be opened; or, from any of its methods, its memory or the disk ran out,
            or a value does not fit its type.
    """
    with _folder_in(params.spill) as folder:
        if params.name == "spark":
            from hemline.engine.on_spark import open_spark  # noqa: PLC0415  (optional, slow)

            with open_spark(params.spark, params.memory_limit, folder) as on_spark:
                yield on_spark
        else:
            from hemline.engine.on_duckdb import open_duckdb  # noqa: PLC0415  (its sibling is too)

            with open_duckdb(params.memory_limit, params.threads, folder) as on_duckdb:
                yield on_duckdb


@contextmanager
def _folder_in(spill: Path) -> Iterator[Path]:
    """Yield a folder for this process only; folders left by killed processes are removed first.

    A running process holds a lock on its folder, which the kernel drops when the process ends. The
    lock on `spill` protects a folder between its creation and its own lock.
    """
    spill.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with _locked(spill):
            for left in spill.glob("engine-*"):
                _remove_if_left(left)
            made = tempfile.TemporaryDirectory(prefix="engine-", dir=spill.resolve())
            folder = Path(stack.enter_context(made))
            stack.enter_context(_locked(folder))
        yield folder


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a folder; raises BlockingIOError if it is not to be had without waiting."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock(descriptor, wait=wait)
        yield
    finally:
        os.close(descriptor)


def _remove_if_left(folder: Path) -> None:
    with suppress(BlockingIOError), _locked(folder, wait=False):
        shutil.rmtree(folder, ignore_errors=True)
