"""The command line, against the champion of a tiny trained project."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from hemline.cli import app


@pytest.fixture
def shop(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def hemline(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


@pytest.mark.usefixtures("shop")
def test_a_stranger_is_answered_as_json_with_the_version() -> None:
    asked = hemline("recommend", "--age", "25", "--fn", "-n", "4", "--json")
    assert asked.exit_code == 0
    answer = json.loads(asked.stdout)
    assert int(answer["version"]) >= 1
    assert [row["rank"] for row in answer["answers"]] == [1, 2, 3, 4]


def test_a_customer_is_answered_as_a_table_that_names_the_champion(shop: Path) -> None:
    customer = pd.read_parquet(shop / "data/tables/customer_keys.parquet")["customer_id"][0]
    asked = hemline("recommend", "--customer", customer[:16], "-n", "2")
    assert asked.exit_code == 0
    assert "champion: version " in asked.stdout
    assert "fitted up to 2020-" in asked.stdout


def test_similar_and_also_bought_answer_for_an_article(shop: Path) -> None:
    article = pd.read_parquet(shop / "data/tables/articles.parquet")["article_id"][0]
    for command in ("similar", "also-bought"):
        asked = hemline(command, "--article", article, "-n", "3", "--json")
        assert asked.exit_code == 0
        assert len(json.loads(asked.stdout)["answers"]) <= 3


@pytest.mark.usefixtures("shop")
def test_a_refusal_is_short_and_ends_with_status_1() -> None:
    refused = hemline("recommend", "--age", "203")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[0] == "rule:  an age lies between 16 and 99"
    both = hemline("recommend", "--customer", "0" * 64, "--age", "25")
    assert both.exit_code == 1
    assert "both" in both.stderr


def test_a_folder_without_a_registry_is_told_to_train_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    refused = hemline("recommend")
    assert refused.exit_code == 1
    assert "make demo" in refused.stderr
    assert list(tmp_path.iterdir()) == []
