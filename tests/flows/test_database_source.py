"""A shop in PostgreSQL: what a run fetches, and from an empty database to a champion."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from flows.project import Project, fetch_source
from hemline import columns, environment, tables
from hemline.data.synthetic.kaggle_export import write_kaggle_files
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.errors import BadInput
from tests.postgres_server import PASSWORD, connected, postgres
from tests.processes import free_ports
from tests.servers import server_environment
from tests.tiny_project import REPOSITORY, change_params, commit_all, copy_project, run

SOLD = (columns.DAY, columns.CUSTOMER_ID, columns.ARTICLE_ID, columns.PRICE, columns.CHANNEL)
PLACE = {"password_from": "SHOP_DB_PASSWORD"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


def description(url: str) -> dict[str, Any]:
    """Return section `source` for Kaggle's columns in three tables."""
    described = [name for name in tables.ARTICLES.names if name != columns.ARTICLE]
    people = [name for name in tables.CUSTOMERS.names if name != columns.CUSTOMER]
    return {
        "transactions": {
            "url": url, **PLACE, "columns": {name: name for name in SOLD},
            "query": "SELECT * FROM sales ORDER BY t_dat",
        },
        "articles": {
            "url": url, **PLACE, "table": "articles", "columns": {name: name for name in described}
        },
        "customers": {
            "url": url, **PLACE, "table": "customers", "columns": {name: name for name in people}
        },
        "channels": {"store": ["1"], "online": ["2"]},
    }  # fmt: skip


def set_source(root: Path, described: dict[str, Any]) -> None:
    """Write the section as a person would, and set acquire.source."""
    editor = YAML()
    content = editor.load(root / "params.yaml")
    content["source"] = described
    content["acquire"]["source"] = "mapped"
    editor.dump(content, root / "params.yaml")


def bare_project(root: Path, described: dict[str, Any]) -> Project:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, root / name)
    set_source(root, described)
    return Project.at(root)


def one_table(url: str) -> dict[str, Any]:
    ours = {"t_dat": "d", "customer_id": "c", "article_id": "a"}
    return {"transactions": {"url": url, "table": "sales", "columns": ours}}


def test_a_run_fetches_what_has_a_url_and_says_from_where(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    project, reported = bare_project(tmp_path, one_table(url)), list[str]()
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE sales (d, c, a)")
        connection.exec_driver_sql("INSERT INTO sales VALUES ('2020-09-01', 'c1', 'a1')")
    fetch_source(project, reported.append)
    assert reported == [f"transactions: 1 rows from {url}"]
    fetched = pd.read_parquet(tmp_path / "data/source/fetched/transactions")
    assert fetched.to_numpy().tolist() == [["2020-09-01", "c1", "a1"]]
    sold = one_table(url)["transactions"]["columns"]
    set_source(tmp_path, {"transactions": {"file": "sales.csv", "columns": sold}})
    fetch_source(project, reported.append)
    assert "is removed" in reported[1]
    assert not (tmp_path / "data/source/fetched").exists()


def test_a_generated_shop_fetches_nothing(tmp_path: Path) -> None:
    project = bare_project(tmp_path, one_table("sqlite:////nowhere.db"))
    change_params(tmp_path, {("acquire", "source"): "synthetic"})
    fetch_source(project, pytest.fail)


def test_a_database_that_does_not_answer_is_a_problem_of_the_monitor(
    tmp_path: Path, prefect_api: None
) -> None:
    from prefect import flow  # noqa: PLC0415  (slow)

    from flows.check_data import update_tables  # noqa: PLC0415  (slow)

    project = bare_project(tmp_path, one_table("sqlite:////nowhere/shop.db"))
    problem = flow(lambda: update_tables(project, dry_run=True), name="monitor")()
    assert "unable to open database file" in str(problem)
    assert prefect_api is None


@pytest.mark.slow
def test_from_an_empty_database_to_a_champion(server: str, tmp_path: Path) -> None:
    root = copy_project(tmp_path / "shop")
    shop = generate_shop(SyntheticParams.load(root / "params.yaml"))
    write_kaggle_files(shop, tmp_path / "files")
    for name, file in (("articles", "articles"), ("customers", "customers"),
                       ("sales", "transactions_train")):  # fmt: skip
        rows = pd.read_csv(tmp_path / "files" / f"{file}.csv", dtype=str, keep_default_na=False)
        rows.to_sql(name, connected(server), index=False)
    set_source(root, description(server))
    commit_all(root)
    home = root / ".hemline" / "prefect"
    home.mkdir(parents=True)
    own = server_environment(home, free_ports(1)[0]) | environment.defaults(root)
    own.pop("PREFECT_API_URL", None)
    own["SHOP_DB_PASSWORD"] = PASSWORD

    def hemline(*arguments: str) -> str:
        return run(root, str(Path(sys.executable).with_name("hemline")), *arguments, env=own)

    counted = hemline("source", "check")
    assert f"customers: {len(shop.customers):,}" in counted
    shown = hemline("real")
    assert f"transactions: {len(shop.transactions):,} rows from postgresql" in shown
    assert PASSWORD not in shown
    changes = json.loads(hemline("history", "--json"))["changes"]
    assert [(change["how"], change["version"]) for change in changes] == [("gate", "1")]
    hemline("source", "fetch")
    status = run(root, sys.executable, "-m", "dvc", "status", "acquire", env=own)
    assert "up to date" in status, "the same rows make nothing stale"


def test_a_missing_password_is_refused_before_any_stage(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = bare_project(tmp_path, description(server))
    monkeypatch.delenv("SHOP_DB_PASSWORD", raising=False)
    with pytest.raises(BadInput, match="not set"):
        fetch_source(project, pytest.fail)
