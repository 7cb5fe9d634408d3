"""What a description makes of the files: the tables are read, counted and thrown away."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import narwhals as nw

from hemline import columns
from hemline.data.acquire.mapped_tables import read_mapped
from hemline.data.acquire.source_params import SourceParams
from hemline.engine.engine import Engine, Rows


@contextmanager
def log_to(show: Callable[[str], None]) -> Iterator[None]:
    """Show what acquire logs."""
    logger, handler = logging.getLogger("hemline.data.acquire"), logging.Handler()
    handler.emit = lambda record: show(record.getMessage())  # type: ignore[method-assign]
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def count_tables(engine: Engine, params: SourceParams, folder: Path) -> Iterator[str]:
    """Yield sentences about the tables that the described files of a folder give.

    Raises:
        BadInput: as `read_mapped`.
    """
    read = read_mapped(engine, params, folder)
    yield f"articles: {len(read.articles):,}"
    n_products = len(read.articles[columns.PRODUCT_CODE].unique())
    yield f"products: {n_products:,}"
    yield f"customers: {len(read.customers):,}"
    yield f"transactions: {_sold(engine, read.transactions, params)}"
    if read.guest_sales is not None:
        yield f"guest_sales: {_sold(engine, read.guest_sales, params)}"
    if read.channels is not None:
        names = zip(*(column.to_pylist() for column in read.channels.columns), strict=True)
        yield "channels: " + ", ".join(f"{code} {name}" for code, name in names)


def _sold(engine: Engine, sales: Rows, params: SourceParams) -> str:
    """Return number, span, units and prices of sales."""
    day, price = nw.col(columns.DAY), nw.col(columns.PRICE)
    measured = sales.select(
        nw.len().alias("n"), day.min().alias("first"), day.max().alias("last"),
        price.min().alias("least"), price.max().alias("most"),
    )  # fmt: skip
    (row,) = engine.to_arrow(measured).to_pylist()
    parts = [f"{row['n']:,} rows", f"{row['first']} to {row['last']}"]
    if columns.UNITS in sales.collect_schema().names():
        units = nw.col(columns.UNITS)
        counted = sales.select(units.sum().cast(nw.Int64).alias("n"), units.max().alias("most"))
        (row_of_units,) = engine.to_arrow(counted).to_pylist()
        parts.append(f"{row_of_units['n']:,} units, at most {row_of_units['most']:,} in a row")
    if row["least"] is not None:
        currency = f" {params.price.currency}" if params.price.currency else ""
        parts.append(f"prices {row['least']:,.2f} to {row['most']:,.2f}{currency}")
    return "; ".join(parts)
