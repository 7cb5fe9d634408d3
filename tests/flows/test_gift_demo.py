"""`make demo SHOP=gifts` at tiny size: an export of another kind, from till to champion."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hemline import columns, environment
from hemline.cli.flow_commands import gift_shop
from hemline.errors import BadInput
from tests.processes import free_ports
from tests.servers import server_environment
from tests.tiny_project import change_params, commit_all, copy_project, run

pytestmark = pytest.mark.slow

Hemline = Callable[..., str]
FEWER = {
    ("gate", "max_first_loss"): 0.05,
    ("cluster", "elbow_max"): 5,
    ("fairness", "max_customers"): 50,
    ("cvae", "max_epochs"): 15,
    ("cvae", "final_epochs"): 10,
    ("rank", "training_weeks"): 3,
    ("serve", "warm"): "chosen",
    ("serve", "cold"): "chosen",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_project(tmp_path_factory.mktemp("gifts") / "project")
    change_params(root, FEWER)
    commit_all(root)
    return root


@pytest.fixture(scope="module")
def hemline(root: Path) -> Hemline:
    home = root / ".hemline" / "prefect"
    home.mkdir(parents=True)
    own = server_environment(home, free_ports(1)[0]) | environment.defaults(root)
    own.pop("PREFECT_API_URL", None)
    command = str(Path(sys.executable).with_name("hemline"))
    return lambda *arguments: run(root, command, *arguments, env=own)


@pytest.fixture(scope="module")
def shown(hemline: Hemline) -> str:
    return hemline("demo", "--shop", "gifts", "--size", "tiny")


def test_it_ends_with_a_champion_and_says_which_model_serves(shown: str, hemline: Hemline) -> None:
    assert "basket_pattern: '^C'" in shown
    assert "monitor.steady: price removed: in " in shown, "the shop has a sale every January"
    assert "recommend --age" not in shown, "it knows no ages"
    history = json.loads(hemline("history", "--json"))
    assert [change["how"] for change in history["changes"]] == ["gate"]
    assert "popularity alone serves until" in shown
    assert [one["version"] for one in history["versions"]] == ["1"], "what it chose is popularity"
    listed = hemline("recommend", "--age", "30")
    assert "popularity" in listed


def test_past_weeks_choose_what_serves_and_say_why(shown: str, root: Path) -> None:
    assert shown
    scored = pd.read_parquet(root / "reports" / "past_scores.parquet")
    assert {"rank, popularity", "cvae, popularity", "popularity"} <= set(scored["order"])
    assert set(scored["is_cold"]) == {False, True}
    chosen = json.loads((root / "models" / "chosen" / "orders.json").read_text("utf-8"))
    assert chosen["warm"] == chosen["cold"] == ["popularity"], "few buyers show nothing"
    table = (root / "reports" / "scores.md").read_text("utf-8")
    assert "Customers with a history are served popularity: no other order" in table


def test_its_tables_have_guests_and_units_and_lack_what_is_no_article(
    shown: str, root: Path
) -> None:
    assert shown
    folder = root / "data" / "tables"
    sold = pd.read_parquet(folder / "transactions.parquet")
    articles = pd.read_parquet(folder / "articles.parquet")
    guests = pd.read_parquet(folder / "guest_sales.parquet")
    till = pd.read_csv(root / ".hemline" / "shops" / "gifts-tiny" / "till.csv", dtype=str)
    n_known = till["CustomerID"].notna().sum()
    assert 0 < len(guests) < len(sold) < n_known
    assert sold[columns.UNITS].max() >= 48
    assert sold[columns.UNITS].min() >= 1
    assert not {"POST", "BANK CHARGES"} & {*articles[columns.ARTICLE_ID]}
    assert sold[columns.CHANNEL].isna().all()


def test_its_scores_hold_every_baseline_and_its_own_attribute_is_audited(
    shown: str, root: Path
) -> None:
    assert shown
    scores = json.loads((root / "reports" / "scores.json").read_text())
    assert {"popularity", "repurchase", "item_knn", "ease", "served"} <= set(scores)
    assert scores["repurchase"]["map@12"] > scores["popularity"]["map@12"]
    groups = pd.read_csv(root / "reports" / "fairness" / "groups.csv")
    assert "Country" in {*groups["attribute"]}


def test_a_second_time_the_description_stays_and_another_shops_is_refused(
    shown: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown
    monkeypatch.chdir(root)
    params, folder = root / "params.yaml", root / ".hemline" / "shops" / "gifts-tiny"
    described = params.read_text()
    assert yaml.safe_load(described)["acquire"]["source"] == "mapped"
    assert yaml.safe_load(described)["shop"]["first_day"] == "2023-11-27"
    assert gift_shop("tiny") == folder
    assert not capsys.readouterr().out
    assert params.read_text() == described
    params.write_text(described.replace("file: till.csv", "file: lines.csv"))
    with pytest.raises(BadInput, match=r"lines\.csv, not till\.csv"):
        gift_shop("tiny")
    params.write_text(described)
