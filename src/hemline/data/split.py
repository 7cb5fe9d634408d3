"""Time: what was known before the cut, and the two weeks held out to choose and to judge.

`data.as_of` is the only border. Purchases before it (minus `history_years` of age) may reach a
model. The days from it on are the test week; the last days before it are the validation week, which
serves for early stopping and belongs to the history afterwards.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

import duckdb
import pandas as pd
from pydantic import PositiveFloat, PositiveInt

from hemline.errors import BadInput
from hemline.params import Section


class DataParams(Section):
    """The cut and the lengths of what lies on its two sides."""

    section: ClassVar[str] = "data"
    as_of: date
    history_years: PositiveFloat
    validation_days: PositiveInt
    test_days: PositiveInt


@dataclass(frozen=True)
class Weeks:
    """Half-open borders in time: each part runs from its start up to the next border."""

    history_start: date
    validation_start: date
    as_of: date
    test_end: date


def weeks_of(params: DataParams) -> Weeks:
    """Return the borders that params.yaml asks for; a year counts 365.25 days, rounded up."""
    return Weeks(
        history_start=params.as_of - timedelta(days=math.ceil(365.25 * params.history_years)),
        validation_start=params.as_of - timedelta(days=params.validation_days),
        as_of=params.as_of,
        test_end=params.as_of + timedelta(days=params.test_days),
    )


def latest_cut(transactions: Path, *, test_days: int) -> date:
    """Return the latest as_of whose whole test week lies in the transactions."""
    with duckdb.connect() as connection:
        _, last = _span(connection, transactions)
    return last - timedelta(days=test_days - 1)


def select_purchases(transactions: Path, *, start: date, end: date) -> pd.DataFrame:
    """Return the purchases of [start, end) as tables.PURCHASES, ordered by day, customer, article.

    Rows of one customer, article and day are units of one purchase; the channel is that of the
    first unit in Kaggle's order of channels.

    Raises:
        BadInput: no transaction lies in the span.
    """
    query = """
        select t_dat, customer, article,
               least(count(*), 32767)::smallint as units,
               avg(price)::float as price,
               min(sales_channel_id) as sales_channel_id
        from read_parquet(?)
        where t_dat >= ? and t_dat < ?
        group by t_dat, customer, article
        order by t_dat, customer, article
    """
    with duckdb.connect() as connection:
        purchases = connection.execute(query, [str(transactions), start, end]).df()
        if purchases.empty:
            first, last = _span(connection, transactions)
            raise BadInput(
                f"{transactions.name} has transactions from {start} up to {end} (exclusive)",
                found=f"transactions from {first} to {last}",
                fix="set data.as_of in params.yaml to a day inside the data, at least "
                "data.test_days before its end",
            )
    return purchases


def _span(connection: duckdb.DuckDBPyConnection, transactions: Path) -> tuple[date, date]:
    query = "select min(t_dat), max(t_dat) from read_parquet(?)"
    row = connection.execute(query, [str(transactions)]).fetchone()
    assert row is not None  # noqa: S101  (an aggregate always returns a row)
    return row
