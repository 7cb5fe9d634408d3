"""What a description decides: units, returns, guests, products, channels, currencies, ids."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline import tables
from hemline.data.acquire.returned_units import units_left
from hemline.engine.engine import Engine
from tests.data.small_shop import (
    CUSTOMERS,
    N_LINES,
    Description,
    Row,
    acquire,
    days_on,
    description,
    lines,
    rows_of,
    table_of,
    with_guests,
    write_changed,
)


def in_dollars(row: Row) -> Row:
    return row | {"Price": row["Price"] * 4, "Currency": "USD"}


def test_without_optional_columns_theirs_are_null_and_a_row_is_a_unit(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    write_changed(tmp_path, lines())
    only = {"t_dat": "Date", "customer_id": "Client", "article_id": "SKU"}
    acquired = acquire(
        on_duckdb, tmp_path, {"transactions": {"file": "sales.csv", "columns": only}}
    )
    sold = table_of(acquired, "transactions")
    assert sold.schema.equals(tables.TRANSACTIONS)
    assert len(sold) == N_LINES == sold["price"].null_count == sold["sales_channel_id"].null_count
    assert "channels" not in acquired


def test_a_third_channel_gets_the_next_number_and_its_name(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    rows = lines()
    rows[0]["Shop"], rows[1]["Shop"], rows[2]["Shop"] = "telephone", "Outlet", None
    write_changed(tmp_path, rows)
    acquired = acquire(on_duckdb, tmp_path, description())
    channels = rows_of(acquired, "channels", "sales_channel_id", "name")
    assert channels == [[1, "store"], [2, "online"], [3, "Outlet"], [4, "telephone"]]
    codes = table_of(acquired, "transactions")["sales_channel_id"].to_pylist()
    assert (codes.count(3), codes.count(4), codes.count(None)) == (1, 1, 1)


RETURNS: dict[str, tuple[Row, Description, Description]] = {
    "negative units": ({"Qty": -4}, {}, {"policy": "net"}),
    "a type": ({"Qty": 4, "Kind": "Refund"}, {"line_type": "Kind"},
               {"policy": "net", "types": ["Refund"]}),
    "a cancelled basket": ({"Qty": 4, "Bill": "X-1"}, {},
                           {"policy": "net", "basket_pattern": "^X"}),
}  # fmt: skip


def two_purchases_and_a_return(change: Row) -> list[Row]:
    """Return 3 units, then 2, then 4 taken back, then 1 more; all of one customer and article."""
    first = lines()[0] | {"Qty": 3, "Kind": "Sale"}
    day = pd.Timedelta(days=1)
    second = first | {"Date": first["Date"] + day, "Qty": 2, "Bill": "b9"}
    back = first | {"Date": first["Date"] + 2 * day} | change
    third = first | {"Date": first["Date"] + 3 * day, "Qty": 1, "Bill": "b10"}
    return [back, third, second, first, lines()[1] | {"Kind": "Sale"}]


@pytest.mark.parametrize("name", RETURNS)
def test_a_return_takes_back_the_latest_earlier_units(
    on_duckdb: Engine, tmp_path: Path, name: str
) -> None:
    change, names, policy = RETURNS[name]
    write_changed(tmp_path, two_purchases_and_a_return(change))
    described = description() | {"returns": policy}
    described["transactions"]["columns"] |= names
    acquired = acquire(on_duckdb, tmp_path, described)
    units = rows_of(acquired, "transactions", "t_dat", "customer_id", "units")
    assert sorted(one for one in units if one[1] == "C-10") == [
        [days_on(0), "C-10", 3 + 2 - 4],
        [days_on(3), "C-10", 1],
    ]


def test_returns_that_are_dropped_leave_what_was_bought(on_duckdb: Engine, tmp_path: Path) -> None:
    write_changed(tmp_path, two_purchases_and_a_return({"Qty": -4}))
    acquired = acquire(on_duckdb, tmp_path, description() | {"returns": {"policy": "drop"}})
    assert sum(table_of(acquired, "transactions")["units"].to_pylist()) == 3 + 2 + 1 + 6


def test_a_return_without_a_purchase_is_counted(
    on_duckdb: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = lines()
    rows.append(rows[0] | {"Qty": -100, "SKU": "never sold"})
    rows.append(rows[5] | {"Qty": -1, "Client": "C-10", "SKU": "Ü9"})
    write_changed(tmp_path, rows)
    with caplog.at_level("INFO"):
        acquired = acquire(on_duckdb, tmp_path, description() | {"returns": {"policy": "net"}})
    had = [row["Qty"] for row in rows[:N_LINES] if (row["Client"], row["SKU"]) == ("C-10", "Ü9")]
    matched = min(1, len(had))
    assert (
        f"returns: {matched} units took back a purchase, {101 - matched} found none" in caplog.text
    )
    assert "never sold" not in table_of(acquired, "article_keys")["article_id"].to_pylist()


def brute_left(sold: list[tuple[int, int]], returned: list[tuple[int, int]]) -> list[int]:
    """Return the units left of purchases (time, units), taking back one unit at a time."""
    left = [units for _, units in sold]
    for time, units in sorted(returned):
        for _ in range(units):
            earlier = [n for n, (day, _) in enumerate(sold) if day <= time and left[n]]
            if earlier:
                left[max(earlier, key=lambda n: sold[n][0])] -= 1
    return left


@settings(max_examples=50)
@given(
    sold=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=12,
                  unique_by=lambda one: one[0]),
    returned=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=8),
)  # fmt: skip
def test_netting_is_what_taking_back_unit_by_unit_gives(
    sold: list[tuple[int, int]], returned: list[tuple[int, int]]
) -> None:
    def frame(rows: list[tuple[int, int]]) -> pd.DataFrame:
        times, units = np.array(rows, np.int64).reshape(-1, 2).T
        return pd.DataFrame({"customer": 1, "article": 2, "units": units, "time": times})

    left, n_unmatched = units_left(frame(sold), frame(returned), ["time"])
    assert left.tolist() == brute_left(sold, returned)
    assert n_unmatched == sum(u for _, u in returned) - sum(u for _, u in sold) + left.sum()


def test_guests_are_sold_to_and_are_never_a_customer(on_duckdb: Engine, tmp_path: Path) -> None:
    write_changed(tmp_path, with_guests())
    acquired = acquire(on_duckdb, tmp_path, description() | {"guests": {"policy": "anonymous"}})
    guests = table_of(acquired, "guest_sales")
    assert guests.schema.equals(tables.GUEST_SALES)
    sold = [row for row in with_guests() if row["Client"] is None]
    assert sorted(rows_of(acquired, "guest_sales", "article_id", "units")) == sorted(
        [row["SKU"], row["Qty"]] for row in sold
    )
    assert guests["basket"].to_pylist() == [0, 0, 1]  # b0 twice, b3
    assert len(table_of(acquired, "transactions")) == N_LINES - 3
    assert table_of(acquired, "customer_keys")["customer_id"].to_pylist() == list(CUSTOMERS)


def test_guests_may_have_a_number_and_may_be_dropped(on_duckdb: Engine, tmp_path: Path) -> None:
    rows = [row | {"Client": row["Client"] or "0"} for row in with_guests()]
    write_changed(tmp_path, rows)
    described = description() | {"guests": {"policy": "drop", "ids": [0]}}
    acquired = acquire(on_duckdb, tmp_path, described)
    assert "guest_sales" not in acquired
    assert len(table_of(acquired, "transactions")) == N_LINES - 3


def test_what_is_no_article_is_left_out_whatever_its_line_holds(
    on_duckdb: Engine, tmp_path: Path, known: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    odd = lines()[0] | {"Price": -9.0, "Qty": 1}
    write_changed(tmp_path, [odd | {"SKU": "POST"}, *lines(), odd | {"SKU": "Z"}])
    described = description() | {"not_articles": {"ids": ["Z"], "pattern": "^PO"}}
    with caplog.at_level("INFO"):
        assert acquire(on_duckdb, tmp_path, described) == known
    assert "no articles: POST (1), Z (1)" in caplog.text


def test_a_product_is_a_group_of_the_id_or_a_column(on_duckdb: Engine, tmp_path: Path) -> None:
    write_changed(tmp_path, lines())
    described = description() | {"product_code": {"pattern": "^([A-Z]\\d)"}}
    acquired = acquire(on_duckdb, tmp_path, described)
    assert rows_of(acquired, "articles", "article_id", "product_code") == [
        ["A1-blue", "A1"], ["A1-red", "A1"], ["B7", "B7"], ["Ü9", "Ü9"],
    ]  # fmt: skip
    described = description()
    described["articles"]["columns"]["product_code"] = "Text"
    acquired = acquire(on_duckdb, tmp_path, described)
    assert rows_of(acquired, "articles", "product_code") == rows_of(
        acquired, "articles", "prod_name"
    )


def test_the_latest_value_of_an_attribute_wins_and_a_guests_never(
    on_duckdb: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = lines()
    of_b7 = [row for row in rows if row["SKU"] == "B7"]
    of_b7[-1]["Text"], of_b7[0]["Text"] = "renamed", "first name"
    rows.append(of_b7[-1] | {"Client": None, "Text": "damaged", "Price": 0.0})
    rows[-1]["Date"] += pd.Timedelta(days=3)
    write_changed(tmp_path, rows)
    with caplog.at_level("INFO"):
        acquired = acquire(on_duckdb, tmp_path, description() | {"guests": {"policy": "anonymous"}})
    assert ["B7", "renamed"] in rows_of(acquired, "articles", "article_id", "prod_name")
    assert "prod_name: 1 of 4 have several values" in caplog.text


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (range(10, 14), ["10", "11", "12", "13"]),
        ([10.0, 11.0, 12.0, 13.0], ["10", "11", "12", "13"]),
        ([f"{n}9f0a3c4-0000-4000-8000-00000000000{n}" for n in range(4)], None),
        (["12345.0", "2", "03", "x.0"], ["03", "12345", "2", "x.0"]),
    ],
)
def test_ids_are_any_unique_text_or_number(
    on_duckdb: Engine, tmp_path: Path, ids: Any, expected: list[str] | None
) -> None:
    new = dict(zip(CUSTOMERS, ids, strict=True))
    rows = [row | {"Client": new[row["Client"]]} for row in lines()]
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(rows)), tmp_path / "sales.parquet")
    write_changed(tmp_path, rows)
    described = description()
    from_csv = acquire(on_duckdb, tmp_path, described)
    described["transactions"]["file"] = "sales.parquet"
    assert acquire(on_duckdb, tmp_path, described) == from_csv
    keys = table_of(from_csv, "customer_keys")["customer_id"].to_pylist()
    assert keys == (sorted(ids) if expected is None else expected)


def test_a_free_article_other_years_and_odd_attributes_are_read(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    rows = [row | {"Price": 0.0, "Kilo": 1.5, "Date": row["Date"].replace(year=1999)}
            for row in lines()]  # fmt: skip
    write_changed(tmp_path, rows)
    described = description()
    described["articles"]["attributes"] = {"Kilo": "number"}
    described["customers"]["columns"] = {"club_member_status": "Shop"}
    acquired = acquire(on_duckdb, tmp_path, described)
    assert set(table_of(acquired, "transactions")["price"].to_pylist()) == {0.0}
    assert table_of(acquired, "articles")["Kilo"].to_pylist() == [1.5] * 4
    assert min(table_of(acquired, "transactions")["t_dat"].to_pylist()) == date(1999, 3, 25)
    assert table_of(acquired, "customers")["club_member_status"].to_pylist() == [
        "online", "store", "online", "store",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"only": "EUR"}, {2.5, 3.25, 1234.5, 0.75}),
        ({"currency": "EUR", "rates": {"USD": 0.25}}, {2.5, 3.25, 1234.5, 0.75}),
    ],
)
def test_several_currencies_are_read_by_a_decision(
    on_duckdb: Engine, tmp_path: Path, price: Description, expected: set[float]
) -> None:
    euros = [row | {"Currency": "EUR"} for row in lines()]
    write_changed(tmp_path, [*euros, in_dollars(lines()[0])])
    described = description() | {"price": price}
    described["transactions"]["columns"]["currency"] = "Currency"
    acquired = acquire(on_duckdb, tmp_path, described)
    sold = table_of(acquired, "transactions")
    assert set(sold["price"].to_pylist()) == expected
    assert len(sold) == N_LINES + ("rates" in price)
