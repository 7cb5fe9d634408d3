"""A file is whole or absent, a lock ends with its holder, and a fingerprint tells parts apart."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from hemline import tables
from hemline.errors import BadInput
from hemline.files import (
    UNFINISHED,
    fingerprint,
    locked,
    replaced_file,
    replaced_folder,
    write_text,
)


def test_a_file_takes_its_name_once_it_is_written_and_its_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    with replaced_file(path) as unfinished:
        unfinished.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [one.name for one in path.parent.iterdir()] == ["b.txt"]


def test_a_body_that_fails_leaves_the_earlier_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    write_text(path, "before")
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["b.txt"]


def write_half(path: Path) -> None:
    with replaced_file(path) as unfinished:
        unfinished.write_text("half")
        raise OSError("full")


def test_of_writers_at_the_same_time_none_fails_and_the_file_is_whole(tmp_path: Path) -> None:
    path, texts = tmp_path / "seen.json", [letter * 5000 for letter in "abcd"]

    def write(text: str) -> None:
        for _ in range(50):
            write_text(path, text)
            assert path.read_text() in texts

    with ThreadPoolExecutor(len(texts)) as writers:
        for done in [writers.submit(write, text) for text in texts]:
            done.result()
    assert [one.name for one in tmp_path.iterdir()] == ["seen.json"]


def test_what_a_killed_writer_left_is_not_part_of_the_next_file(tmp_path: Path) -> None:
    (tmp_path / f".seen.json{UNFINISHED}").write_text("a long text that was cut off")
    write_text(tmp_path / "seen.json", "short")
    assert (tmp_path / "seen.json").read_text() == "short"
    with replaced_file(tmp_path / "secret") as unfinished:
        assert unfinished.read_bytes() == b""
        unfinished.chmod(0o600)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_folder_takes_its_place_whole_after_an_earlier_swap_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    for leftover in ("tables", "tables.unfinished", "tables.outdated"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "old").touch()
    with replaced_folder(folder) as unfinished:
        (unfinished / "new").touch()
    assert [one.name for one in tmp_path.iterdir()] == ["tables"]
    assert [one.name for one in folder.iterdir()] == ["new"]


REPLACE_AND_DIE = """
import os, sys
from pathlib import Path
from hemline import files

folder, n_calls, is_refused, can_exchange = Path(sys.argv[1]), *map(int, sys.argv[2:])
if not can_exchange:
    files._exchange = lambda one, other: False

def die(event, _arguments):
    global n_calls
    if event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.listdir"):
        n_calls -= 1
        if n_calls < 0:
            os._exit(9)

sys.addaudithook(die)
with files.replaced_folder(folder) as unfinished:
    if is_refused:
        raise SystemExit(1)
    for name in ("one", "two"):
        (unfinished / name).write_text("new")
"""


def replace_and_die(folder: Path, n_calls: int, *, can_exchange: bool, refused: bool) -> int:
    numbers = (str(int(number)) for number in (n_calls, refused, can_exchange))
    command = [sys.executable, "-c", REPLACE_AND_DIE, str(folder), *numbers]
    return subprocess.run(command, check=False).returncode


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("can_exchange", [True, False], ids=["exchange", "two renames"])
def test_a_kill_before_any_call_and_a_refusal_after_it_leave_the_old_folder_or_the_new(
    tmp_path: Path, *, can_exchange: bool
) -> None:
    folder = tmp_path / "tables"
    old, new = dict.fromkeys(("one", "two"), "old"), dict.fromkeys(("one", "two"), "new")
    n_calls, status, outcomes = 0, 9, []
    while status == 9:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in old.items():
            (folder / name).write_text(text)
        status = replace_and_die(folder, n_calls, can_exchange=can_exchange, refused=False)
        if can_exchange:
            assert contents(folder) in (old, new)
        assert replace_and_die(folder, 99, can_exchange=can_exchange, refused=True) == 1
        outcomes.append(contents(folder))
        assert [path.name for path in tmp_path.iterdir()] == ["tables"]
        n_calls += 1
    assert status == 0
    assert outcomes[0] == old
    assert outcomes[-1] == new
    assert all(outcome in (old, new) for outcome in outcomes)


def test_a_link_to_a_folder_is_replaced_by_a_folder_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tables").symlink_to("elsewhere")
    for _ in range(2):
        with replaced_folder(tmp_path / "tables") as unfinished:
            (unfinished / "new").touch()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["elsewhere", "new", "tables"]


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(BlockingIOError), locked(tmp_path, wait=False):
        pass
    with locked(tmp_path, wait=False):
        pass


def test_a_fingerprint_depends_on_contents_and_where_each_part_ends(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("ab")
    assert fingerprint(tmp_path / "one") == fingerprint("ab") == fingerprint(b"ab")
    assert len({fingerprint(*parts) for parts in (["ab"], ["a", "b"], ["b", "a"], ["ab", ""])}) == 4


SCHEMA = pa.schema([("article", pa.int32()), ("scores", pa.list_(pa.float32()))])


def test_a_damaged_table_is_named_with_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "articles.parquet"
    for content in (b"", b"PAR1", bytes(100)):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=r"articles\.parquet is a table") as refused:
            tables.read_table(path, SCHEMA)
        assert "dvc checkout" in refused.value.fix
