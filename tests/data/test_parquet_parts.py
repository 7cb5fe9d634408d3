"""Parquet is read where no value changes, from whole files alone, and refused otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from hemline.errors import BadInput
from tests.data.raw_tables import (
    assert_refused,
    change_column,
    read_raw,
    refusal_of,
    store_as_parquet,
)

SOLD = "transactions_train.parquet"


@pytest.fixture
def stored(kaggle: Path) -> Path:
    """Return the folder of a flawless shop as parquet."""
    store_as_parquet(kaggle)
    return kaggle


def as_decimal(values: pa.ChunkedArray) -> pa.Array:
    return values.cast(pa.decimal128(38, 4))


READABLE = [
    ("article_id", lambda ids: ids.dictionary_encode()),
    ("customer_id", lambda ids: ids.dictionary_encode()),
    ("article_id", lambda ids: ids.cast(pa.large_string())),
    ("customer_id", lambda ids: ids.cast(pa.string_view())),
    ("sales_channel_id", lambda channels: channels.cast(pa.float64())),
    ("sales_channel_id", lambda channels: channels.cast(pa.uint64())),
    ("sales_channel_id", lambda channels: channels.cast(pa.string())),
    ("sales_channel_id", lambda channels: channels.dictionary_encode()),
    ("sales_channel_id", as_decimal),
    ("price", as_decimal),
    ("price", lambda prices: prices.cast(pa.string())),
    ("t_dat", lambda days: days.cast(pa.date64())),
    ("t_dat", lambda days: days.cast(pa.string())),
    ("t_dat", lambda days: days.cast(pa.timestamp("ns"))),
    ("t_dat", lambda days: days.cast(pa.timestamp("us", "UTC"))),
    ("t_dat", lambda days: pc.add(days.cast(pa.timestamp("s")), pa.scalar(3600, pa.duration("s")))),
    ("t_dat", lambda days: pc.assume_timezone(days.cast(pa.timestamp("s")), "Europe/Berlin")),
]


@pytest.mark.parametrize(("column", "change"), READABLE)
def test_a_type_that_loses_nothing_is_read(
    stored: Path, flawless: Path, column: str, change: Callable[[pa.ChunkedArray], pa.Array]
) -> None:
    change_column(stored / SOLD, column, change)
    assert read_raw(stored) == read_raw(flawless)


def test_a_product_code_that_pandas_read_as_a_number_is_read(stored: Path) -> None:
    change_column(stored / "articles.parquet", "product_code", lambda codes: codes.cast(pa.int64()))
    assert read_raw(stored)["articles"]["product_code"].to_pylist() == [
        "108775",
        "108775",
        "110065",
    ]


def constant(value: object, dtype: pa.DataType) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda values: pa.array([value] * len(values), dtype)


NOON = datetime(2020, 9, 1, 12, tzinfo=UTC)
UNREADABLE = [
    ("article_id", lambda ids: ids.cast(pa.int64()), "article_id .* is text", "int64"),
    ("customer_id", constant(1.0, pa.float64()), "customer_id .* is text", "double"),
    ("article_id", constant(b"0108775015", pa.binary()), "is text", "binary"),
    ("article_id", constant("0108775\x0015", pa.string()), "is text", "a NUL character"),
    ("sales_channel_id", constant(1.5, pa.float64()), "is a whole number", "1.5"),
    ("sales_channel_id", constant(np.nan, pa.float64()), "is a whole number", "nan"),
    ("sales_channel_id", constant("1.5", pa.string()), "is a whole number", "1.5"),
    ("sales_channel_id", constant(1000, pa.int64()), "is a whole number", "1000"),
    ("sales_channel_id", constant(2**63, pa.uint64()), "is a whole number", "9223372036854775808"),
    ("sales_channel_id", constant(value=True, dtype=pa.bool_()), "is a whole number", "bool"),
    ("sales_channel_id", constant([1], pa.list_(pa.int8())), "is a whole number", "list"),
    ("price", constant(value=False, dtype=pa.bool_()), "is a number", "bool"),
    ("price", constant("abc", pa.string()), "is a number", "abc"),
    ("price", constant({"a": 1}, pa.struct({"a": pa.int8()})), "is a number", "struct"),
    ("t_dat", constant(20200901, pa.int64()), "is a day", "int64"),
    ("t_dat", constant(5, pa.duration("s")), "is a day", "duration"),
    ("t_dat", constant(NOON, pa.timestamp("s", "UTC")), "is a day", "zone UTC that are not mid"),
    ("t_dat", constant("09/01/2020", pa.string()), "is a day", "09/01/2020"),
    ("t_dat", constant(10**7, pa.date32()), "lies between", "29349-01-26"),
    ("t_dat", constant(2**62, pa.timestamp("us")), "lies between", "53375995"),
]


@pytest.mark.parametrize(("column", "change", "rule", "found"), UNREADABLE)
def test_a_type_or_value_that_would_change_is_refused(
    stored: Path,
    column: str,
    change: Callable[[pa.ChunkedArray], pa.Array],
    rule: str,
    found: str,
) -> None:
    change_column(stored / SOLD, column, change)
    with pytest.raises(BadInput, match=rule):
        read_raw(stored)
    assert found in refusal_of(stored).found


@pytest.mark.parametrize("column", ["FN", "Active", "age"])
def test_a_flag_stored_as_true_is_refused_like_any_number(stored: Path, column: str) -> None:
    path = stored / "customers.parquet"
    change_column(path, column, constant(value=True, dtype=pa.bool_()))
    assert f"{column} of customers.parquet is a number" in refusal_of(stored).rule


def test_text_that_is_no_utf_8_is_refused(stored: Path) -> None:
    bad = pa.array([b"\xff\xfe"] * 3, pa.binary()).view(pa.string())
    change_column(stored / "articles.parquet", "prod_name", lambda _: bad)
    assert "articles.parquet is complete and undamaged" in refusal_of(stored).rule


def test_a_repeated_column_is_refused(stored: Path) -> None:
    rows = pq.read_table(stored / SOLD)
    pq.write_table(rows.append_column("price", rows["price"]), stored / SOLD)
    assert refusal_of(stored).found == "price twice"


def test_a_parquet_file_cut_off_anywhere_is_refused(stored: Path) -> None:
    content = (stored / SOLD).read_bytes()
    for size in range(0, len(content), 37):
        (stored / SOLD).write_bytes(content[:size])
        assert SOLD in refusal_of(stored).rule


def test_a_csv_named_parquet_is_refused_with_the_right_ending(kaggle: Path) -> None:
    (kaggle / "customers.csv").rename(kaggle / "customers.parquet")
    refusal = refusal_of(kaggle)
    assert refusal.rule == "customers.parquet is a parquet file"
    assert "ending .csv" in refusal.fix


@pytest.fixture
def parts(stored: Path) -> Path:
    """Return the folder of two parts that the transactions are put in."""
    rows = pq.read_table(stored / SOLD)
    (stored / SOLD).unlink()
    (stored / SOLD / "more").mkdir(parents=True)
    pq.write_table(rows.slice(0, 10), stored / SOLD / "0.parquet")
    pq.write_table(rows.slice(10), stored / SOLD / "more" / "1.snappy.parquet")
    return stored / SOLD


@pytest.mark.parametrize(
    "name", ["_SUCCESS", "._SUCCESS.crc", ".0.parquet.crc", ".DS_Store", "_metadata", "more/_x.txt"]
)
def test_markers_of_spark_are_skipped(parts: Path, flawless: Path, name: str) -> None:
    (parts / name).write_bytes(b"marker")
    assert read_raw(parts.parent) == read_raw(flawless)


def test_parts_of_other_types_and_orders_of_columns_are_one_table(
    parts: Path, flawless: Path
) -> None:
    path = parts / "0.parquet"
    change_column(path, "sales_channel_id", lambda channels: channels.cast(pa.float64()))
    rows = pq.read_table(path)
    pq.write_table(rows.select(rows.column_names[::-1]), path)
    pq.write_table(rows.slice(0, 0), parts / "2.parquet")
    assert read_raw(parts.parent) == read_raw(flawless)


def readme(parts: Path) -> None:
    (parts / "README.txt").write_text("hello")


def unfinished_job(parts: Path) -> None:
    (parts / "_temporary").mkdir()


def delta_table(parts: Path) -> None:
    (parts / "_delta_log").mkdir()


def no_parts(parts: Path) -> None:
    (parts / "0.parquet").unlink()
    (parts / "more" / "1.snappy.parquet").unlink()


def an_empty_part(parts: Path) -> None:
    (parts / "2.parquet").write_bytes(b"")


def a_part_without_a_column(parts: Path) -> None:
    rows = pq.read_table(parts / "0.parquet")
    pq.write_table(rows.drop_columns("price"), parts / "2.parquet")


def a_part_of_numbers(parts: Path) -> None:
    change_column(parts / "0.parquet", "article_id", lambda ids: ids.cast(pa.int64()))


def parts_without_rows(parts: Path) -> None:
    for path in parts.rglob("*.parquet"):
        pq.write_table(pq.read_table(path).slice(0, 0), path)


def a_broken_link(parts: Path) -> None:
    (parts / "2.parquet").symlink_to("nowhere")


BROKEN = [
    (readme, ".parquet files and markers", "README.txt", "move it away"),
    (unfinished_job, "finished parquet files", "a Spark job that has not finished", "a folder of"),
    (delta_table, f"{SOLD} is a Delta table", "", "plain parquet files"),
    (no_parts, f"{SOLD} contains .parquet files", "none", "export the table again"),
    (an_empty_part, "2.parquet is a parquet file", "starts with b''", "export the table again"),
    (a_part_without_a_column, "2.parquet has the column price", "t_dat, customer_id", "unchanged"),
    (a_part_of_numbers, "article_id of 0.parquet is text", "int64", "unchanged"),
    (parts_without_rows, f"{SOLD} has rows", "none", "unchanged"),
    (a_broken_link, ".parquet files and markers", "2.parquet", "move it away"),
]


@pytest.mark.parametrize(
    ("break_it", "rule", "found", "fix"), BROKEN, ids=[case[0].__name__ for case in BROKEN]
)
def test_a_folder_of_more_than_its_parts_is_refused(
    parts: Path, break_it: Callable[[Path], None], rule: str, found: str, fix: str
) -> None:
    break_it(parts)
    assert_refused(parts.parent, rule, found, fix)
