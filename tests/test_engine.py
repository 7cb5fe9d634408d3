"""What both engines promise, and how they end when memory or the disk runs out."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hemline import tables
from hemline.engine.engine import Engine, EngineParams, open_engine
from hemline.errors import BadInput

PARAMS = EngineParams.load(Path("params.yaml"))
SCHEMA = pa.schema([("article", pa.int32()), ("name", pa.string()), ("price", pa.float32())])
BY = ("article", "name", "price")


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    opened: Engine = request.getfixturevalue(f"on_{request.param}")
    return opened


pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark's


def sold(n_rows: int) -> pa.Table:
    rng = np.random.default_rng(1)
    article = pa.array(rng.integers(50, size=n_rows), pa.int32(), mask=rng.random(n_rows) < 0.1)
    name = pa.array(rng.choice(["a", "Ä", "z"], n_rows))
    return pa.table([article, name, rng.random(n_rows).astype(np.float32)], SCHEMA)


def in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending", "at_start") for name in BY])


def test_rows_leave_an_engine_as_they_came(engine: Engine) -> None:
    rows = engine.from_arrow(sold(1000))
    assert engine.to_arrow(rows.sort(*BY)) == in_order(sold(1000)).combine_chunks()


def test_a_written_table_has_the_bytes_that_arrow_would_write(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_A_GROUP", 300)
    tables.write_table(in_order(sold(1000)), tmp_path / "arrow.parquet", SCHEMA)
    engine.write(engine.from_arrow(sold(1000)), tmp_path / "t.parquet", SCHEMA, order_by=BY)
    assert pq.read_metadata(tmp_path / "t.parquet").num_row_groups == 4
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "arrow.parquet").read_bytes()


def test_a_table_without_rows_is_written_too(engine: Engine, tmp_path: Path) -> None:
    none = engine.from_arrow(sold(10)).filter(nw.col("price") > 1)
    engine.write(none, tmp_path / "t.parquet", SCHEMA, order_by=BY)
    tables.write_table(SCHEMA.empty_table(), tmp_path / "arrow.parquet", SCHEMA)
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "arrow.parquet").read_bytes()


def test_a_folder_of_files_is_one_table(engine: Engine, tmp_path: Path) -> None:
    for part in range(2):
        (tmp_path / f"of={part}").mkdir()
        pq.write_table(sold(5), tmp_path / f"of={part}" / "some.parquet")
    rows = engine.read(tmp_path)
    assert rows.collect_schema().names() == SCHEMA.names
    rows = rows.select(nw.len().cast(nw.Int64).alias("n"))
    assert engine.to_arrow(rows).to_pylist() == [{"n": 10}]


@pytest.mark.parametrize(
    ("name", "neighbour"),
    [
        ("shop?", "shops"),
        ("shop[12]", "shop1"),
        ("s*p", "shop"),
        ("{a,b}", "a"),
        ("day=5, 'q' #1 $HOME ä", "plain"),
    ],
)
def test_a_path_is_read_as_it_is_and_not_as_a_pattern(
    name: str, neighbour: str, engine: Engine, tmp_path: Path
) -> None:
    for n_rows, folder in enumerate((name, neighbour), start=1):
        (tmp_path / folder).mkdir()
        pq.write_table(sold(n_rows), tmp_path / folder / "t.parquet")
    for path in (tmp_path / name / "t.parquet", tmp_path / name):
        assert engine.to_arrow(engine.read(path)) == sold(1)
    (tmp_path / name / "t.parquet").unlink()
    with pytest.raises(Exception, match=r"(?i)no files found|does not exist|path_not_found"):
        engine.to_arrow(engine.read(tmp_path / name / "t.parquet"))


def test_a_backslash_is_read_as_it_is_or_refused(on_duckdb: Engine, tmp_path: Path) -> None:
    for name in (r"a\nb", r"a\[b]"):
        (tmp_path / name).mkdir()
        pq.write_table(sold(1), tmp_path / name / "t.parquet")
    assert on_duckdb.to_arrow(on_duckdb.read(tmp_path / r"a\nb" / "t.parquet")) == sold(1)
    for path in (tmp_path / r"a\nb", tmp_path / r"a\[b]" / "t.parquet"):
        with pytest.raises(BadInput, match="no backslash"):
            on_duckdb.read(path)


def test_batches_are_read_once_and_what_is_persisted_can_be_read_again(engine: Engine) -> None:
    persisted = engine.persist(engine.from_batches(iter(sold(100).to_batches(30)), SCHEMA))
    assert engine.to_arrow(persisted.sort(*BY)) == engine.to_arrow(persisted.sort(*BY))
    assert engine.to_arrow(persisted).num_rows == 100


def test_what_a_stream_refuses_reaches_the_reader(engine: Engine) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from sold(10).to_batches()
        raise BadInput("a price is a number", found="abc", fix="export it again")

    with pytest.raises(BadInput, match="a price is a number"):
        engine.persist(engine.from_batches(broken(), SCHEMA))


def test_a_value_that_fits_no_type_is_refused(engine: Engine) -> None:
    rows = engine.from_arrow(pa.table({"n": pa.array([1000], pa.int64())}))
    with pytest.raises(BadInput, match="every value fits the type"):
        engine.to_arrow(rows.select(nw.col("n").cast(nw.Int8)))


def test_a_memory_limit_that_is_reached_is_named_and_leaves_the_earlier_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"earlier")
    small = PARAMS.model_copy(update={"memory_limit": "10MB", "spill": tmp_path / "spill"})
    with (
        open_engine(small) as engine,
        pytest.raises(BadInput, match=r"engine.memory_limit \(10MB\)"),
    ):
        engine.write(engine.from_arrow(sold(1_000_000)), path, SCHEMA, order_by=BY)
    assert path.read_bytes() == b"earlier"
    assert not list(tmp_path.glob("*.unfinished"))
    assert not list((tmp_path / "spill").iterdir())


FULL_DISK = """
import sys, resource
from pathlib import Path
import numpy as np, pyarrow as pa
from hemline.engine.engine import EngineParams, open_engine

