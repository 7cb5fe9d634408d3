"""What a model was made from: git commit, and hashes of dvc.lock, the data and the model files.

A training must neither depend on nor change what the developer has staged or checked out. Where the
working tree differs from HEAD, a separate commit is written with a temporary index; no branch
moves. Either way a ref under refs/hemline/runs protects the commit from garbage collection, so that
the same commands reproduce a version whatever happens to the branch.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from hemline import processor
from hemline.registry.lineage import kernel_variables, run_ref
from hemline.registry.runs import Lineage
from hemline.serving.version_files import FORMAT_VERSION

NO_COMMIT: Final = "none"
_SOURCES: Final = (
    "src",
    "flows",
    "monitoring",
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "prefect.yaml",
    "automations.yaml",
    "requirements.lock",
)
_IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "hemline",
    "GIT_AUTHOR_EMAIL": "hemline@localhost",
    "GIT_COMMITTER_NAME": "hemline",
    "GIT_COMMITTER_EMAIL": "hemline@localhost",
}


def trace(root: Path, *, tables: Path, version_files: tuple[Path, ...]) -> Lineage:
    """Return the lineage of the pipeline's present state.

    Args:
        root: the project folder.
        tables: the folder of the tables, relative to root.
        version_files: files and folders of a version, relative to root.
    """
    lock = (root / "dvc.lock").read_bytes()
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    hashes = _output_hashes(yaml.safe_load(lock))
    file_hashes = {path: md5 for path, md5 in hashes.items() if _is_within(path, version_files)}
    return Lineage(
        git_commit=commit_working_tree(root),
        dvc_lock=hashlib.md5(lock, usedforsecurity=False).hexdigest(),
        data_hash=_digest({p: md5 for p, md5 in hashes.items() if _is_within(p, (tables,))}),
        table_hashes=_as_json(
            {path.stem: _md5(path) for path in (root / tables).glob("*.parquet")}
        ),
        models_hash=_digest({**file_hashes, "serve": params["serve"]}),
        file_hashes=_as_json(file_hashes),
        cut=str(params["data"]["cut"]),
        source=str(params["acquire"]["source"]),
        form=FORMAT_VERSION,
        processor=_as_json(_processor()),
    )


def commit_working_tree(root: Path) -> str:
    """Return a commit that holds the tracked files and all sources exactly as they are on disk.

    That is HEAD if nothing differs from it, otherwise a new commit on top of it that no branch
    points to; NO_COMMIT for a folder that is not a clone or has no commit yet. The same files on
    the same HEAD always give the same commit; refs/hemline/runs/<its first 12 digits> points to it.
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
    commit = head if tree == head_tree else _commit_tree(root, tree, head, born)
    _git(root, "update-ref", run_ref(commit), commit)
    return commit


def _commit_tree(root: Path, tree: str, head: str, born: str) -> str:
    """Return the commit of a tree on top of head, dated like it."""
    date = f"@{born} +0000"
    dated = {**_IDENTITY, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    message = "The working tree a model was trained from"
    return _git(root, "commit-tree", tree, "-p", head, "-m", message, extra=dated)


def _is_clone(root: Path) -> bool:
    """Return whether root itself, not a folder around it, is a clone with a commit."""
    command = ["git", "rev-parse", "--show-toplevel", "--verify", "HEAD"]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return not answer.returncode and Path(answer.stdout.splitlines()[0]).samefile(root)


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


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _processor() -> dict[str, str]:
    """Return the variables with which stages compute as they do here: the last bits depend on them.

    Stages use what every processor with AVX2 has, unless the user or an older processor says no.
    """
    if os.environ.get(processor.NATIVE) != "1" and processor.has_avx2():
        return {processor.NATIVE: "0"}
    from threadpoolctl import threadpool_info  # noqa: PLC0415  (needed once per training)

    blas = next(library for library in threadpool_info() if library["user_api"] == "blas")
    return {processor.NATIVE: "1", **kernel_variables(blas)}


def _as_json(texts: Mapping[str, str]) -> str:
    return json.dumps(texts, sort_keys=True)


def _digest(content: Mapping[str, Any]) -> str:
    lines = "\n".join(f"{name} {content[name]}" for name in sorted(content))
    return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()
