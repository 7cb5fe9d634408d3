"""A file is whole or absent, a lock ends with its holder, and a fingerprint tells parts apart."""

from pathlib import Path

import pytest

from hemline.files import fingerprint, locked, replaced_file, replaced_folder, write_text


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


def test_a_folder_takes_its_place_whole_after_an_earlier_swap_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    for leftover in ("tables", "tables.unfinished", "tables.outdated"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "old").touch()
    with replaced_folder(folder) as unfinished:
        (unfinished / "new").touch()
    assert [one.name for one in tmp_path.iterdir()] == ["tables"]
    assert [one.name for one in folder.iterdir()] == ["new"]


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(BlockingIOError), locked(tmp_path, wait=False):
        pass
    with locked(tmp_path, wait=False):
        pass


def test_a_fingerprint_depends_on_contents_and_where_each_part_ends(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("ab")
    assert fingerprint(tmp_path / "one") == fingerprint("ab") == fingerprint(b"ab")
    assert len({fingerprint(*parts) for parts in (["ab"], ["a", "b"], ["b", "a"], ["ab", ""])}) == 4