params = {"memory_limit": "100MB", "threads": 1, "spill": Path(sys.argv[1])}
params = EngineParams.load(Path("params.yaml")).model_copy(update=params)
with open_engine(params) as engine:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    noise = np.random.default_rng(1).random(300_000)
    engine.persist(engine.from_arrow(pa.table({"noise": noise})))
"""


def test_a_full_disk_is_refused_with_its_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "spill"), "1000000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rule:  the disk has room for what a step writes" in done.stderr, done.stderr
    command[-1] = str(resource.RLIM_INFINITY)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


LIVE_AND_DIE = """
import os, sys
from pathlib import Path
from hemline.engine.engine import EngineParams, open_engine

params = EngineParams.load(Path("params.yaml")).model_copy(update={"spill": Path(sys.argv[1])})
with open_engine(params):
    os.kill(os.getpid(), 9)
"""


def test_folders_of_killed_processes_are_removed_and_those_of_running_ones_are_not(
    tmp_path: Path,
) -> None:
    subprocess.run([sys.executable, "-c", LIVE_AND_DIE, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    here = PARAMS.model_copy(update={"spill": tmp_path})
    with open_engine(here), open_engine(here):
        assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())


NO_JAVA = """
import sys
from pathlib import Path
from hemline.engine.engine import EngineParams, open_engine

params = {"name": "spark", "spill": Path(sys.argv[1])}
with open_engine(EngineParams.load(Path("params.yaml")).model_copy(update=params)):
    pass
"""


def test_without_java_the_refusal_of_spark_names_it(tmp_path: Path) -> None:
    nowhere = {"PATH": "/usr/bin/nowhere", "JAVA_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", NO_JAVA, str(tmp_path)],
        env=nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Java 17" in done.stderr
    assert "engine.name: duckdb" in done.stderr


def test_memory_limits_are_in_megabytes_or_gigabytes() -> None:
    with pytest.raises(ValueError, match="memory_limit"):
        EngineParams.model_validate(PARAMS.model_dump() | {"memory_limit": "80%"})
