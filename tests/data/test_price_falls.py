"""A sale is read from the prices of the same articles, which then count as having a season."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hemline import columns, tables
from hemline.data.proposal.price_falls import PriceWeeks, propose_steady, read_price_weeks
from hemline.engine.engine import Engine

FIRST = date(2019, 1, 7)
N_ARTICLES = 20
PARAMS = """\
monitor:
  steady:                    # no season is expected of these
  - price                    # leave it out where prices fall
  - sales_channel_id
  seed: 7
"""


def weeks_of(engine: Engine, folder: Path, n_weeks: int, price: "Price") -> PriceWeeks:
    """Return what is read of a shop that sells its articles twice a week at these prices."""
    rows = [
        (FIRST + timedelta(weeks=week, days=day), 1, article, price(week, article), 1)
        for week in range(n_weeks)
        for day in (0, 4)
        for article in range(N_ARTICLES)
        if price(week, article) is not None
    ]
    sales = pd.DataFrame(rows, columns=tables.TRANSACTIONS.names)
    tables.write_table(sales, folder / "transactions.parquet", tables.TRANSACTIONS)
    return read_price_weeks(engine, folder / "transactions.parquet")


Price = Callable[[int, int], float | None]


def usual(_: int, article: int) -> float:
    return 2.0 + article


def test_a_week_of_half_the_articles_at_half_price_is_a_fall(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    def price(week: int, article: int) -> float:
        return usual(week, article) * (0.5 if week == 40 and article % 2 else 1.0)

    (fall,) = weeks_of(on_duckdb, tmp_path, 60, price).falls
    assert fall.first == FIRST + timedelta(weeks=40)
    assert fall.change == pytest.approx(0.5**0.5 - 1)


def test_the_first_weeks_after_a_sale_are_no_fall(on_duckdb: Engine, tmp_path: Path) -> None:
    def price(week: int, article: int) -> float:
        return usual(week, article) * (0.5 if week < 40 else 1.0)

    assert weeks_of(on_duckdb, tmp_path, 60, price).falls == ()


def test_cheaper_articles_are_no_cheaper_prices(on_duckdb: Engine, tmp_path: Path) -> None:
    def price(week: int, article: int) -> float | None:
        return usual(week, article) if (article < 10) == (week >= 40) or article == 10 else None

    assert weeks_of(on_duckdb, tmp_path, 60, price).falls == ()


def test_what_one_article_costs_is_within_chance(on_duckdb: Engine, tmp_path: Path) -> None:
    def price(week: int, article: int) -> float:
        return usual(week, article) * (0.1 if (week, article) == (40, 3) else 1.0)

    assert weeks_of(on_duckdb, tmp_path, 60, price).falls == ()


@pytest.mark.parametrize(
    ("n_weeks", "sale", "is_removed", "said"),
    [
        (60, 40, True, "in 1 of 59 weeks prices of repeated articles fell"),
        (60, None, False, "in none of 59 weeks did prices fall; price stays"),
        (30, None, True, "the data hold 29 weeks, less than a year"),
    ],
)
def test_price_has_no_season_only_where_a_year_without_a_sale_says_so(
    on_duckdb: Engine, tmp_path: Path, n_weeks: int, sale: int | None, is_removed: bool, said: str
) -> None:
    weeks_of(
        on_duckdb, tmp_path, n_weeks, lambda week, one: usual(week, one) / (1 + (week == sale))
    )
    params = tmp_path / "params.yaml"
    params.write_text(PARAMS)
    chosen = propose_steady(on_duckdb, tmp_path / "transactions.parquet", params)
    assert said in chosen
    steady = ["sales_channel_id"] if is_removed else ["price", "sales_channel_id"]
    assert yaml.safe_load(params.read_text()) == {"monitor": {"steady": steady, "seed": 7}}
    assert "# no season is expected of these" in params.read_text()


def test_a_shop_without_prices_has_nothing_to_choose(on_duckdb: Engine, tmp_path: Path) -> None:
    row = {columns.DAY: FIRST, columns.CUSTOMER: 1, columns.ARTICLE: 1}
    sales = pd.DataFrame([{**row, columns.PRICE: None, columns.CHANNEL: None}])
    tables.write_table(sales, tmp_path / "transactions.parquet", tables.TRANSACTIONS)
    (tmp_path / "params.yaml").write_text(PARAMS)
    assert not propose_steady(
        on_duckdb, tmp_path / "transactions.parquet", tmp_path / "params.yaml"
    )
    assert (tmp_path / "params.yaml").read_text() == PARAMS
