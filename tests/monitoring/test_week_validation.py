"""A broken week is refused by rule and number, and no rule of a week needs more than a week."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from hemline import columns, tables
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.expectations.rules import list_rules
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.synthetic.planted_events import STRENGTHS, Event, Size
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.engine.engine import Engine, EngineParams
from monitoring.week_validation import broken_rules, check_week, week_rules
from tests.tiny_project import REPOSITORY

WEEK_END = date(2020, 9, 16)
START = WEEK_END - timedelta(weeks=1)
RULES = ValidateParams.load(REPOSITORY / "params.yaml")
ENGINE = EngineParams.load(REPOSITORY / "params.yaml")


def shop_tables(engine: Engine, folder: Path, *sizes: Size) -> Path:
    """Write a shop whose prices break from the week before WEEK_END on."""
    size = ShopSize(
        n_customers=2000, n_articles=300, first_day=date(2020, 8, 20), last_day=WEEK_END
    )
    broken = tuple(Event(kind="broken_column", date=START, until=None, size=one) for one in sizes)
    shop = generate_shop(SyntheticParams(size=size, seed=3, events=broken))
    frames = shop.articles, shop.customers, shop.transactions
    folder.mkdir()
    write_tables(engine, type_tables(engine, *frames, keep_postal_code=False), folder)
    return folder


def broken_in(folder: Path, report: Path) -> list[str]:
    engine = ENGINE.model_copy(update={"spill": report.parent / "spill"})
    return broken_rules(check_week(engine, folder, WEEK_END, RULES, report))


def test_a_flawless_week_keeps_the_rules_and_writes_its_pages(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    assert broken_in(shop_tables(on_duckdb, tmp_path / "tables"), tmp_path / "report") == []
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "All rules hold" in page
    assert "the query returned 0 rows" in page  # what Great Expectations observed


def test_one_broken_price_in_a_hundred_is_refused_by_name_and_number(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    folder = shop_tables(on_duckdb, tmp_path / "tables", "small")
    week = pd.read_parquet(folder / "transactions.parquet").query("@START <= t_dat < @WEEK_END")
    n_broken = int((week[columns.PRICE] > 1).sum())
    assert n_broken / len(week) == pytest.approx(STRENGTHS["broken_column"]["small"], abs=0.005)
    (sentence,) = broken_in(folder, tmp_path / "report")
    rule = f"transactions.price: price lies between {RULES.min_price} and {RULES.max_price}"
    assert sentence.startswith(f"{rule}; {n_broken:,} of {len(week):,} rows break it, for example ")


def test_only_the_week_is_checked_with_all_who_bought_in_it(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    folder = shop_tables(on_duckdb, tmp_path / "tables")
    transactions = pd.read_parquet(folder / "transactions.parquet")
    day = pd.to_datetime(transactions[columns.DAY])
    is_other = (day < pd.Timestamp(START)) | (day >= pd.Timestamp(WEEK_END))
    transactions.loc[is_other, columns.PRICE] = -1.0
    transactions.loc[is_other, columns.CHANNEL] = 9
    buyer = transactions.loc[~is_other, columns.CUSTOMER].iloc[0]
    tables.write_table(transactions, folder / "transactions.parquet", tables.TRANSACTIONS)
    customers = pd.read_parquet(folder / "customers.parquet")
    others = ~customers[columns.CUSTOMER].isin(transactions.loc[~is_other, columns.CUSTOMER])
    customers.loc[others, columns.CLUB] = "GOLD"
    customers.loc[buyer, columns.AGE] = 203
    tables.write_table(customers, folder / "customers.parquet", tables.CUSTOMERS)
    (sentence,) = broken_in(folder, tmp_path / "report")
    assert sentence.startswith("customers.age: age lies between 16 and 99; 1 of ")
    assert "age 203" in sentence


def test_a_share_is_allowed_what_chance_does_in_a_small_week_and_no_more_in_a_large_one() -> None:
    def rules_of(n_customers: int) -> set[str]:
        n_rows = {"articles": 50, "customers": n_customers, "transactions": 100}
        return {rule.rule for rule in week_rules(RULES, WEEK_END, n_rows)}

    assert "age is missing in at most 15.0% of the rows" in rules_of(100)
    assert "age is missing in at most 5.1% of the rows" in rules_of(1_000_000)
    assert "price is missing in no row" in rules_of(100)


def test_rules_about_the_whole_span_are_left_out_of_a_week() -> None:
    n_rows = {"articles": 50, "customers": 100, "transactions": 100}
    of_the_week = {rule.rule for rule in week_rules(RULES, WEEK_END, n_rows)}
    of_all = {rule.rule for rule in list_rules(RULES, needed_through=WEEK_END - timedelta(days=1))}
    widened = ("is missing in at most", "% of the rows repeat")
    assert {rule for rule in of_all - of_the_week if not any(one in rule for one in widened)} == {
        "articles has at least 100 rows",
        "customers has at least 200 rows",
        "transactions has at least 1,000 rows",
        "the transactions reach 2020-09-15, the last day of the test week",
        "at most 14 days of the span have no transaction, closing days of the week aside",
    }
