"""A table behind a URL is described as a file is, and then trained on without one."""

from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from hemline.cli import app
from tests.data.small_shop import lines, write_csv
from tests.data.test_fetched_sql import in_sqlite
from tests.tiny_project import REPOSITORY


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hemline(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["source", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_init_describes_a_table_of_a_database_and_check_counts_it(root: Path) -> None:
    url = in_sqlite(root / "shop.db", lines())
    assert "Nothing was written" in hemline("check", url, "--table", "sales")
    said = hemline("init", url, "--query", "SELECT * FROM sales WHERE Qty > 0")
    assert "make real\n" in said
    written = yaml.safe_load((root / "params.yaml").read_text())
    sold = written["source"]["transactions"]
    assert (sold["url"], sold["query"]) == (url, "SELECT * FROM sales WHERE Qty > 0")
    assert "file" not in sold
    assert sold["columns"]["t_dat"] == "Date"
    assert written["acquire"]["source"] == "mapped"
    assert written["validate"]["earliest_day"] == "2011-03-25"
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("DELETE FROM sales WHERE Qty = 11")
    assert "transactions: 16 rows" in hemline("check")
    assert not list((root / ".hemline").glob("look-*"))


def test_init_describes_a_file_of_a_store(root: Path) -> None:
    (root / "there").mkdir()
    write_csv(root / "there" / "sales.csv", lines(), delimiter=";")
    hemline("init", (root / "there" / "sales.csv").as_uri())
    sold = yaml.safe_load((root / "params.yaml").read_text())["source"]["transactions"]
    assert (sold["url"][:5], sold["delimiter"]) == ("file:", ";")
    assert (root / "data/source/fetched/transactions.csv").is_file()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["postgresql://shop:s3cret@db/x", "--table", "a"], "has no password"),
        (["sqlite:///x.db"], "either a `table` or a `query`"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(
    root: Path, given: list[str], said: str
) -> None:
    done = CliRunner().invoke(app, ["source", "check", *given])
    assert done.exit_code == 1
    assert said in done.output
    assert "s3cret" not in done.output
    assert root.exists()
