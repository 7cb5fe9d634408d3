"""The registry beside what the flow tests show: the model as MLflow serves it, and going back."""

import hashlib
import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from flows.locked_outputs import require_as_locked
from flows.project import Project
from flows.trace_lineage import trace
from hemline import processor
from hemline.errors import BadInput
from hemline.evaluation.gate.gate_verdict import GateVerdict
from hemline.evaluation.gate.guardrails import GateParams
from hemline.registry.champions import promote
from hemline.registry.lineage import lineage_of
from hemline.registry.promotion import judge_challenger
from hemline.registry.runs import Lineage
from hemline.registry.versions import (
    MODEL,
    ROLLED_BACK,
    Version,
    champion_now,
    load_champion,
    load_version,
    register_challenger,
    set_champion,
    version_by_alias,
)
from hemline.segments.cold_customers import ColdCustomer
from hemline.storefront import Storefront
from tests.tiny_project import run


def judged(root: Path, version: Version) -> GateVerdict:
    project = Project.at(root)
    return judge_challenger(
        version,
        project.test_week(),
        project.root / project.reports / "fairness" / "gaps.csv",
        GateParams.load(project.params),
        n_samples=10,
        rng=np.random.default_rng(7),
    )


@pytest.mark.usefixtures("trained")
def test_a_version_loaded_by_mlflow_recommends_as_the_storefront_does() -> None:
    _, champion = load_champion()
    loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    keys = pd.read_parquet(champion.files.customer_keys)["customer_id"]
    queries = pd.DataFrame({"customer_id": [keys[0], None], "age": [None, 25.0]})
    lists = loaded.predict(queries, params={"k": 3})
    assert lists["query"].tolist() == [0, 0, 0, 1, 1, 1]
    first = lists[lists["query"] == 0].drop(columns="query").reset_index(drop=True)
    pd.testing.assert_frame_equal(first, champion.for_customer(keys[0], 3))


@pytest.mark.usefixtures("trained")
def test_no_file_of_a_version_is_a_pickle() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}/{champion.number}"))
    endings = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert endings.isdisjoint({".pkl", ".pickle", ".joblib", ".pt", ".pth"})


@pytest.mark.usefixtures("trained")
def test_an_empty_request_or_list_is_refused() -> None:
    loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    queries = pd.DataFrame({"age": [25.0]})
    with pytest.raises(BadInput, match="k lies between 1 and 500"):
        loaded.predict(queries, params={"k": 0})
    with pytest.raises(BadInput, match="at least one"):
        loaded.predict(queries.iloc[:0])


@pytest.mark.usefixtures("trained")
def test_the_champion_can_be_set_by_hand_and_back() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    fields = {name: champion.tags[name] for name in Lineage.__dataclass_fields__}
    other = register_challenger(champion.run_id, Lineage(**{**fields, "models_hash": "other"}))
    set_champion(other.number)
    changed = version_by_alias("champion")
    set_champion(champion.number)
    assert changed is not None
    assert changed.number == other.number
    assert load_champion()[0].number == champion.number


def test_a_champion_of_an_older_format_is_refused_and_gives_way(trained: Path) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    fields = {name: champion.tags[name] for name in Lineage.__dataclass_fields__}
    older = register_challenger(
        champion.run_id, Lineage(**{**fields, "models_hash": "older", "form": "1"})
    )
    set_champion(older.number)
    try:
        with pytest.raises(BadInput, match="the format this code reads"):
            load_champion()
        verdict = judged(trained, champion)
    finally:
        set_champion(champion.number)
    assert verdict.promotes
    assert "older format" in verdict.reason
    measured = {guardrail.name: guardrail.value for guardrail in verdict.guardrails}
    assert set(measured) == {"popularity", "cold_start_popularity", "fairness_gap", "latency"}
    assert measured["latency"] is not None
    assert measured["latency"] > 0


