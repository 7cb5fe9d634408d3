"""A layout is made once, made again after a kill or damage, and never from a damaged version."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hemline.errors import BadInput
from hemline.serving import layout as layouts
from hemline.serving.answers import Answers
from hemline.serving.id_index import IdIndex
from hemline.serving.layout import MARKER, laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.version_files import VersionFiles
from hemline.serving.visitor_history import SessionState
from tests.processes import eventually
from tests.serving.tiny_version import registered, write_version
from tests.tiny_project import REPOSITORY

HEAVY = (
    *("torch", "pandas", "scipy", "lightgbm", "implicit", "sklearn", "mlflow", "sqlalchemy"),
    *("duckdb", "prefect", "jinja2", "fastapi", "pyarrow.compute", "pyarrow.dataset", "cffi"),
)
ALONE = """
import sys
from pathlib import Path
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.segments.cold_customers import ColdCustomer
answers = Answers.open(Path(sys.argv[1]))
answers.for_customer(0, SessionState(), ListRules())
answers.for_guest(ColdCustomer(age=30), SessionState(basket=(0,)), ListRules())
answers.similar(0, ListRules())
answers.also_bought(0, ListRules())
answers.explain(0, SessionState(), ListRules())
print(*sorted(set(sys.argv[2:]) & sys.modules.keys()))
"""
PATHS = f"{REPOSITORY / 'src'}:{REPOSITORY}"
STOPPED = """
import sys, time
from pathlib import Path
from hemline.serving import layout
from tests.serving.tiny_version import registered, write_version
def wait(*_, **__):
    Path(sys.argv[1], "waiting").touch()
    time.sleep(60)
