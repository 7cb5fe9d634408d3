"""`hemline source`: what is proposed for an export that nobody described, and what is unclear."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from hemline.cli import app
from hemline.data.acquire.source_params import SourceParams
from hemline.data.proposal.looked_at import look_at
from hemline.data.proposal.proposal import propose
from hemline.data.proposal.source_proposal import SourceProposal
from hemline.data.proposal.written import render, write_source
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import TOWNS, Row, acquire, description, lines, table_of, write_csv

PARAMS = Path("params.yaml").read_text(encoding="utf-8")
FEW = """acquire:
  source: synthetic
source:
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a params.yaml of few sections and an empty folder data."""
    (tmp_path / "params.yaml").write_text(FEW, encoding="utf-8")
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "data").mkdir()
    return tmp_path


def proposed(project: Path) -> tuple[SourceProposal, SourceParams]:
    """Return the proposal for the folder data, and what params.yaml says of it afterwards."""
    proposal = propose(look_at(project / "data"))
    write_source(project / "params.yaml", proposal)
    return proposal, SourceParams.load(project / "params.yaml")


def german(number: float) -> str:
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


EXPORTS: dict[str, Callable[[Path], None]] = {
    "plain csv": lambda folder: write_csv(folder / "sales.csv", lines()),
    "as a German spreadsheet saves it": lambda folder: write_csv(
        folder / "sales.csv", lines(), delimiter=";", encoding="cp1252", number=german,
        day=lambda time: f"{time:%d.%m.%Y %H:%M}",
    ),
    "tabs and UTF-16": lambda folder: write_csv(
        folder / "sales.txt", lines(), delimiter="\t", encoding="utf-16"
    ),
    "parquet": lambda folder: pd.DataFrame(lines()).to_parquet(folder / "sales.parquet"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_the_proposal_gives_the_known_tables(
    on_duckdb: Engine, project: Path, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = tmp_path_factory.mktemp("plain")
    write_csv(plain / "sales.csv", lines())
    EXPORTS[name](project / "data")
    _, described = proposed(project)
    known = acquire(on_duckdb, plain, description())
    acquired = acquire(on_duckdb, project / "data", described.model_dump())
    if described.product_code:
        del known["articles"], acquired["articles"]
    assert acquired == known


def test_three_files_are_told_apart_by_what_their_rows_are(
    on_duckdb: Engine, project: Path
) -> None:
    rows = lines()
    articles = {row["SKU"]: row for row in rows}
    people = {row["Client"]: row for row in rows}
    sold = [{name: row[name] for name in list(row)[:7]} for row in rows]
    write_csv(project / "data" / "a.csv", [
        {"Item code": sku, "Title": row["Text"], "Colour": "red", "Weight": 1.5}
        for sku, row in articles.items()
    ])  # fmt: skip
    write_csv(project / "data" / "b.csv", [
        {"Customer no": who, "Age": 40, "Town": row["Town"]} for who, row in people.items()
    ])  # fmt: skip
    write_csv(project / "data" / "c.csv", sold)
    _, described = proposed(project)
    assert described.sold.file == "c.csv"
    assert described.articles.file == "a.csv"
    assert described.articles.columns == {
        "article_id": "Item code", "prod_name": "Title", "colour_group_name": "Colour",
    }  # fmt: skip
    assert described.articles.attributes == {"Weight": "number"}
    assert described.customers.file == "b.csv"
    assert described.customers.columns == {"customer_id": "Customer no", "age": "Age"}
    acquired = acquire(on_duckdb, project / "data", described.model_dump())
    assert set(table_of(acquired, "customers")["age"].to_pylist()) == {40}


def gift_shop() -> list[Row]:
    """Return a raw export with returns, guests and postage, as a till writes it."""
    start = datetime(2010, 12, 1, 8, 26)  # noqa: DTZ001  (the clock on the shop's wall)
    rows = [
        {
            "InvoiceNo": f"{536365 + number // 3}",
            "StockCode": f"{85123 + number % 7}{'ABC'[number % 3]}",
            "Description": f"GLASS BIRD {number % 7}",
            "Quantity": 6,
            "InvoiceDate": start + timedelta(hours=5 * number),
            "UnitPrice": 2.55,
            "CustomerID": 17850 + number % 5,
            "Country": "France" if number % 5 == 3 else "United Kingdom",
        }
        for number in range(120)
    ]
    back = rows[3] | {"InvoiceNo": "C536999", "Quantity": -2}
    back["InvoiceDate"] += timedelta(days=2)
    guest = [row | {"CustomerID": None} for row in rows[10:14]]
    postage = rows[5] | {"StockCode": "POST", "Description": "POSTAGE", "Quantity": 1}
    charge = postage | {"StockCode": "BANK CHARGES", "UnitPrice": -9.0, "CustomerID": None}
    test = rows[6] | {"StockCode": "77777", "Description": "This is a test product"}
    bag = rows[7] | {"StockCode": "PARTYBAG", "Description": "GIRLS PARTY BAG"}
    gift = rows[8] | {"StockCode": "GIFT", "Description": None, "Quantity": 4000}
    return [*rows, back, *guest, postage, charge, test, bag, gift]


def test_a_raw_till_export_is_described_with_its_returns_guests_and_postage(
    on_duckdb: Engine, project: Path
) -> None:
    write_csv(project / "data" / "till.csv", gift_shop())
    proposal, described = proposed(project)
    assert dict(described.sold.columns) == {
        "t_dat": "InvoiceDate", "customer_id": "CustomerID", "article_id": "StockCode",
        "price": "UnitPrice", "units": "Quantity", "basket": "InvoiceNo",
    }  # fmt: skip
    assert described.articles.columns == {"prod_name": "Description"}
    assert described.customers.attributes == {"Country": "text"}
    assert described.returns is not None
    assert described.returns.basket_pattern == "^C"
    assert described.guests is not None
    assert described.guests.policy == "anonymous"
    assert set(described.not_articles.ids) == {"POST", "BANK CHARGES", "77777"}
    assert described.product_code is not None
    assert described.product_code.pattern == r"^(\d+)"
    text = render(proposal)
    assert "policy: net  # 1 line; or drop" in text
    assert "policy: anonymous  # 5 lines (3.8%) without a customer; or drop" in text
    assert "- POST  # 1 line, no digit, its description: POSTAGE" in text
    acquired = acquire(on_duckdb, project / "data", described.model_dump())
    units = table_of(acquired, "transactions")["units"].to_pylist()
    assert sum(units) == 120 * 6 - 2 + 6 + 4000
    assert len(table_of(acquired, "guest_sales")) == 4
    products = table_of(acquired, "articles")["product_code"].to_pylist()
    assert set(products) == {*(str(85123 + number) for number in range(7)), "PARTYBAG", "GIFT"}


def test_an_id_without_a_digit_is_an_article_until_something_else_says_it_is_none(
    project: Path,
) -> None:
    write_csv(project / "data" / "till.csv", gift_shop())
    proposal, described = proposed(project)
    assert not {"PARTYBAG", "GIFT"} & set(described.not_articles.ids)
    said = "\n".join(proposal.unclear)
    assert "ids without a digit, read as articles: PARTYBAG (GIRLS PARTY BAG), GIFT;" in said


def test_an_id_names_a_service_where_nothing_is_described(project: Path) -> None:
    rows = [row for row in gift_shop() if row["StockCode"] != "BANK CHARGES"]
    for row in rows:
        del row["Description"]
        row["StockCode"] = row["StockCode"].replace("POST", "POSTAGE")
    write_csv(project / "data" / "till.csv", rows)
    proposal, described = proposed(project)
    assert described.not_articles.ids == ("POSTAGE",)
    assert "- POSTAGE  # 1 line, no digit, its id" in render(proposal)


def test_what_is_unclear_is_said(project: Path) -> None:
    first = datetime(2011, 4, 3)  # noqa: DTZ001  (as above)
    rows = [
        {"day": first + timedelta(days=31 * (n % 3)), "client": f"c{n % 4}", "item": f"i{n % 9}",
         "amount": 199 + n, "qty": 1 + n % 2}
        for n in range(40)
    ]  # fmt: skip
    write_csv(project / "data" / "s.csv", rows, day=lambda time: f"{time:%d/%m/%Y}")
    proposal, described = proposed(project)
    said = "\n".join(proposal.unclear)
    assert "days may be %d/%m/%Y or %m/%d/%Y" in said
    assert "is amount of a unit or of the whole line?" in said
    assert "if they are cents" in said
    assert described.price.of == "line"


def test_init_changes_nothing_else_and_asks_before_it_replaces(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(project / "data" / "till.csv", gift_shop())
    (project / "params.yaml").write_text(PARAMS, encoding="utf-8")
    monkeypatch.chdir(project)
    shown = CliRunner().invoke(app, ["source", "check", "data"])
    assert shown.exit_code == 0, shown.output
    assert "Nothing was written" in shown.output
    assert (project / "params.yaml").read_text(encoding="utf-8") == PARAMS
    done = CliRunner().invoke(app, ["source", "init", "data"])
    assert done.exit_code == 0, done.output
    before, after = yaml.safe_load(PARAMS), yaml.safe_load((project / "params.yaml").read_text())
    assert after.pop("source")["transactions"]["file"] == "till.csv"
    assert after["acquire"].pop("source") == "mapped"
    validate = after.pop("validate")
    del before["source"], before["validate"], before["acquire"]["source"]
    before["monitor"]["steady"].remove("price")
    before["shop"]["first_day"] = None
    assert "shop.first_day was 2020-09-23, is now null" in done.output
    assert "monitor.steady: price removed: the data hold 3 weeks" in done.output
    assert after == before
    assert validate["earliest_day"] == "2010-12-01"
    assert validate["max_price"] == 25.0, "ten times 2.55, two digits"
    assert validate["max_units"] == 2 * 4000
    assert validate["min_rows"] == {"articles": 11, "customers": 2, "transactions": 61}
    assert "age" not in validate["max_null_share"]["customers"], "the till knows no ages"
    assert validate["known_values"] == {}
    assert not list((project / ".hemline").glob("thresholds-*"))
    counted = CliRunner().invoke(app, ["source", "check", "data"])
    assert counted.exit_code == 0, counted.output
    assert "3 lines of what is no article: left out" in counted.output
    assert "guest_sales: 4 rows" in counted.output
    refused = CliRunner().invoke(app, ["source", "init", "data"])
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    assert CliRunner().invoke(app, ["source", "init", "--replace", "data"]).exit_code == 0


def test_thresholds_wait_for_a_description_that_reads_the_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = gift_shop()
    sold = rows[3]["InvoiceDate"]
    rows[3]["InvoiceDate"] = sold.replace(year=1810)
    write_csv(project / "data" / "till.csv", rows)
    (project / "params.yaml").write_text(PARAMS, encoding="utf-8")
    monkeypatch.chdir(project)
    done = CliRunner().invoke(app, ["source", "init", "data"])
    assert done.exit_code == 0, done.output
    assert "the files cannot be read by it yet" in done.output
    assert "hemline source thresholds data" in done.output
    after = yaml.safe_load((project / "params.yaml").read_text())
    assert after["validate"] == yaml.safe_load(PARAMS)["validate"]
    rows[3]["InvoiceDate"] = sold
    write_csv(project / "data" / "till.csv", rows)
    done = CliRunner().invoke(app, ["source", "thresholds", "data"])
    assert done.exit_code == 0, done.output
    assert "validate.max_units: 1000 is now 8000" in done.output


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, "nothing"),
        ({"readme.md": "no table"}, "readme.md"),
        ({"a.csv": "x,y\n1,2\n"}, "no column was recognised as t_dat, customer_id, article_id"),
        ({"a.csv": "date,client,item\n"}, "a header only"),
    ],
)
def test_a_folder_without_sales_is_refused(
    project: Path, files: dict[str, str], found: str
) -> None:
    for name, text in files.items():
        (project / "data" / name).write_text(text)
    with pytest.raises(BadInput) as refusal:
        propose(look_at(project / "data"))
    assert found in refusal.value.found


def test_a_column_with_a_name_of_ours_is_left_out_and_named(project: Path) -> None:
    rows = [row | {"Age_Band": ("young", "old")[row["Town"] == TOWNS[0]]} for row in lines()]
    write_csv(project / "data" / "sales.csv", rows)
    proposal, described = proposed(project)
    assert set(described.customers.attributes) == {"Town"}
    assert "column Age_Band has a name that Hemline uses itself" in "\n".join(proposal.unclear)


def test_of_two_columns_named_as_customers_the_one_with_more_of_them_is_the_id(
    project: Path,
) -> None:
    rows = [row | {"user": number % 2} for number, row in enumerate(lines())]
    write_csv(project / "data" / "sales.csv", rows)
    _, described = proposed(project)
    assert described.sold.columns["customer_id"] == "Client"