def test_a_version_that_was_rolled_back_is_rejected_unmeasured(trained: Path) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    tags = {**champion.tags, ROLLED_BACK: "2020-09-20: too much swimwear"}
    verdict = judged(trained, Version(champion.number, champion.run_id, tags))
    assert not verdict.promotes
    assert "too much swimwear" in verdict.reason
    assert verdict.map_at_12 is None


def test_a_lineage_names_every_table_and_model_and_the_commands_that_make_them(
    trained: Path,
) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    lineage = lineage_of(champion, trained)
    transactions = (trained / "data/tables/transactions.parquet").read_bytes()
    md5 = hashlib.md5(transactions, usedforsecurity=False).hexdigest()
    assert lineage.tables["transactions"] == md5
    assert "models/cvae" in lineage.files
    assert lineage.params["synthetic.size"] == "tiny"
    assert lineage.commands[0] == f"git clone {trained} hemline-version-{champion.number}"
    assert f"git checkout --detach {champion.tags['git_commit']}" in lineage.commands


@pytest.mark.skipif(not processor.has_avx2(), reason="the processor has no AVX2")
def test_a_version_is_made_again_with_the_instructions_its_stages_used(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = version_by_alias("champion")
    assert champion is not None

    def again(**tags: str) -> str:
        version = Version(champion.number, champion.run_id, {**champion.tags, **tags})
        return next(line for line in lineage_of(version, trained).commands if "dvc repro" in line)

    repro = "PATH=.venv/bin:$PATH dvc repro"
    assert again() == f"HEMLINE_NATIVE_CPU=0 {repro}"
    monkeypatch.setenv(processor.NATIVE, "1")
    all_it_has = trace(trained, tables=Path("data/tables"), version_files=()).processor
    kernels = json.loads(all_it_has)["OPENBLAS_CORETYPE"]
    threads = json.loads(all_it_has)["OMP_NUM_THREADS"]
    variables = f"HEMLINE_NATIVE_CPU=1 OMP_NUM_THREADS={threads} OPENBLAS_CORETYPE={kernels}"
    assert again(processor=all_it_has) == f"{variables} {repro}"


def test_a_version_of_an_earlier_hemline_is_made_again_with_the_kernels_it_names(
    trained: Path,
) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    tags = {name: text for name, text in champion.tags.items() if name != "processor"}
    blas = {"internal_api": "openblas", "architecture": "SkylakeX", "num_threads": 2}
    earlier = Version(champion.number, champion.run_id, {**tags, "blas": json.dumps(blas)})
    assert lineage_of(earlier, trained).processor == {
        "OPENBLAS_CORETYPE": "SkylakeX",
        "OMP_NUM_THREADS": "2",
    }


def test_the_printed_commands_reach_the_commit_of_a_version_in_a_fresh_clone(
    trained: Path, tmp_path: Path
) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    git_only = [line for line in lineage_of(champion, trained).commands if line.startswith("git")]
    *steps, unchanged = [shlex.split(line) for line in git_only]
    folder = tmp_path / steps[0][-1]
    run(tmp_path, *steps[0])
    for step in steps[1:]:
        run(folder, *step)
    run(folder, *unchanged[: unchanged.index("&&")])
    lock = (folder / "dvc.lock").read_bytes()
    assert hashlib.md5(lock, usedforsecurity=False).hexdigest() == champion.tags["dvc_lock"]


def test_a_lineage_outside_git_or_of_an_earlier_hemline_promises_nothing(trained: Path) -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    nowhere = Version(champion.number, champion.run_id, {**champion.tags, "git_commit": "none"})
    assert lineage_of(nowhere, trained).commands == []
    earlier = {name: tag for name, tag in champion.tags.items() if name != "file_hashes"}
    with pytest.raises(BadInput, match="an earlier Hemline registered"):
        lineage_of(Version(champion.number, champion.run_id, earlier), trained)


@pytest.mark.usefixtures("trained")
def test_an_alias_nobody_has_is_none() -> None:
    assert version_by_alias("pretender") is None


@pytest.fixture
def stored(trained: Path, tmp_path: Path) -> Iterator[Storefront]:
    """The champion as the registry has it, whose files a test may damage."""
    version, storefront = load_champion()
    assert trained in storefront.files.models.parents
    store = storefront.files.models.parents[1]
    shutil.copytree(store, tmp_path / "store")
    yield load_version(version)
    shutil.rmtree(store, ignore_errors=True)  # a test may have removed it
    shutil.copytree(tmp_path / "store", store)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_every_file_of_a_version_is_registered_with_its_hash(stored: Storefront) -> None:
    files = stored.files.by_place()
    assert len(files) > 30
    stored.require_intact()
    for place, path in files.items():
        before = path.read_bytes()
        flip(path)
        with pytest.raises(BadInput) as refusal:
            stored.require_intact()
        assert refusal.value.found.startswith(f"{place}: ")
        path.write_bytes(before)


def test_only_the_files_that_are_needed_are_checked(stored: Storefront) -> None:
    files = stored.files
    customer = str(stored.customer_ids()[0])
    flip(files.histories)
    assert len(stored.for_cold_customer(ColdCustomer(age=25), 3)) == 3
    flip(files.models / "als" / "vectors.npy")
    with pytest.raises(BadInput, match=r"histories\.npz"):
        load_champion()[1].for_customer(customer, 3)
    with pytest.raises(BadInput, match="models/als"):
        stored.recommender(("als",))
    flip(files.models / "tfidf" / "scores.npy")
    with pytest.raises(BadInput, match="models/tfidf"):
        stored.recommender(("tfidf",))


def test_mlflow_serves_no_answer_from_a_damaged_file(stored: Storefront) -> None:
    flip(stored.files.models / "cvae" / "weights.npz")
    loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    with pytest.raises(BadInput, match="the files of this version"):
        loaded.predict(pd.DataFrame({"age": [25.0]}), params={"k": 3})


def test_a_damaged_version_is_neither_judged_nor_promoted_nor_taken_for_registered(
    stored: Storefront, trained: Path
) -> None:
    champion = champion_now()
    fields = {name: champion.tags[name] for name in Lineage.__dataclass_fields__}
    other = register_challenger(champion.run_id, Lineage(**{**fields, "models_hash": "damaged"}))
    flip(stored.files.models / "rank" / "trees.txt")
    with pytest.raises(BadInput, match=r"models/rank/trees\.txt"):
        judged(trained, other)
    with pytest.raises(BadInput, match=r"models/rank/trees\.txt"):
        promote(other.number, reason="it is new", at=datetime.now(UTC))
    assert champion_now().number == champion.number


def test_a_version_without_its_description_is_refused(stored: Storefront) -> None:
    description = stored.files.models.parents[1] / "MLmodel"
    for damage in (b"flavors: [", b"flavors: {}", b"\xff\xfe\xff"):
        description.write_bytes(damage)
        with pytest.raises(BadInput, match="described in MLmodel"):
            load_champion()
    shutil.rmtree(description.parent)
    with pytest.raises(BadInput, match="described in MLmodel"):
        load_champion()


def test_outputs_that_differ_from_dvc_lock_are_not_recorded(trained: Path) -> None:
    # A test of this project may have left the page of broken rules.
    run(trained, sys.executable, "-m", "dvc", "checkout", "--force", "data/validation")
    require_as_locked(trained)
    gaps = trained / "reports" / "fairness" / "gaps.csv"
    before = gaps.read_bytes()
    flip(gaps)
    try:
        with pytest.raises(BadInput, match="reports/fairness") as refusal:
            require_as_locked(trained)
        assert "dvc checkout" in refusal.value.fix
    finally:
        gaps.write_bytes(before)
    require_as_locked(trained)
