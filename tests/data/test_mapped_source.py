"""One small shop in thirty spellings: each gives the known tables, or a refusal that helps."""

import gzip
import random
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemline import tables
from hemline.data.acquire import csv_records
from hemline.data.acquire.returned_units import units_left
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import (
    ARTICLES,
    CUSTOMERS,
    N_LINES,
    TOWNS,
    Description,
    Row,
    acquire,
    days_on,
    description,
    lines,
    rows_of,
    table_of,
    write_csv,
)

Spelling = Callable[[Path, Description], None]


@pytest.fixture(scope="session")
def known(on_duckdb: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tables of the plain export."""
    folder = tmp_path_factory.mktemp("known")
    write_csv(folder / "sales.csv", lines())
    return acquire(on_duckdb, folder, description())


def test_the_plain_export_gives_the_known_tables(known: dict[str, bytes]) -> None:
    sold = ["t_dat", "customer_id", "article_id", "price", "sales_channel_id", "units"]
    code = {"store": 1, "online": 2}
    expected = [
        [days_on(n // 3), row["Client"], row["SKU"], row["Price"], code[row["Shop"]], row["Qty"]]
        for n, row in enumerate(lines())
    ]
    assert sorted(rows_of(known, "transactions", *sold)) == sorted(expected)
    schema = tables.TRANSACTIONS.append(tables.UNITS_FIELD)
    assert table_of(known, "transactions").schema.equals(schema)
    assert rows_of(known, "channels", "sales_channel_id", "name") == [[1, "store"], [2, "online"]]
    towns = [list(one) for one in zip(CUSTOMERS, TOWNS, strict=True)]
    assert rows_of(known, "customers", "customer_id", "Town") == towns
    articles = table_of(known, "articles").to_pydict()
    assert articles["article_id"] == articles["product_code"] == sorted(ARTICLES)
    assert articles["prod_name"][0] == f"Article; no. {ARTICLES.index('A1-blue')}, nice"
    assert set(known) == {
        "articles", "customers", "transactions", "article_keys", "customer_keys", "unlikes",
        "channels",
    }  # fmt: skip


def test_what_is_not_described_is_null_and_never_invented(known: dict[str, bytes]) -> None:
    for name, given_columns in (
        ("articles", {"article", "article_id", "product_code", "prod_name"}),
        ("customers", {"customer", "customer_id", "Town"}),
    ):
        table = table_of(known, name)
        for column in set(table.column_names) - given_columns:
            assert table[column].null_count == len(table), column


def as_csv(path: str = "sales.csv", **options: Any) -> Spelling:
    def write(folder: Path, described: Description) -> None:
        write_csv(folder / path, lines(), **options)
        described["transactions"]["file"] = path

    return write


def describe(spelling: Spelling, **changes: Any) -> Spelling:
    """Return a spelling whose description of the transactions says more."""

    def write(folder: Path, described: Description) -> None:
        spelling(folder, described)
        described["transactions"].update(changes)

    return write


def with_section(spelling: Spelling, **sections: Any) -> Spelling:
    def write(folder: Path, described: Description) -> None:
        spelling(folder, described)
        described.update(sections)

    return write


def changed_rows(change: Callable[[Row], Row], **options: Any) -> Spelling:
    def write(folder: Path, _described: Description) -> None:
        write_csv(folder / "sales.csv", [change(row) for row in lines()], **options)

    return write


def renamed(folder: Path, described: Description) -> None:
    changed_rows(lambda row: {f"{name} (x)": value for name, value in row.items()})(
        folder, described
    )
    names = described["transactions"]["columns"]
    described["transactions"]["columns"] = {ours: f"{name} (x)" for ours, name in names.items()}
    described["articles"]["columns"] = {"prod_name": "Text (x)"}
    described["customers"] = {"attributes": {"Town (x)": "text"}}


def reordered(folder: Path, described: Description) -> None:
    changed_rows(lambda row: dict(sorted(row.items())))(folder, described)


def shuffled(folder: Path, _described: Description) -> None:
    rows = lines()
    random.Random(3).shuffle(rows)  # noqa: S311  (no secret)
    write_csv(folder / "sales.csv", rows)


def zipped(folder: Path, described: Description) -> None:
    write_csv(folder / "sales.csv", lines())
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        archive.write(folder / "sales.csv", "any name.csv")
        archive.writestr("__MACOSX/._any name.csv", b"of the Finder")
    described["transactions"]["file"] = "export.zip"


def gzipped(folder: Path, described: Description) -> None:
    write_csv(folder / "sales.csv", lines())
    (folder / "sales.csv.gz").write_bytes(gzip.compress((folder / "sales.csv").read_bytes()))
    described["transactions"]["file"] = "sales.csv.gz"


def as_parquet(change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame) -> Spelling:
    def write(folder: Path, described: Description) -> None:
        frame = change(pd.DataFrame(lines()))
        pq.write_table(pa.Table.from_pandas(frame), folder / "sales.parquet")
        described["transactions"]["file"] = "sales.parquet"

    return write


def as_parts(folder: Path, described: Description) -> None:
    rows = pd.DataFrame(lines())
    (folder / "sales" / "year=2011").mkdir(parents=True)
    for number in range(3):
        path = folder / "sales" / "year=2011" / f"part-{number}.parquet"
        rows[number * 8 : number * 8 + 8].to_parquet(path)
    (folder / "sales" / "_SUCCESS").touch()
    described["transactions"]["file"] = "sales"


def categories(frame: pd.DataFrame) -> pd.DataFrame:
    texts = ("Client", "SKU", "Shop", "Town")
    return frame.astype(dict.fromkeys(texts, "category"))


def in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(Date=frame["Date"].dt.tz_localize("Europe/London").dt.tz_convert("UTC"))


def three_files(folder: Path, described: Description) -> None:
    rows = lines()
    texts = {row["SKU"]: row["Text"] for row in rows}
    write_csv(folder / "art.csv", [{"SKU": sku, "Text": text} for sku, text in texts.items()])
    people = [{"No": c, "Town": t} for c, t in zip(CUSTOMERS, TOWNS, strict=True)]
    outdated = {"No": CUSTOMERS[0], "Town": "Bonn"}
    write_csv(folder / "people.csv", [outdated, *people], delimiter=";", encoding="cp1252")
    sold = [{name: row[name] for name in list(row)[:7]} for row in rows]
    write_csv(folder / "sales.csv", sold)
    described["articles"] = {
        "file": "art.csv",
        "columns": {"article_id": "SKU", "prod_name": "Text"},
    }
    described["customers"] = {
        "file": "people.csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "columns": {"customer_id": "No"},
        "attributes": {"Town": "text"},
    }


def london(time: datetime) -> datetime:
    return time.replace(tzinfo=ZoneInfo("Europe/London"))


def with_comma(number: float) -> str:
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


def cents(row: Row) -> Row:
    return row | {"Price": round(row["Price"] * 100)}


def line_total(row: Row) -> Row:
    return row | {"Price": row["Price"] * row["Qty"]}


def null_spelled(row: Row) -> Row:
    return {name: "NULL" if value is None else value for name, value in row.items()}


def other_channel_names(row: Row) -> Row:
    return row | {"Shop": {"online": "W", "store": "Filiale 3"}[row["Shop"]]}


def padded(row: Row) -> Row:
    return row | {"Client": f" {row['Client']} ", "SKU": f"{row['SKU']}  "}


def in_dollars(row: Row) -> Row:
    return row | {"Price": row["Price"] * 4, "Currency": "USD"}


SPELLINGS: dict[str, Spelling] = {
    "renamed columns": renamed,
    "reordered columns": reordered,
    "reordered rows": shuffled,
    "semicolon": describe(as_csv(delimiter=";"), delimiter=";"),
    "tab": describe(as_csv("sales.tsv", delimiter="\t"), delimiter="\t"),
    "pipe": describe(as_csv("sales.txt", delimiter="|"), delimiter="|"),
    "decimal comma": describe(
        as_csv(delimiter=";", number=lambda n: repr(n).replace(".", ",")),
        delimiter=";", decimal=",",
    ),
    "thousands by point": describe(as_csv(number=with_comma), decimal=",", thousands="."),
    "thousands by blank": describe(
        as_csv(number=lambda n: f"{n:,}".replace(",", "\u00a0")), thousands=" "
    ),
    "latin-1": describe(as_csv(encoding="latin-1"), encoding="latin-1"),
    "utf-16": describe(as_csv(encoding="utf-16"), encoding="utf-16"),
    "byte order mark": as_csv(encoding="utf-8-sig"),
    "single quotes": describe(as_csv(quote="'"), quote="'"),
    "no quotes": describe(as_csv(quote=None, delimiter="\t"), quote=None, delimiter="\t"),
    "ISO 8601 with T": as_csv(day=datetime.isoformat),
    "days only, by month": with_section(
        as_csv(day=lambda t: f"{t:%d/%m/%Y}"), days={"format": "%d/%m/%Y"}
    ),
    "American times": with_section(
        as_csv(day=lambda t: f"{t:%m/%d/%Y %I:%M %p}"), days={"format": "%m/%d/%Y %I:%M %p"}
    ),
    "moments with a zone": with_section(
        as_csv(day=lambda t: london(t).isoformat()), days={"zone": "Europe/London"}
    ),
    "moments in UTC": with_section(
        as_csv(day=lambda t: f"{london(t).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
        days={"zone": "Europe/London"},
    ),
    "stored in UTC": with_section(
        as_csv(day=lambda t: f"{london(t).astimezone(UTC):%Y-%m-%d %H:%M}"),
        days={"zone": "Europe/London", "stored_in": "UTC"},
    ),
    "gzip": gzipped,
    "zip": zipped,
    "parquet": as_parquet(),
    "parquet of categories": as_parquet(categories),
    "parquet of moments": with_section(as_parquet(in_utc), days={"zone": "Europe/London"}),
    "parts of parquet": as_parts,
    "cents": with_section(changed_rows(cents), price={"divide_by": 100, "currency": "EUR"}),
    "totals of lines": with_section(changed_rows(line_total), price={"of": "line"}),
    "NULL": describe(changed_rows(null_spelled), null_values=["NULL"]),
    "three files": three_files,
    "names of channels": with_section(
        changed_rows(other_channel_names), channels={"online": ["W"], "store": ["Filiale 3"]}
    ),
    "blanks around ids": changed_rows(padded),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_another_spelling_gives_the_same_bytes(
    on_duckdb: Engine, tmp_path: Path, known: dict[str, bytes], name: str
) -> None:
    described = description()
    folder = tmp_path / "export"
    folder.mkdir()
    SPELLINGS[name](folder, described)
    acquired = acquire(on_duckdb, folder, described)
    if name == "renamed columns":
        assert table_of(acquired, "customers")["Town (x)"].to_pylist() == list(TOWNS)
        del acquired["customers"]
    assert acquired == {table: known[table] for table in acquired}


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_export_of_the_same_shop_gives_the_same_bytes(
    on_duckdb: Engine, tmp_path: Path, known: dict[str, bytes], data: st.DataObject
) -> None:
    rows, described = lines(), description()
    names = data.draw(st.permutations(list(rows[0])), "order")
    theirs = dict(
        zip(names, data.draw(st.lists(st.text("abcÄ \"'%,;", min_size=1), unique_by=str.strip,
                                      min_size=9, max_size=9)), strict=True)
    )  # fmt: skip
    theirs = {name: f"{place}{text.strip()}" for place, (name, text) in enumerate(theirs.items())}
    theirs["Town"] = "Town"
    rows = data.draw(st.permutations(rows), "rows")
    delimiter = data.draw(st.sampled_from(",;\t|~"))
    encoding = data.draw(st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-8-sig"]))
    comma = delimiter != "," and data.draw(st.booleans())
    form = data.draw(st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M", "%m/%d/%Y %H:%M"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "_BLOCK_BYTES", data.draw(st.integers(300, 3000)))
        write_csv(
            tmp_path / "sales.csv",
            [{theirs[name]: row[name] for name in names} for row in rows],
            delimiter=delimiter,
            encoding=encoding,
            number=lambda n: repr(n).replace(".", ",") if comma else repr(n),
            day=lambda time: time.strftime(form),
        )
        sold = described["transactions"]
        sold |= {"delimiter": delimiter, "encoding": encoding, "decimal": "," if comma else "."}
        sold["columns"] = {ours: theirs[name] for ours, name in sold["columns"].items()}
        described["articles"]["columns"]["prod_name"] = theirs["Text"]
        described["days"] = {"format": form}
        assert acquire(on_duckdb, tmp_path, described) == known


def write_changed(folder: Path, rows: list[Row]) -> None:
    write_csv(folder / "sales.csv", rows)


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


def with_guests() -> list[Row]:
    rows = lines()
    for number in (0, 1, 6):
        rows[number]["Client"] = None
    return rows


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


def one_line(**change: Any) -> Callable[[Path, Description], None]:
    def write(folder: Path, described: Description) -> None:
        new = change.keys() - lines()[0].keys()
        rows = [row | dict.fromkeys(new, "EUR") for row in lines()]
        rows[2] |= change
        write_csv(folder / "sales.csv", rows)
        for ours, theirs in {"currency": "Currency"}.items():
            if theirs in change:
                described["transactions"]["columns"][ours] = theirs

    return write


def mapped_to(**change: str) -> Callable[[Path, Description], None]:
    def write(folder: Path, described: Description) -> None:
        write_csv(folder / "sales.csv", lines())
        described["transactions"]["columns"] |= change

    return write


REFUSED: dict[str, tuple[Spelling, str]] = {
    "a negative price": (
        one_line(Price=-1.0), r"every Price .* 0 or more in a sale(.|\n)*line 4: -1.0",
    ),
    "returns without a policy": (one_line(Qty=-3), r"line 4: -3(.|\n)*source.returns"),
    "guests without a policy": (one_line(Client=None), r"line 4: none(.|\n)*source.guests"),
    "two currencies": (one_line(Currency="USD"), r"found: EUR, USD(.|\n)*source.price.only"),
    "a currency without a rate": (
        with_section(one_line(Currency="USD"), price={"currency": "EUR", "rates": {"GBP": 1.2}}),
        r"one of EUR, GBP(.|\n)*line 4: 'USD'",
    ),
    "a fraction of a unit": (one_line(Qty=1.5), r"every Qty .* whole number(.|\n)*line 4: 1.5"),
    "no units": (one_line(Qty=None), r"every Qty .* whole number(.|\n)*line 4: None"),
    "another decimal sign": (one_line(Price="1,5"), r"decimal sign '\.'(.|\n)*line 4: '1,5'"),
    "latin-1 undeclared": (
        as_csv(encoding="latin-1"), r"UTF-8(.|\n)*set source.transactions.encoding",
    ),
    "cp1252 that is not": (
        describe(as_csv(encoding="utf-16"), encoding="cp932"), r"encoded as cp932(.|\n)*line 1",
    ),
    "another delimiter": (as_csv(delimiter=";"), r"columns(.|\n)*Date;Client;SKU"),
    "a column that is not there": (mapped_to(price="Cost"), r"column Cost\n(.|\n)*Date, Client"),
    "a day of another format": (one_line(Date="25.03.2011"), r"line 4: '25.03.2011'"),
    "a day that is none": (
        with_section(one_line(Date="31/02/2011"), days={"format": "%d/%m/%Y"}),
        r"format %d/%m/%Y\n(.|\n)*line 2",
    ),
    "a moment without a zone": (
        as_csv(day=lambda t: f"{london(t).isoformat()}"), r"set days.zone",
    ),
    "a day that no shop has seen": (one_line(Date="0999-01-01"), "between 1900|line 4"),
    "an id that a spreadsheet rounded": (
        one_line(Client="1.23457E+12"), r"spreadsheet has rounded(.|\n)*line 4",
    ),
    "an id that cannot be shown": (one_line(SKU="a\x1bb"), r"printable characters"),
    "a file that is not there": (
        describe(as_csv(), file="other.csv"), r"holds other.csv(.|\n)*sales.csv",
    ),
    "a path": (describe(as_csv(), file="../sales.csv"), "is the name of a file"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_a_person_is_refused_with_the_place_and_the_key(
    on_duckdb: Engine, tmp_path: Path, name: str
) -> None:
    spelling, pattern = REFUSED[name]
    described = description()
    spelling(tmp_path, described)
    with pytest.raises(BadInput, match=pattern) as refusal:
        acquire(on_duckdb, tmp_path, described)
    assert "Kaggle" not in str(refusal.value)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
def test_spark_writes_the_same_bytes(on_duckdb: Engine, on_spark: Engine, tmp_path: Path) -> None:
    rows = with_guests()
    rows += [rows[3] | {"Qty": -2}, rows[4] | {"Shop": "Outlet"}, rows[5] | {"Text": "renamed"}]
    write_changed(tmp_path, rows)
    described = description() | {
        "guests": {"policy": "anonymous"}, "returns": {"policy": "net"},
        "product_code": {"pattern": "^([A-Z]\\d)"},
    }  # fmt: skip
    by_duckdb = acquire(on_duckdb, tmp_path, described)
    assert acquire(on_spark, tmp_path, described) == by_duckdb
