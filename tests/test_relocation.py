"""MLflow's database in a project that was moved, renamed, copied, linked or damaged."""

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModelOutput
from mlflow.tracking._tracking_service import utils as per_process

from hemline import relocation
from hemline.errors import BadInput
from hemline.registry.mlflow_client import client
from hemline.relocation import (
    DATABASE,
    claim_registry,
    database_url,
    require_plain_environment,
)

HOSTILE = "shop? #1 100%20 & 'sons' [x] \u00e4\u00f6 ;{a}*"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose registry holds a run, a model and a version of it."""
    root = tmp_path_factory.mktemp("template") / "first"
    with pytest.MonkeyPatch.context() as patch:
        _open(root, patch)
        store = (_state(root) / "mlartifacts").as_uri()
        experiment = MlflowClient().create_experiment("hemline", artifact_location=store)
        run = MlflowClient().create_run(experiment).info.run_id
        MlflowClient().log_text(run, "of the first", "note.txt")
        model = MlflowClient().create_logged_model(experiment, name="hemline", source_run_id=run)
        MlflowClient().log_outputs(run, [LoggedModelOutput(model.model_id, 0)])
        with closing(sqlite3.connect(_state(root) / DATABASE)) as database:
            [(place,)] = database.execute("SELECT artifact_location FROM logged_models")
        Path(place.removeprefix("file://")).mkdir(parents=True)
        (Path(place.removeprefix("file://")) / "MLmodel").write_text("of the first")
        MlflowClient().create_registered_model("hemline")
        MlflowClient().create_model_version("hemline", f"models:/{model.model_id}", run)
    return root


@pytest.fixture
def original(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template that has become a project of its own."""
    root = tmp_path / "original"
    shutil.copytree(template, root)
    _open(root, monkeypatch)
    return root


