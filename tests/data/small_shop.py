"""A small shop of another kind than H&M, whose tables are known, and its exports."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hemline.data.acquire.mapped_tables import read_mapped
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.typed_tables import write_tables
from hemline.engine.engine import Engine

Row = dict[str, Any]
Description = dict[str, Any]

CUSTOMERS: Final = ("C-10", "C-11", "C-12", "C-13")
ARTICLES: Final = ("A1-red", "A1-blue", "B7", "Ü9")
PRICES: Final = (2.5, 3.25, 1234.5, 0.75)
TOWNS: Final = ("Köln", "Genève", None, "Århus")
FIRST: Final = datetime(2011, 3, 25, 9, 30)  # noqa: DTZ001  (the clock on the shop's wall)
N_LINES: Final = 24


def lines() -> list[Row]:
    """Return the sales, every customer and article among them, in the order of time."""
    return [
        {
            "Date": FIRST + timedelta(days=number // 3, hours=number % 3),
            "Client": CUSTOMERS[number % 4],
            "SKU": ARTICLES[number * 7 % 5 % 4],
            "Price": PRICES[number * 7 % 5 % 4],
            "Qty": 1 + number % 3 * 5,
            "Shop": ("online", "store")[number % 2],
            "Bill": f"b{number // 2}",
            "Text": f"Article; no. {number * 7 % 5 % 4}, nice",
            "Town": TOWNS[number % 4],
        }
        for number in range(N_LINES)
    ]


def description() -> Description:
    """Return what describes `lines` written by `write_csv`."""
    return {
        "transactions": {
            "file": "sales.csv",
            "columns": {
                "t_dat": "Date",
                "customer_id": "Client",
                "article_id": "SKU",
                "price": "Price",
                "units": "Qty",
                "sales_channel_id": "Shop",
                "basket": "Bill",
            },
        },
        "articles": {"columns": {"prod_name": "Text"}},
        "customers": {"attributes": {"Town": "text"}},
    }


def write_csv(
    path: Path,
    rows: list[Row],
    *,
    delimiter: str = ",",
    quote: str | None = '"',
    encoding: str = "utf-8",
    number: Callable[[float], str] = repr,
    day: Callable[[datetime], str] = str,
) -> None:
    """Write rows as csv; every spelling is an argument."""
    text = io.StringIO()
    quoting: Mapping[str, Any] = (
        {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    )
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", **quoting)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_spelled(value, number, day) for value in row.values()])
    path.write_bytes(text.getvalue().encode(encoding))


def _spelled(value: Any, number: Callable[[float], str], day: Callable[[datetime], str]) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value)
    return day(value) if isinstance(value, datetime) else str(value)


def acquire(engine: Engine, folder: Path, described: Description) -> dict[str, bytes]:
    """Return the files of the tables that a folder gives."""
    written = folder.with_name(f"{folder.name}-tables-{engine.name}")
    for old in written.glob("*"):
        old.unlink()
    acquired = read_mapped(engine, SourceParams.model_validate(described), folder)
    write_tables(engine, acquired, written)
    return {path.stem: path.read_bytes() for path in written.iterdir()}


def table_of(files: dict[str, bytes], name: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(files[name]))


def rows_of(files: dict[str, bytes], name: str, *wanted: str) -> list[list[Any]]:
    """Return the rows of a table with the wanted columns, keys as the ids they stand for."""
    table = table_of(files, name)
    for key, ids in (("customer", "customer_keys"), ("article", "article_keys")):
        if key in table.column_names and name != ids:
            named = table_of(files, ids)[f"{key}_id"].take(table[key])
            table = (
                table.append_column(f"{key}_id", named)
                if f"{key}_id" not in (table.column_names)
                else table
            )
    return [list(row.values()) for row in table.select(list(wanted)).to_pylist()]


def days_on(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


def write_changed(folder: Path, rows: list[Row]) -> None:
    write_csv(folder / "sales.csv", rows)


def with_guests() -> list[Row]:
    rows = lines()
    for number in (0, 1, 6):
        rows[number]["Client"] = None
    return rows
