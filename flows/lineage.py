"""What made a model: the git commit, the hash of dvc.lock, of the data and of the model files.

A training run must not depend on, or touch, what the developer has staged or checked out. Where the
working tree is not HEAD, a commit of its own is written with a throw-away index and kept from
garbage collection by a ref under refs/hemline/runs; no branch moves.
"""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from hemline.registry.runs import Lineage
from hemline.storefront import FORM

NO_COMMIT: Final = "none"
_SOURCES: Final = (
    "src",
    "flows",
    "monitoring",
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "requirements.lock",
)
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "hemline",
    "GIT_AUTHOR_EMAIL": "hemline@localhost",
    "GIT_COMMITTER_NAME": "hemline",
    "GIT_COMMITTER_EMAIL": "hemline@localhost",
}


def trace(root: Path, *, tables: Path, carried: tuple[Path, ...]) -> Lineage:
    """Return what the pipeline's present state came from.

    Args:
        root: the project folder.
        tables: the folder of the tables, relative to root.
        carried: files and folders a version carries, relative to root.
    """
    lock = (root / "dvc.lock").read_bytes()
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    hashes = _output_hashes(yaml.safe_load(lock))
    carried_hashes = {path: md5 for path, md5 in hashes.items() if _is_within(path, carried)}
    return Lineage(
        git_commit=commit_working_tree(root),
        dvc_lock=hashlib.md5(lock, usedforsecurity=False).hexdigest(),
        data_hash=_digest({p: md5 for p, md5 in hashes.items() if _is_within(p, (tables,))}),
        models_hash=_digest({**carried_hashes, "serve": params["serve"]}),
        as_of=str(params["data"]["as_of"]),
        source=str(params["acquire"]["source"]),
        form=FORM,
    )


def commit_working_tree(root: Path) -> str:
    """Return a commit that holds the tracked files and all sources exactly as they lie on disk.

    That is HEAD if nothing differs from it, otherwise a new commit on top of it that no branch
    points to; NO_COMMIT for a folder that is not a clone or has no commit yet. The same files on
    the same HEAD always give the same commit.
    """
    if not _is_clone(root):
        return NO_COMMIT
    head, head_tree, born = _git(root, "show", "-s", "--format=%H %T %ct", "HEAD").split()
    with TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        _git(root, "read-tree", "HEAD", extra=index)
        _git(root, "add", "--update", extra=index)
        present = [name for name in _SOURCES if (root / name).exists()]
        _git(root, "add", "--", *present, extra=index)
        tree = _git(root, "write-tree", extra=index)
    if tree == head_tree:
        return head
    date = f"@{born} +0000"
    dated = {**_IDENTITY, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    message = "The working tree a model was trained from"
    commit = _git(root, "commit-tree", tree, "-p", head, "-m", message, extra=dated)
    _git(root, "update-ref", f"refs/hemline/runs/{commit[:12]}", commit)
    return commit


def _is_clone(root: Path) -> bool:
    """Return whether root itself, not a folder around it, is a clone with a commit."""
    command = ["git", "rev-parse", "--show-toplevel", "--verify", "HEAD"]
    asked = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if asked.returncode:
        return False
    return Path(asked.stdout.splitlines()[0]).resolve() == root.resolve()


def _git(root: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **(extra or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]} failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def _output_hashes(lock: Mapping[str, Any]) -> dict[str, str]:
    return {
        output["path"]: output["md5"]
        for stage in lock["stages"].values()
        for output in stage.get("outs", [])
    }


def _is_within(path: str, folders: tuple[Path, ...]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def _digest(content: Mapping[str, Any]) -> str:
    lines = "\n".join(f"{name} {content[name]}" for name in sorted(content))
    return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()
