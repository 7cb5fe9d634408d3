"""The generated till of a gift shop: the same bytes each time, and what makes it another shop."""

from pathlib import Path

import pandas as pd
import pytest

from hemline.data.gift_shop.till import FIRST_DAY, N_WEEKS, closed_days, write_gift_shop
from hemline.data.proposal.looked_at import look_at
from hemline.data.proposal.proposal import propose
from hemline.data.proposal.written import render


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gift_shop(tmp_path_factory.mktemp("gifts"), "tiny")


@pytest.fixture(scope="module")
def till(file: Path) -> pd.DataFrame:
    lines = pd.read_csv(file, dtype={"CustomerID": str, "InvoiceNo": str, "StockCode": str})
    lines["InvoiceDate"] = pd.to_datetime(lines["InvoiceDate"])
    return lines


def test_the_same_seed_writes_the_same_bytes_and_another_seed_another_shop(
    file: Path, tmp_path: Path
) -> None:
    assert write_gift_shop(tmp_path, "tiny").read_bytes() == file.read_bytes()
    assert write_gift_shop(tmp_path, "tiny", seed=8).read_bytes() != file.read_bytes()


def test_nothing_is_sold_on_closed_days_and_something_in_every_open_week(
    till: pd.DataFrame,
) -> None:
    closed = closed_days()
    assert {day.weekday() for day in closed} == set(range(7))
    assert sum(day.weekday() == 5 for day in closed) == N_WEEKS
    days = till["InvoiceDate"].dt.date
    assert not set(days) & set(closed)
    week = (pd.to_datetime(days) - pd.Timestamp(FIRST_DAY)).dt.days // 7
    assert set(week) == set(range(N_WEEKS)) - {4, 56}  # between Christmas and New Year
    assert till["InvoiceDate"].is_monotonic_increasing


def test_it_has_guests_returns_quantities_and_lines_that_are_no_articles(
    till: pd.DataFrame,
) -> None:
    sold = till[~till["InvoiceNo"].str.startswith("C")]
    assert 0.1 < sold["CustomerID"].isna().mean() < 0.2
    returned = till[till["InvoiceNo"].str.startswith("C")]
    assert (returned["Quantity"] < 0).all()
    assert (sold["Quantity"] > 0).all()
    assert 100 < len(returned) < 300
    pairs = sold.set_index(["CustomerID", "StockCode"]).index
    assert returned.set_index(["CustomerID", "StockCode"]).index.isin(pairs).all()
    assert sold["Quantity"].max() >= 48
    assert {"POST", "BANK CHARGES"} < {*till["StockCode"]}
    assert till.loc[till["StockCode"] == "BANK CHARGES", "UnitPrice"].lt(0).all()


def test_wholesalers_order_the_same_again_and_festive_wares_sell_before_christmas(
    till: pd.DataFrame,
) -> None:
    known = till[till["CustomerID"].notna() & (till["Quantity"] > 0)]
    invoices = known.drop_duplicates(["CustomerID", "InvoiceNo"])["CustomerID"].value_counts()
    often = known[known["CustomerID"].map(invoices) >= 15]
    again = often.duplicated(["CustomerID", "StockCode"])
    assert again.mean() > 0.5
    festive = till["Description"].str.contains("SNOWFLAKE|REINDEER|HOLLY|ANGEL")
    month = till["InvoiceDate"].dt.month
    assert festive[month == 11].mean() > 5 * festive[month.isin([3, 4, 5])].mean() > 0


def test_every_column_of_it_is_recognised(file: Path) -> None:
    proposal = propose(look_at(file.parent))
    described = render(proposal)
    assert [line.partition(":")[0] for line in proposal.unclear] == ["no column names the currency"]
    for expected in (
        "t_dat: InvoiceDate", "customer_id: CustomerID", "article_id: StockCode",
        "units: Quantity", "price: UnitPrice", "basket: InvoiceNo", "prod_name: Description",
        "Country: text", "basket_pattern: '^C'", "policy: anonymous", "- POST", "- BANK CHARGES",
    ):  # fmt: skip
        assert expected in described