@pytest.mark.parametrize("name", ["plain", HOSTILE, "a%3Fb", "\u00fc" * 40])
def test_a_copy_reads_and_writes_its_own_files_only(
    name: str, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = original.with_name(name)
    shutil.copytree(original, copy)
    for file in _state(original).rglob("*.txt"):
        file.write_text("what the original became")
    before = _contents(original)
    _open(copy, monkeypatch)
    assert _note() == "of the first"
    assert _model() == "of the first"
    MlflowClient().log_text(_run(), "of the copy", "copy.txt")
    assert [path.name for path in _state(copy).rglob("copy.txt")] == ["copy.txt"]
    assert _contents(original) == before
    assert not Path("file:").exists()  # MLflow's reading of a URI as a relative path
    shutil.rmtree(original)
    assert (_note(), _model()) == ("of the first", "of the first")


def test_a_moved_registry_names_its_former_folder_nowhere(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = original.rename(original.with_name(HOSTILE))
    _open(moved, monkeypatch)
    assert not list(_texts_with(moved, str(original)))
    assert len(list(_texts_with(moved, (_state(moved) / "mlartifacts").as_uri()))) == 4
    back = moved.rename(original)
    _open(back, monkeypatch)
    assert (_note(), _model()) == ("of the first", "of the first")


def test_claiming_again_changes_nothing(original: Path) -> None:
    before = _contents(original)
    claim_registry(_state(original))
    assert _contents(original) == before


def test_many_processes_may_claim_at_once(original: Path) -> None:
    moved = original.rename(original.with_name("moved"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(claim_registry, [_state(moved)] * 8))
    assert not list(_texts_with(moved, str(original)))


def test_a_claim_that_ends_midway_has_changed_nothing(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = original.rename(original.with_name("moved"))
    before = _contents(moved)
    columns = (*relocation.LOCATIONS, ("runs", "no_such_column"))
    with monkeypatch.context() as patch:
        patch.setattr(relocation, "LOCATIONS", columns)
        with pytest.raises(sqlite3.OperationalError, match="no_such_column"):
            claim_registry(_state(moved))
    assert _contents(moved) == before
    claim_registry(_state(moved))
    assert not list(_texts_with(moved, str(original)))


def test_files_that_lie_elsewhere_stay_there(original: Path, tmp_path: Path) -> None:
    neighbour = f"{_state(original).as_uri()}/mlartifacts-of-another/runs"
    with closing(sqlite3.connect(_state(original) / DATABASE)) as database:
        database.execute("UPDATE runs SET artifact_uri = ?", (neighbour,))
        database.commit()
    moved = original.rename(tmp_path / "moved")
    claim_registry(_state(moved))
    assert list(_texts_with(moved, neighbour)) == [neighbour]


def test_a_folder_seen_under_another_path_is_not_a_copy(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = original.rename(original.with_name("moved"))
    original.symlink_to(moved)
    before = _contents(moved)
    _open(moved, monkeypatch)
    _open(original, monkeypatch)
    assert _contents(moved) == before
    original.unlink()
    _open(moved, monkeypatch)
    assert _note() == "of the first"


def test_a_copy_of_hard_links_leaves_the_original_alone(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = original.with_name("copy")
    shutil.copytree(original, copy, copy_function=os.link)
    before = _contents(original)
    _open(copy, monkeypatch)
    MlflowClient().set_tag(_run(), "new", "of the copy")
    assert _contents(original) == before


def test_a_database_without_its_files_is_refused(original: Path, tmp_path: Path) -> None:
    alone = _state(tmp_path / "alone")
    alone.mkdir(parents=True)
    shutil.copy(_state(original) / DATABASE, alone)
    with pytest.raises(BadInput, match="no folder ") as refused:
        claim_registry(alone)
    assert str(_state(original) / "mlartifacts") in refused.value.fix


def _overwrite(path: Path, content: bytes, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def _drop_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE something_else (number)")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "an empty file, while"),
    "text": (lambda path: path.write_text("version https://git-lfs\n" * 99), "not a database"),
    "zeros": (lambda path: path.write_bytes(bytes(1 << 16)), "not a database"),
    "half": (lambda path: os.truncate(path, path.stat().st_size // 2), "malformed"),
    "a page": (lambda path: os.truncate(path, 4096), "malformed"),
    "a few bytes": (lambda path: os.truncate(path, 50), "malformed"),
    "a page of zeros": (lambda path: _overwrite(path, bytes(4096), 8 * 4096), "damaged|malformed"),
    "another database": (_drop_tables, "without the table .* something_else"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_database_is_refused_by_name_and_left_alone(name: str, original: Path) -> None:
    damage, found = DAMAGES[name]
    path = _state(original) / DATABASE
    damage(path)
    before = _contents(original)
    with pytest.raises(BadInput, match=found) as refused:
        claim_registry(_state(original))
    assert str(path) in refused.value.rule
    assert f"mv {path}" in refused.value.fix
    assert "hemline train" in refused.value.fix
    assert _contents(original) == before


def test_an_empty_database_of_a_first_run_that_was_killed_is_new(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    claim_registry(tmp_path)


def test_an_environment_whose_path_mlflow_cannot_read_is_refused(tmp_path: Path) -> None:
    require_plain_environment(tmp_path / "100 # ? ä")
    with pytest.raises(BadInput, match="holds no %") as refusal:
        require_plain_environment(tmp_path / "100%20" / ".venv")
    assert "100%20" in refusal.value.found


def test_a_locked_database_is_refused(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relocation, "_WAIT_SECONDS", 0)
    path = _state(original) / DATABASE
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BadInput, match="another process has locked it"):
            claim_registry(_state(original))
    claim_registry(_state(original))


@pytest.mark.parametrize(
    ("revision", "found"),
    [("0123456789ab", "a later MLflow"), ("451aebb31d03", "an earlier MLflow")],
)
def test_tables_of_another_mlflow_are_refused(
    revision: str, found: str, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = original.rename(original.with_name(f"by {found}"))  # MLflow caches by address
    with closing(sqlite3.connect(_state(other) / DATABASE)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()
    _open(other, monkeypatch)
    with pytest.raises(BadInput, match=rf"{found} \(schema {revision}\)") as refused:
        client()
    assert str(other) in str(refused.value)


def _state(root: Path) -> Path:
    return root / ".hemline"


def _open(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _state(root).mkdir(parents=True, exist_ok=True)
    claim_registry(_state(root).resolve())
    per_process._artifact_repos_cache.clear()  # noqa: SLF001  (elsewhere a process has one project)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database_url(_state(root).resolve() / DATABASE))


def _run() -> str:
    experiment = MlflowClient().get_experiment_by_name("hemline")
    assert experiment is not None
    [run] = MlflowClient().search_runs([experiment.experiment_id])
    return str(run.info.run_id)


def _note() -> str:
    return Path(download_artifacts(run_id=_run(), artifact_path="note.txt")).read_text()


def _model() -> str:
    return (Path(download_artifacts("models:/hemline/1")) / "MLmodel").read_text()


def _contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _texts_with(root: Path, part: str) -> Iterator[str]:
    """Yield every stored text that holds a path or an address, whatever its column."""
    with closing(sqlite3.connect(_state(root) / DATABASE)) as database:
        for line in database.iterdump():
            yield from re.findall(f"'([^']*{re.escape(part)}[^']*)'", line)
