"""A full disk and memory that runs out, for real: /dev/full, and limits on a stage's process."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hemline import tables
from hemline.errors import BadInput, full_disk_refused
from tests.tiny_shop import write_tiny_shop

TABLE = pa.table({"customer": range(3), "cluster": [0, 1, 2], "age_band": [0, 1, 2]})


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_shop(tmp_path_factory.mktemp("shop") / "root")


def test_a_table_for_a_full_disk_leaves_the_earlier_one_and_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "segments.parquet"
    tables.write_table(TABLE, path, tables.SEGMENTS)
    before = path.read_bytes()
    path.with_name(f".{path.name}.unfinished").symlink_to("/dev/full")
    with pytest.raises(BadInput) as refusal, full_disk_refused(path):
        tables.write_table(TABLE, path, tables.SEGMENTS)
    assert f"GB free for {path}" in refusal.value.found
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES])
def test_other_errors_of_files_stay_what_they_are(number: int) -> None:
    with pytest.raises(OSError, match="the message"), full_disk_refused():
        raise OSError(number, "the message")


def test_other_errors_at_run_time_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="the message"), full_disk_refused():
        raise RuntimeError("the message")


def test_a_file_that_has_no_folder_yet_is_named_by_the_folder_above(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match=rf"for {tmp_path}\n"),
        full_disk_refused(tmp_path / "not" / "yet.parquet"),
    ):
        Path("/dev/full").write_text("too much")


def test_numpys_message_for_a_full_disk_is_recognised(tmp_path: Path) -> None:
    script = (
        "import numpy, pathlib, resource\n"
        "from hemline.errors import full_disk_refused\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with full_disk_refused(pathlib.Path()):\n"
        "    numpy.save('x.npy', numpy.zeros(10_000))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert f"GB free for {tmp_path}" in done.stderr


def test_a_stage_that_reaches_the_file_size_limit_is_refused_and_runs_without_the_limit(
    shop: Path,
) -> None:
    done = prepare(shop, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)))
    assert done.returncode == 1
    assert "rule:  the disk has room for what a step writes" in done.stderr
    assert "may not grow further" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(shop.rglob("*.unfinished"))
    assert prepare(shop).returncode == 0


def test_a_stage_without_enough_memory_is_refused_and_runs_with_enough(shop: Path) -> None:
    n_bytes = 400 << 20
    np.lib.format.open_memmap(shop / "large.npy", "w+", np.uint8, (n_bytes,))
    script = (
        "from pathlib import Path\n"
        "import numpy\n"
        "from hemline.stages.command import InPath, run\n"
        "def main(numbers: InPath) -> None:\n"
        "    print(numpy.load(numbers).size)\n"
        "run(main)\n"
    )
    (shop / "stage.py").write_text(script)
    command = [sys.executable, "stage.py", "--numbers", "large.npy"]
    done = run(command, shop, lambda: resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes)))
    assert done.returncode == 1
    assert "rule:  a step has the memory it needs" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(command, shop).stdout.strip() == str(n_bytes)


def prepare(
    shop: Path, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hemline.stages.prepare", "--params", "params.yaml"]
    command += ["--table-folder", "data/tables", "--prepared", "data/prepared"]
    return run(command, shop, limit)


def run(
    command: list[str], folder: Path, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
