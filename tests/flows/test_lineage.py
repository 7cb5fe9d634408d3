"""The commit a model is tagged with, in a repository of two files."""

from pathlib import Path

import pytest

from flows.trace_lineage import NO_COMMIT, commit_working_tree
from tests.tiny_project import commit_all, git


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")  # as on a machine where git is new
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "model.py").write_text("weight = 1\n")
    (tmp_path / "params.yaml").write_text("seed: 7\n")
    commit_all(tmp_path)
    return tmp_path


def test_a_clean_clone_is_its_head(clone: Path) -> None:
    assert commit_working_tree(clone) == git(clone, "rev-parse", "HEAD")


def test_changes_and_new_sources_get_a_commit_that_no_branch_points_to(clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    (clone / "params.yaml").write_text("seed: 8\n")
    (clone / "src" / "new.py").write_text("bias = 0\n")
    (clone / "dvc.lock").write_text("stages: {}\n")
    (clone / "diary.txt").write_text("private\n")
    status = git(clone, "status", "--porcelain")
    commit = commit_working_tree(clone)
    assert git(clone, "rev-parse", f"{commit}^") == head == git(clone, "rev-parse", "main")
    assert git(clone, "status", "--porcelain") == status
    assert git(clone, "show", f"{commit}:params.yaml") == "seed: 8"
    assert git(clone, "ls-tree", "-r", "--name-only", commit).split() == [
        "dvc.lock",
        "params.yaml",
        "src/model.py",
        "src/new.py",
    ]
    assert git(clone, "rev-parse", f"refs/hemline/runs/{commit[:12]}") == commit


def test_the_same_files_give_the_same_commit(clone: Path) -> None:
    (clone / "params.yaml").write_text("seed: 8\n")
    assert commit_working_tree(clone) == commit_working_tree(clone)


def test_what_the_developer_staged_stays_staged(clone: Path) -> None:
    (clone / "src" / "model.py").write_text("weight = 2\n")
    git(clone, "add", "src/model.py")
    (clone / "src" / "model.py").write_text("weight = 3\n")
    commit = commit_working_tree(clone)
    assert git(clone, "show", f"{commit}:src/model.py") == "weight = 3"
    assert git(clone, "show", ":src/model.py") == "weight = 2"


def test_a_folder_inside_another_clone_is_not_a_clone(clone: Path) -> None:
    unpacked = clone / "unpacked"
    unpacked.mkdir()
    assert commit_working_tree(unpacked) == NO_COMMIT


def test_a_clone_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert commit_working_tree(tmp_path) == NO_COMMIT