layout.save_articles = wait
files = write_version(Path(sys.argv[1], "version"))
layout.laid_out(files, registered(files), Path(sys.argv[1], "serving"))
"""


@pytest.fixture
def files(tmp_path: Path) -> VersionFiles:
    (tmp_path / "version").mkdir()
    return write_version(tmp_path / "version")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "serving"


def states(layout: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(layout)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in layout.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def test_a_layout_is_made_once(files: VersionFiles, root: Path) -> None:
    layout = laid_out(files, registered(files), root)
    before = states(layout)
    assert laid_out(files, registered(files), root) == layout
    assert states(layout) == before


def test_another_version_has_a_layout_of_its_own(files: VersionFiles, root: Path) -> None:
    third, fourth = (laid_out(files, registered(files, number), root) for number in (3, 4))
    assert third != fourth
    assert [Answers.open(each).version for each in (third, fourth)] == [3, 4]


def test_files_that_are_not_registered_can_be_laid_out_too(files: VersionFiles, root: Path) -> None:
    unregistered = type(registered(files))()
    assert Answers.open(laid_out(files, unregistered, root)).version == 0


def test_what_was_killed_on_the_way_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "version").mkdir()
    command = [sys.executable, "-c", STOPPED, str(tmp_path)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PATHS}) as half:
        assert eventually((tmp_path / "waiting").exists, seconds=60)
        half.send_signal(signal.SIGKILL)
    assert not list((tmp_path / "serving").glob(f"*/{MARKER}"))
    (tmp_path / "again").mkdir()
    files = write_version(tmp_path / "again")
    layout = laid_out(files, registered(files), tmp_path / "serving")
    assert Answers.open(layout).for_customer(0, SessionState(), ListRules(k=1)).listed
    assert [path.name for path in (tmp_path / "serving").iterdir() if path.is_dir()] == [
        layout.name
    ]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda layout: flip(layout / "histories" / "indices.npy"),
        lambda layout: (layout / "customers" / "ids.npy").unlink(),
        lambda layout: (layout / "articles" / "articles.arrow").write_bytes(b""),
        lambda layout: (layout / MARKER).write_text("{"),
        lambda layout: (layout / MARKER).unlink(),
    ],
    ids=["a flipped bit", "a missing file", "an empty file", "half a marker", "no marker"],
)
def test_a_damaged_layout_is_made_again_and_the_log_says_so(
    files: VersionFiles,
    root: Path,
    damage: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    layout = laid_out(files, registered(files), root)
    expected = Answers.open(layout).for_customer(0, SessionState(), ListRules())
    damage(layout)
    with caplog.at_level(logging.WARNING):
        assert laid_out(files, registered(files), root) == layout
    assert "is damaged: it is made again" in caplog.text
    assert Answers.open(layout).for_customer(0, SessionState(), ListRules()) == expected


def test_a_large_file_is_hashed_again_only_when_it_is_another_file(
    files: VersionFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "_LARGE", 0)
    layout = laid_out(files, registered(files), root)
    laid_out(files, registered(files), root)
    hashed: list[Path] = []

    def hash_of(path: Path) -> str:
        hashed.append(path)
        return "another"

    monkeypatch.setattr(layouts, "_md5", hash_of)
    assert laid_out(files, registered(files), root) == layout
    assert hashed == []
    (layout / "articles" / "sold.npy").touch()
    laid_out(files, registered(files), root)
    assert hashed[0] == layout / "articles" / "sold.npy"


@pytest.mark.parametrize("place", ["models/tfidf/scores.npy", "histories.npz", "params.yaml"])
def test_a_version_with_a_damaged_file_is_refused_by_its_name(
    files: VersionFiles, root: Path, place: str
) -> None:
    hashes = registered(files)
    path = files.models.parent / place
    flip(path)
    with pytest.raises(BadInput, match="version 3") as refused:
        laid_out(files, hashes, root)
    assert place in refused.value.found
    assert not list(root.glob(f"*/{MARKER}"))


def test_layouts_that_were_not_used_for_longest_are_removed(
    files: VersionFiles, root: Path
) -> None:
    made = []
    for number in range(1, 6):
        made.append(laid_out(files, registered(files, number), root))
        os.utime(made[-1] / MARKER, (number, number))
    laid_out(files, registered(files, 1), root)  # used again, so it is made again and stays
    laid_out(files, registered(files, 6), root)
    left = {json.loads(path.read_text())["about"]["version"] for path in root.glob(f"*/{MARKER}")}
    assert left == {1, 4, 5, 6}


def test_arrays_are_mapped_so_that_workers_share_them(files: VersionFiles, root: Path) -> None:
    layout = laid_out(files, registered(files), root)
    answers = Answers.open(layout)
    assert answers.for_customer(0, SessionState(), ListRules()).listed
    mapped = Path("/proc/self/maps").read_text()
    for place in ("histories/indices", "customers/ids", "models/copurchase/articles"):
        assert f"{layout / place}.npy" in mapped
    assert str(layout / "articles" / "articles.arrow") in mapped


def test_a_process_that_answers_imports_nothing_that_only_training_needs(
    files: VersionFiles, root: Path
) -> None:
    layout = laid_out(files, registered(files), root)
    command = [sys.executable, "-c", ALONE, str(layout), *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_ids_of_any_kind_are_found_and_none_else() -> None:
    ids = ["b", "a", "a" * 70, "aa", "ä", "aä", "a\0", "z" * 8, "z" * 9]
    index = IdIndex.of(ids)
    assert [index.key_of(name) for name in ids] == [*range(len(ids))]
    assert [index.id_of(key) for key in range(len(ids))] == ids
    for absent in ("", "c", "a" * 69, "a" * 71, "a\0\0", "\udcff"):
        assert index.key_of(absent) is None
    assert set(index.keys_starting_with("a")) == {1, 2, 3, 5, 6}
    assert set(index.keys_starting_with("zzzzzzzz")) == {7, 8}
    assert len(index.keys_starting_with("a" * 71)) == 0
    assert len(index.keys_starting_with("")) == len(ids)


def test_also_bought_of_other_histories_is_refused(files: VersionFiles, root: Path) -> None:
    scores = files.models / "copurchase" / "scores.npy"
    np.save(scores, np.load(scores) * np.float32(1.03))
    with pytest.raises(BadInput, match="fitted on the version's histories"):
        laid_out(files, registered(files), root)
