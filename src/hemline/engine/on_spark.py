"""The engine beyond one machine: Spark here, on a cluster, or through Spark Connect (Databricks).

Rows go to Spark and come back as parquet in the shared folder, never through the JVM's memory. So a
result may be larger than any heap, and one code path serves all three ways to reach Spark. The
price is a file where a small result could have used a socket (about 0.3 s).
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from hemline.engine.row_groups import write_batches
from hemline.errors import BadInput, full_disk_refused

try:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
except ImportError as missing:
    raise BadInput(
        "engine.name: spark needs the package pyspark",
        found=str(missing),
        fix="pip install 'hemline[spark]', or set engine.name to duckdb in params.yaml",
    ) from None

_Rows = nw.LazyFrame[Any]
_FULL: Final = ("No space left on device", "File too large", "Disk quota exceeded")
_NO_MEMORY: Final = ("OutOfMemory", "UNABLE_TO_ACQUIRE_MEMORY", "CANNOT_ACQUIRE_MEMORY")
_UNFIT: Final = ("CAST_OVERFLOW", "CAST_INVALID_INPUT", "ARITHMETIC_OVERFLOW")


@contextmanager
def open_spark(master: str, memory_limit: str, folder: Path) -> Iterator["OnSpark"]:
    """Yield the engine; an active session is used as it is and left open.

    Args:
        master: "local[*]", "spark://host:port", or "sc://host:port" for Spark Connect.
        memory_limit: such as "4GB": the Spark heap on this machine.
        folder: empty, and available to Spark's workers under the same path.

    Raises:
        BadInput: there is no Java, or no server at the address, or the folder's path has a comma.
    """
    active = SparkSession.getActiveSession()
    session = active or _start(master, memory_limit, folder)
    try:
        yield OnSpark(session, folder)
    finally:
        if active is None:
            session.stop()


def _start(master: str, memory_limit: str, folder: Path) -> Any:
    settings = {
        "spark.sql.session.timeZone": "UTC",
        # Spark's own default is a type that no other tool writes any more.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    }
    if master.startswith("sc://"):
        builder = SparkSession.builder.remote(master)
    else:
        builder = SparkSession.builder.master(master)
        heap = memory_limit.lower().removesuffix("b")
        settings |= {
            "spark.driver.memory": heap,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
    if master.startswith("local"):
        _require_one_path(folder)
        n_cores = os.cpu_count() or 1
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(folder),
            # 200 by default, so that a small job spends most of its time starting tasks.
            "spark.sql.shuffle.partitions": str(4 * n_cores),
        }
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.appName("hemline").getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise BadInput(
            f"Spark can be reached at engine.spark ({master})",
            found=_first_line(error),
            fix="local[*] and spark:// need Java 17 or later here (JAVA_HOME); a cluster must be "
            "up and of pyspark's minor version; engine.name: duckdb needs neither",
        ) from error


def _require_one_path(folder: Path) -> None:
    """Raise BadInput for a path that Spark would take for several folders, and make them all."""
    if "," in str(folder):
        raise BadInput(
            "the path of engine.spill holds no comma, by which Spark separates folders",
            found=str(folder.parent),
            fix="set engine.spill in params.yaml to a folder without one, or engine.name to duckdb",
        )


@dataclass(frozen=True)
class OnSpark:
    """The engine protocol (see engine.Engine) on one session."""

    session: Any
    folder: Path
    name: str = "spark"
    _numbers: Iterator[int] = field(default_factory=count)

    def read(self, path: Path) -> _Rows:
        """Return the rows of a parquet file, or of all parquet files in a folder."""
        with self._refusals():
            reader = self.session.read.option("recursiveFileLookup", "true")
            rows: _Rows = nw.from_native(reader.parquet(_literal(path.absolute())))
            return rows

    def from_arrow(self, table: pa.Table) -> _Rows:
        """Return the rows of a table in the memory of this process."""
        return self.from_batches(table.to_batches(), table.schema)

    def from_batches(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> _Rows:
        """Return the rows, written to the shared folder first."""
        path = self.folder / f"received_{next(self._numbers)}.parquet"
        with self._refusals():
            write_batches(batches, path, schema)
        return self.read(path)

    def persist(self, rows: _Rows) -> _Rows:
        """Return the rows as parquet files in the shared folder."""
        return self.read(self._stored(rows))

    def to_arrow(self, rows: _Rows) -> pa.Table:
        """Return the rows in memory."""
        files = _files(self._stored(rows))
        table = pa.concat_tables(pq.read_table(file) for file in files)
        return table.replace_schema_metadata(None)

    def write(self, rows: _Rows, path: Path, schema: pa.Schema, *, order_by: Sequence[str]) -> None:
        """Write the schema's columns to one parquet file, ordered."""
        files = _files(self._stored(rows.sort(*order_by).select(*schema.names)))
        batches = (batch for file in files for batch in pq.ParquetFile(file).iter_batches())
        with self._refusals(path):
            write_batches(batches, path, schema)

    def _stored(self, rows: _Rows) -> Path:
        folder = self.folder / f"persisted_{next(self._numbers)}"
        with self._refusals():
            rows.to_native().write.parquet(str(folder))
        return folder

    @contextmanager
    def _refusals(self, *written: Path) -> Iterator[None]:
        try:
            with full_disk_refused(*written, self.folder):
                yield
        except (PySparkException, Py4JError) as error:
            if refusal := _refusal(str(error), _first_line(error), self.folder):
                raise refusal from error
            raise


def _literal(path: Path) -> str:
    r"""Return a path that Spark reads as it is, and not as a pattern of paths.

    >>> _literal(Path("/shop[1]?/t.parquet"))
    '/shop\\[1\\]\\?/t.parquet'
    """
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", str(path))


def _files(folder: Path) -> list[Path]:
    """Return Spark's files of one result; their names are in the order of its partitions."""
    return sorted(folder.glob("*.parquet"))


def _refusal(error: str, message: str, folder: Path) -> BadInput | None:
    """Return the refusal for an error that the settings or the input caused, None for others."""
    if any(text in error for text in _FULL):
        return BadInput(
            f"there is room for what Spark writes to {folder.parent} and to its workers' disks",
            found=message,
            fix="free space there, or set engine.spill in params.yaml to a folder with room",
        )
    if any(text in error for text in _NO_MEMORY):
        return BadInput(
            "the table work fits into Spark's memory",
            found=message,
            fix="raise engine.memory_limit in params.yaml (local[*]) or the executors' memory",
        )
    if any(text in error for text in _UNFIT):
        return BadInput(
            "every value fits the type that hemline.tables gives its column",
            found=message,
            fix="correct the file it comes from",
        )
    if "PATH_NOT_FOUND" in error:
        return BadInput(
            "Spark reads the project's files under the same path as this process",
            found=message,
            fix="put the project on storage shared by driver and cluster, or use spark: local[*]",
        )
    return None


def _first_line(error: Exception) -> str:
    """Return the first line of an error, without the JVM's stack trace."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
