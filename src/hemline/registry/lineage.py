"""Where a version came from, and the commands that reproduce it.

Everything is in the tags of the version. The commands need nothing but the clone the training ran
in: its commit is fetched by the ref that the training left there, and `dvc repro` makes every file
again from the raw data. Stages use what every processor with AVX2 has, so that the same files come
out. Where they used all that their own processor had, kernels and threads are set as they were,
which helps on processors with the same instructions.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hemline.errors import BadInput
from hemline.registry.mlflow_client import client
from hemline.registry.versions import Version

_OPENBLAS: Final = "openblas"
_SHOWN_SECTIONS: Final = ("data.", "acquire.", "synthetic.", "cluster.n_clusters", "serve.")


@dataclass(frozen=True)
class VersionLineage:
    """What a version was made from.

    Attributes:
        version: its number.
        cut: its cut.
        source: synthetic or kaggle.
        run_id: of the MLflow run.
        git_commit: holds code, params.yaml and dvc.lock.
        dvc_lock: md5 of dvc.lock.
        data_hash: of all tables.
        tables: md5 of each table, by name.
        models_hash: of all files of the version; its identity.
        files: md5 of each file or folder of the version by path, from dvc.lock.
        processor: variables with which stages compute as they did.
        params: the most important parameters, by name.
        commands: reproduce the version, run in an empty folder.
    """

    version: str
    cut: str
    source: str
    run_id: str
    git_commit: str
    dvc_lock: str
    data_hash: str
    tables: dict[str, str]
    models_hash: str
    files: dict[str, str]
    processor: dict[str, str]
    params: dict[str, str]
    commands: list[str]


def lineage_of(version: Version, clone: Path) -> VersionLineage:
    """Return the lineage of a version.

    Args:
        version: a registered version.
        clone: the git clone it was trained in.

    Raises:
        BadInput: the version was registered before its hashes were recorded.
    """
    tags = version.tags
    if "file_hashes" not in tags:
        raise BadInput(
            "a version has the hashes of its files as tags",
            found=f"none on version {version.number}, which an earlier Hemline registered",
            fix=f"check out its commit, {tags['git_commit']}, and compare dvc.lock by hand",
        )
    processor = _processor(tags)
    return VersionLineage(
        version=version.number,
        cut=version.cut.isoformat(),
        source=tags["source"],
        run_id=version.run_id,
        git_commit=tags["git_commit"],
        dvc_lock=tags["dvc_lock"],
        data_hash=tags["data_hash"],
        tables=json.loads(tags["table_hashes"]),
        models_hash=tags["models_hash"],
        files=json.loads(tags["file_hashes"]),
        processor=processor,
        params=_params(version.run_id),
        commands=_commands(version, clone, processor),
    )


def run_ref(git_commit: str) -> str:
    """Return the git ref that protects the commit of a training in the clone it ran in."""
    return f"refs/hemline/runs/{git_commit[:12]}"


def kernel_variables(blas: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that set kernels and threads; of OpenBLAS, others choose by themselves.

    OMP_NUM_THREADS, because OpenBLAS, torch and LightGBM all read it.

    Args:
        blas: what threadpoolctl says of the library.
    """
    if blas.get("internal_api") != _OPENBLAS:
        return {}
    return {
        "OPENBLAS_CORETYPE": str(blas["architecture"]),
        "OMP_NUM_THREADS": str(blas["num_threads"]),
    }


def _params(run_id: str) -> dict[str, str]:
    recorded = client().get_run(run_id).data.params
    return {name: recorded[name] for name in sorted(recorded) if name.startswith(_SHOWN_SECTIONS)}


def _commands(version: Version, clone: Path, processor: Mapping[str, str]) -> list[str]:
    """Return the commands, or none for a version that was trained outside git."""
    commit = version.tags["git_commit"]
    if commit == "none":
        return []
    folder = f"hemline-version-{version.number}"
    variables = "".join(f"{name}={shlex.quote(value)} " for name, value in processor.items())
    files = (
        "link your files into the first folder that stage acquire of dvc.yaml depends on "
        "(dvc.lock has their hashes)"
    )
    return [
        f"git clone {shlex.quote(str(clone))} {folder}",
        f"cd {folder}",
        f"git fetch origin {run_ref(commit)}",
        f"git checkout --detach {commit}",
        "make .venv/installed",
        *([f"# {files}"] if version.tags["source"] != "synthetic" else []),
        f"{variables}PATH=.venv/bin:$PATH dvc repro",
        "git diff --exit-code dvc.lock && echo every file is identical",
    ]


def _processor(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a version; the stages of an earlier Hemline used all there was."""
    if "processor" not in tags:
        return kernel_variables(json.loads(tags["blas"]))
    variables: dict[str, str] = json.loads(tags["processor"])
    return variables
