"""Purchases: the transactions of a span of days, with the units of one purchase in one row.

They are grouped span by span, since one or two million rows fit into the processor's cache: DuckDB
takes several times as long to group all of Kaggle's two years at once.
"""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import narwhals as nw
import pandas as pd
import pyarrow as pa

from hemline import columns, tables
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput

_PURCHASE: Final = (columns.DAY, columns.CUSTOMER, columns.ARTICLE)
_MOST_UNITS: Final = 32767  # the largest int16, the type of stored units
_ROWS_AT_A_TIME: Final = 3 << 19  # about Kaggle's month


def latest_cut(engine: Engine, transactions: Path, *, test_days: int) -> date:
    """Return the latest cut with a complete test week in the transactions."""
    _, last, _ = _span(engine, transactions)
    return last - timedelta(days=test_days - 1)


def select_purchases(engine: Engine, transactions: Path, *, start: date, end: date) -> pd.DataFrame:
    """Return the purchases of [start, end) as tables.PURCHASES, ordered by day, customer, article.

    Rows of one customer, article and day are one purchase. A row is one unit, or as many as its
    column `units` says, by which the mean price is weighted. The channel is the lowest code.

    Args:
        engine: reads the transactions.
        transactions: parquet file of tables.TRANSACTIONS.
        start: the first day.
        end: the day after the last one.

    Raises:
        BadInput: the span has no transactions.
    """
    rows = engine.read(transactions)
    first, last, n_rows = _span(engine, transactions)
    edges = _edges(max(start, first), min(end, last + timedelta(days=1)), n_rows)
    parts = [engine.to_arrow(_group(rows, *edge)) for edge in pairwise(edges)]
    if not any(part.num_rows for part in parts):
        is_inside = first is not None and first < end <= last
        raise BadInput(
            f"{transactions.name} has transactions from {start} up to {end} (exclusive)",
            found=f"transactions from {first} to {last}"
            + (", and none in these days: the shop was closed, or they are lost" * is_inside),
            fix="set data.cut in params.yaml to a day inside the data, at least "
            "data.test_days before its end, and weeks with sales around it",
        )
    return _as_frame(parts)


def _edges(start: date, end: date, n_rows: int) -> list[date]:
    """Return the edges of spans of about _ROWS_AT_A_TIME rows."""
    days = (end - start).days
    n_spans = max(1, min(days, n_rows // _ROWS_AT_A_TIME))
    return [start + timedelta(days=days * place // n_spans) for place in range(n_spans + 1)]


def _group(transactions: Rows, start: date, end: date) -> Rows:
    day = nw.col(columns.DAY)
    in_span = transactions.filter(day >= nw.lit(start), day < nw.lit(end))
    if columns.UNITS in in_span.collect_schema().names():
        purchases = _group_lines(in_span)
    else:
        purchases = in_span.group_by(*_PURCHASE).agg(
            nw.len().cast(nw.Int64).alias(columns.UNITS),
            nw.col(columns.PRICE).cast(nw.Float64).mean(),
            nw.col(columns.CHANNEL).min(),
        )
    most = nw.lit(_MOST_UNITS, nw.Int64)
    units = nw.min_horizontal(nw.col(columns.UNITS), most).cast(nw.Int16)
    price = nw.col(columns.PRICE).cast(nw.Float32)
    return purchases.with_columns(units, price).sort(*_PURCHASE)


def _group_lines(lines: Rows) -> Rows:
    """Return the purchases of lines with units; one without any price has none."""
    units, price = nw.col(columns.UNITS).cast(nw.Int64), nw.col(columns.PRICE)
    priced = nw.when(~price.is_null()).then(units)
    sums = lines.with_columns(paid=price.cast(nw.Float64) * units, priced=priced)
    purchases = sums.group_by(*_PURCHASE).agg(
        units.sum().cast(nw.Int64).alias(columns.UNITS),
        nw.col("paid", "priced").sum().cast(nw.Float64),
        nw.col(columns.CHANNEL).min(),
    )
    mean = nw.when(nw.col("priced") > 0).then(nw.col("paid") / nw.col("priced"))
    return purchases.with_columns(mean.alias(columns.PRICE)).drop("paid", "priced")


def _as_frame(parts: list[pa.Table]) -> pd.DataFrame:
    """Return the parts as one frame; days are timestamps, as a frame of dates holds objects."""
    table = pa.concat_tables(part.select(tables.PURCHASES.names) for part in parts)
    days = table[columns.DAY].cast(pa.timestamp("us"))
    purchases: pd.DataFrame = table.set_column(0, columns.DAY, days).to_pandas()
    return purchases


def _span(engine: Engine, transactions: Path) -> tuple[date, date, int]:
    """Return the first and the last day, and the number of rows."""
    day = nw.col(columns.DAY)
    span = engine.read(transactions).select(
        day.min().alias("first"), day.max().alias("last"), nw.len().alias("n_rows")
    )
    (row,) = engine.to_arrow(span).to_pylist()
    return row["first"], row["last"], row["n_rows"]
