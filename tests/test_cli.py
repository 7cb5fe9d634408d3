"""The command line, against the champion of a tiny trained project."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from hemline.cli import app
from hemline.registry.runs import Lineage
from hemline.registry.versions import register_challenger, version_by_alias
from tests.serving.test_layout import HEAVY


@pytest.fixture
def shop(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def hemline(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


@pytest.mark.usefixtures("shop")
def test_a_cold_customer_gets_a_list_as_json_with_the_version() -> None:
    result = hemline("recommend", "--age", "25", "--fn", "-n", "4", "--json")
    assert result.exit_code == 0
    output = json.loads(result.stdout)
    assert int(output["version"]) >= 1
    assert [row["rank"] for row in output["answers"]] == [1, 2, 3, 4]


def test_a_customer_gets_a_table_that_names_the_champion(shop: Path) -> None:
    customer = pd.read_parquet(shop / "data/tables/customer_keys.parquet")["customer_id"][0]
    result = hemline("recommend", "--customer", customer[:16], "-n", "2")
    assert result.exit_code == 0
    assert "champion: version " in result.stdout
    assert "fitted up to 2020-" in result.stdout


def test_recommend_imports_nothing_that_only_other_commands_need(shop: Path) -> None:
    script = "from hemline.cli import app; app(prog_name='hemline', standalone_mode=False)"
    seen = f"{script}; import sys; print(*sorted(set({HEAVY}) & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", seen, "recommend", "--age", "25", "--json"],
        cwd=shop,
        capture_output=True,
        text=True,
        check=True,
    )
    *answer, imported = done.stdout.splitlines()
    assert len(json.loads("\n".join(answer))["answers"]) > 0
    assert imported == ""


def test_similar_and_also_bought_list_articles(shop: Path) -> None:
    article = pd.read_parquet(shop / "data/tables/articles.parquet")["article_id"][0]
    for command in ("similar", "also-bought", "other-colours"):
        result = hemline(command, "--article", article, "-n", "3", "--json")
        assert result.exit_code == 0
        assert len(json.loads(result.stdout)["answers"]) <= 3


def products_of(answers: str, articles: pd.DataFrame) -> list[str]:
    product_of = articles.set_index("article_id")["product_code"]
    return [product_of[one["article_id"]] for one in json.loads(answers)["answers"]]


def test_lists_have_one_colour_of_each_product_unless_all_are_wanted(shop: Path) -> None:
    articles = pd.read_parquet(shop / "data/tables/articles.parquet")
    size = articles.groupby("product_code")["article_id"].transform("size")
    article = articles.loc[size.idxmax(), "article_id"]
    similar = ("similar", "--article", article, "-n", "20", "--json")
    one = products_of(hemline(*similar).stdout, articles)
    every = products_of(hemline(*similar, "--all-colours").stdout, articles)
    assert len(set(one)) == len(one) > 0
    assert article[:7] not in one
    assert every.count(article[:7]) > 1
    guest = ("recommend", "--age", "25", "-n", "40", "--json")
    listed = products_of(hemline(*guest).stdout, articles)
    assert len(set(listed)) == len(listed)
    assert hemline(*guest, "--all-colours").exit_code == 0
    assert hemline("also-bought", "--article", article, "--all-colours").exit_code == 0


def test_every_customer_is_exported_and_an_unknown_version_is_refused(
    shop: Path, tmp_path: Path
) -> None:
    arguments = ["export", "--folder", str(tmp_path / "lists"), "--model", "popularity", "-n", "3"]
    refused = hemline(*arguments, "--version", "99")
    assert refused.exit_code == 1
    assert "found: 99; the registry has" in refused.stderr
    exported = hemline(*arguments)
    assert exported.exit_code == 0
    assert "customers: " in exported.stdout
    customers = pd.read_parquet(shop / "data/tables/customers.parquet")["customer_id"]
    submission = pd.read_csv(tmp_path / "lists/submission.csv", dtype=str)
    assert submission["customer_id"].tolist() == customers.tolist()
    assert submission["prediction"].str.split(" ").str.len().eq(3).all()


@pytest.mark.usefixtures("shop")
def test_a_refusal_is_short_and_ends_with_status_1() -> None:
    refused = hemline("recommend", "--age", "203")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[1] == "rule:  an age lies between 16 and 99"
    both = hemline("recommend", "--customer", "0" * 64, "--age", "25")
    assert both.exit_code == 1
    assert "both" in both.stderr


FLOWS = ("demo", "real", "train", "monitor", "replay", "ui", "deploy", "notify")


def test_help_lists_every_command_in_its_group() -> None:
    groups = hemline("--help").stdout.split("─ ")
    assert all(f" {name} " in groups[2] for name in (*FLOWS, "backtest"))
    assert all(f" {name} " in groups[3] for name in ("recommend", "similar", "export"))
    assert all(f" {name} " in groups[4] for name in ("history", "promote", "rollback", "lineage"))


@pytest.mark.parametrize("name", [*FLOWS, "backtest"])
def test_a_folder_that_is_no_project_is_refused_and_left_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = hemline(name, *(["--data", "."] if name == "real" else []))
    assert refused.exit_code == 1
    rule, observed, fix = refused.stderr.strip().splitlines()
    assert rule.startswith("rule:  the command runs in a Hemline project")
    assert str(tmp_path) in observed
    assert fix.startswith("fix:   change to the folder")
    assert list(tmp_path.iterdir()) == []


def test_a_flow_takes_the_place_of_hemline_with_options_environment_and_status(
    tmp_path: Path,
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "__init__.py").touch()
    (tmp_path / "dvc.yaml").touch()
    script = "import os, sys; print(sys.argv[1:], os.environ['PREFECT_HOME']); sys.exit(7)"
    (tmp_path / "flows" / "train.py").write_text(script)
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_HOME"}
    for arguments, options in (
        (("demo", "--size", "tiny"), ["--source", "synthetic", "--size", "tiny"]),
        (("real", "--data", "files"), ["--data", "files"]),
        (("train", "--cut", "latest", "--help"), ["--cut", "latest", "--help"]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", "from hemline.cli import app; app()", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 7, done.stderr
        assert done.stdout == f"{options} {tmp_path / '.hemline' / 'prefect'}\n"


def test_a_folder_without_a_registry_is_refused_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for command in (
        ["recommend"],
        ["export"],
        ["history"],
        ["lineage"],
        ["promote", "1", "--reason", "a guess"],
        ["rollback", "--reason", "a guess"],
    ):
        refused = hemline(*command)
        assert refused.exit_code == 1
        assert "make demo" in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("shop")
def test_history_shows_versions_with_their_verdicts_and_the_changes_of_champion() -> None:
    listed = json.loads(hemline("history", "--json").stdout)
    first = listed["versions"][0]
    assert first["version"] == "1"
    assert first["verdict"] == "promoted"
    assert first["reason"].startswith("there was no champion to compare with")
    assert float(first["MAP@12"]) >= 0
    assert listed["changes"][0]["previous"] == "none"
    shown = hemline("history")
    assert shown.exit_code == 0
    assert "version 1: there was no champion to compare with" in shown.stdout


@pytest.mark.usefixtures("shop")
def test_promoting_and_rolling_back_need_a_reason_and_a_version_to_go_to() -> None:
    champion = json.loads(hemline("lineage", "--json").stdout)["version"]
    for refused, message in (
        (hemline("promote", "99", "--reason", "a guess"), "found: 99; the registry has"),
        (hemline("promote", champion, "--reason", "a habit"), "is the champion"),
        (hemline("rollback", "--reason", ""), "has a reason"),
        (hemline("lineage", "--version", "99"), "found: 99; the registry has"),
    ):
        assert refused.exit_code == 1
        assert message in refused.stderr
    assert hemline("promote", champion).exit_code == 2


@pytest.mark.usefixtures("shop")
def test_a_promoted_version_recommends_until_it_is_rolled_back() -> None:
    champion = version_by_alias("champion")
    assert champion is not None
    fields = {name: champion.tags[name] for name in Lineage.__dataclass_fields__}
    other = register_challenger(champion.run_id, Lineage(**{**fields, "models_hash": "promoted"}))
    promoted = hemline("promote", other.number, "--reason", "for the spring sale")
    assert promoted.exit_code == 0
    output = json.loads(hemline("recommend", "--age", "25", "--json").stdout)
    rolled_back = hemline("rollback", "--reason", "it is autumn")
    assert output["version"] == other.number
    assert f"champion: version {champion.number}, previously {other.number}" in rolled_back.stdout
    listed = json.loads(hemline("history", "--json").stdout)
    assert [change["reason"] for change in listed["changes"][-2:]] == [
        "for the spring sale",
        "it is autumn",
    ]
    assert listed["versions"][-1]["verdict"] == "not judged yet, rolled back"
    assert "it is autumn" in listed["versions"][-1]["reason"]


@pytest.mark.usefixtures("shop")
def test_lineage_shows_hashes_and_the_commands_that_bring_a_version_back() -> None:
    shown = hemline("lineage")
    assert shown.exit_code == 0
    assert "models/cvae" in shown.stdout
    assert "git fetch origin refs/hemline/runs/" in shown.stdout
    assert "dvc repro" in shown.stdout
