"""Which project a folder is, after it was moved, copied, cloned or damaged."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hemline import identity
from hemline.errors import BadInput
from hemline.identity import project_id


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project folder whose name has characters that addresses and paths treat apart."""
    folder = tmp_path / "a shop? #1 \u00e9"
    folder.mkdir()
    return folder


def test_an_id_is_made_once_and_two_projects_differ(root: Path, tmp_path: Path) -> None:
    first = project_id(root)
    assert project_id(root) == first
    assert len(first) == 12
    assert project_id(tmp_path / "another") != first


def test_a_moved_project_keeps_its_id(root: Path, tmp_path: Path) -> None:
    before = project_id(root)
    moved = root.rename(tmp_path / "moved")
    assert project_id(moved) == before
    project_id(tmp_path / "a shop? #1 \u00e9")  # a new project where the old one was
    assert project_id(moved) == before


def test_a_copy_gets_an_id_of_its_own_and_the_original_keeps_its_own(
    root: Path, tmp_path: Path
) -> None:
    before = project_id(root)
    copy = shutil.copytree(root, tmp_path / "copy")
    copied = project_id(copy)
    assert copied != before
    assert (project_id(root), project_id(copy)) == (before, copied)


def test_a_copy_made_of_hard_links_is_a_copy(root: Path, tmp_path: Path) -> None:
    before = project_id(root)
    copy = shutil.copytree(root, tmp_path / "copy", copy_function=os.link)
    assert project_id(copy) != before
    assert project_id(root) == before


def test_a_link_to_the_project_is_the_project(root: Path, tmp_path: Path) -> None:
    before = project_id(root)
    (tmp_path / "link").symlink_to(root)
    assert project_id(tmp_path / "link") == before


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"id": "1"}', "\0", "\udcff"])
def test_a_damaged_file_is_named(root: Path, content: str) -> None:
    path = root / ".hemline" / "identity.json"
    path.parent.mkdir()
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match=r"identity\.json"):
        project_id(root)


def test_an_original_that_cannot_be_read_may_still_be_there(root: Path, tmp_path: Path) -> None:
    before = project_id(root)
    copy = shutil.copytree(root, tmp_path / "copy")
    (root / ".hemline" / "identity.json").write_text("damaged")
    assert project_id(copy) != before


def test_processes_that_start_at_once_agree(root: Path) -> None:
    script = "import sys, pathlib, hemline.identity as i; print(i.project_id(pathlib.Path('.')))"
    started = [
        subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    answers = {process.communicate()[0].strip().decode() for process in started}
    assert answers == {project_id(root)}


def test_a_folder_that_cannot_be_written_has_an_id_too(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project_id(root)
    copy = shutil.copytree(root, tmp_path / "copy")
    new = tmp_path / "new"

    def refuse(_path: Path, _text: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(identity, "write_text", refuse)
    assert project_id(new) == project_id(new)
    assert len({before, project_id(copy), project_id(new)}) == 3
    moved = root.rename(tmp_path / "moved")
    assert project_id(moved) == before
    stored = json.loads((moved / ".hemline" / "identity.json").read_text())
    assert stored["root"] == str(root)
