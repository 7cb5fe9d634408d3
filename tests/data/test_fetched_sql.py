"""The small shop in a database gives the bytes of its csv export."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from hemline.data.acquire.source_params import SourceParams
from hemline.data.fetch import sql_rows
from hemline.data.fetch.fetched_tables import fetch
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import (
    CUSTOMERS,
    TOWNS,
    Description,
    acquire,
    description,
    lines,
)
from tests.postgres_server import PASSWORD, connected, postgres

SALES = sa.Table(
    "Sales 2011",
    sa.MetaData(schema="till"),
    sa.Column("Date", sa.DateTime(timezone=True)),
    sa.Column("Client", sa.CHAR(8)),
    sa.Column("SKU", sa.Text),
    sa.Column("Price", sa.Numeric(10, 2)),
    sa.Column("Qty", sa.SmallInteger),
    sa.Column("Shop", sa.Text),
    sa.Column("Bill", sa.Text),
    sa.Column("Text", sa.Text),
    sa.Column("Town", sa.Text),
    sa.Column("Picture", sa.LargeBinary),
)
SECRET = {"password_from": "SHOP_DB_PASSWORD"}
LONDON = ZoneInfo("Europe/London")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The small shop in PostgreSQL, its times as moments of a summer-time change."""
    with postgres() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_DB_PASSWORD", PASSWORD)
        with connected(url).begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA till"))
            SALES.create(connection)
            rows = [row | {"Date": row["Date"].replace(tzinfo=LONDON), "Picture": b"x"}
                    for row in lines()]  # fmt: skip
            connection.execute(SALES.insert(), rows)
        yield url


def by_url(url: str, **changes: Any) -> Description:
    described = description()
    columns = described["transactions"]["columns"]
    described["transactions"] = {"url": url, "columns": columns, **changes}
    return described


def fetched(engine: Engine, folder: Path, described: Description) -> dict[str, bytes]:
    """Return the tables of a description after its URLs were fetched into a folder."""
    list(fetch(SourceParams.model_validate(described), folder))
    return acquire(engine, folder, described)


def in_sqlite(path: Path, rows: list[dict[str, Any]], name: str = "sales") -> str:
    url = f"sqlite:///{path}"
    columns = ", ".join(f'"{one}"' for one in rows[0])
    marks = ", ".join("?" * len(rows[0]))
    values = [tuple(str(one) if isinstance(one, datetime) else one for one in row.values())
              for row in rows]  # fmt: skip
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql(f'CREATE TABLE "{name}" ({columns})')
        connection.exec_driver_sql(f'INSERT INTO "{name}" VALUES ({marks})', values)  # noqa: S608  (ours)
    return url


def test_a_table_of_postgresql_gives_the_bytes_of_the_csv(
    server: str, on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    described = by_url(server, table="till.Sales 2011", **SECRET)
    described["days"] = {"zone": "Europe/London"}
    assert fetched(on_duckdb, tmp_path, described) == known


def test_a_query_of_postgresql_gives_the_bytes_of_the_csv(
    server: str, on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sql_rows, "ROWS_AT_A_TIME", 5)
    monkeypatch.setenv("SHOP_DB_USER", "shop")
    query = """
        SELECT "Date"::timestamptz AT TIME ZONE 'Europe/London' AS "Date", "Client", "SKU", "Price",
               "Qty", "Shop", "Bill", "Text", "Town"
        FROM till."Sales 2011" WHERE "Text" LIKE 'Article%' AND "Qty" % 5 = 1 ORDER BY "Bill"
    """
    described = by_url(
        server.replace("shop@", ""), query=query, user_from="SHOP_DB_USER",
        **SECRET,
    )  # fmt: skip
    assert fetched(on_duckdb, tmp_path, described) == known
    assert len(list((tmp_path / "fetched/transactions").iterdir())) == 5  # 24 rows, 5 at a time


def test_libpqs_own_variables_are_used_where_params_name_none(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("PGHOST", server.partition("host=")[2])
    monkeypatch.setenv("PGUSER", "shop")
    described = by_url("postgresql:///postgres", table="till.Sales 2011")
    assert list(fetch(SourceParams.model_validate(described), tmp_path)) == [
        "transactions: 24 rows from postgresql+psycopg:///postgres"
    ]


def test_the_database_is_read_in_one_snapshot_and_cannot_be_written(server: str) -> None:
    table = SourceParams.model_validate(by_url(server, table="till.Sales 2011", **SECRET)).sold
    with sql_rows.opened(table, "source.transactions") as database:
        count = sa.text('SELECT count(*) FROM till."Sales 2011"')
        assert database.connection.scalar(count) == 24
        with connected(server).begin() as other:
            other.execute(SALES.insert(), [{"SKU": "later"}])
        assert database.connection.scalar(count) == 24
        with connected(server).begin() as other:
            other.execute(SALES.delete().where(SALES.c.SKU == "later"))
        with pytest.raises(BadInput, match="read-only transaction"), database.refusals():
            database.connection.execute(SALES.delete())


@pytest.mark.parametrize(
    ("changes", "variable", "found"),
    [
        ({"table": "till.sales"}, PASSWORD, "found: Sales 2011"),
        ({"query": "SELECT 1 AS x"}, PASSWORD, "found: x"),
        ({"query": "SELEC 1"}, PASSWORD, 'syntax error at or near "SELEC"'),
        ({"query": 'SELECT * FROM till."Sales 2011" WHERE false'}, PASSWORD, "found: none"),
        ({"table": "x"}, "wrong", "password authentication failed"),
        ({"table": "x"}, "", "SHOP_DB_PASSWORD is empty or not set"),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_earlier_copy_stays(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any],
    variable: str, found: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("SHOP_DB_PASSWORD", variable)
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched/earlier").touch()
    described = by_url(server, **SECRET, **changes)
    with pytest.raises(BadInput, match=found) as refusal:
        list(fetch(SourceParams.model_validate(described), tmp_path))
    assert PASSWORD not in str(refusal.value)
    assert "wrong" not in str(refusal.value)
    assert [one.name for one in (tmp_path / "fetched").iterdir()] == ["earlier"]


def test_sqlite_gives_the_bytes_of_the_csv_in_any_order_of_rows(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    rows = lines()
    random.Random(3).shuffle(rows)  # noqa: S311  (no secret)
    described = by_url(in_sqlite(tmp_path / "shop.db", rows), table="sales")
    assert fetched(on_duckdb, tmp_path, described) == known


def test_tables_of_their_own_are_fetched_with_the_sales(
    on_duckdb: Engine, known: dict[str, bytes], tmp_path: Path
) -> None:
    sold = [{name: row[name] for name in row if name != "Town"} for row in lines()]
    url = in_sqlite(tmp_path / "shop.db", sold)
    people = [{"No": c, "Town": t} for c, t in zip(CUSTOMERS, TOWNS, strict=True)]
    in_sqlite(tmp_path / "shop.db", people, "people")
    described = by_url(url, table="sales")
    described["customers"] = {
        "url": url, "table": "people", "columns": {"customer_id": "No"},
        "attributes": {"Town": "text"},
    }  # fmt: skip
    assert fetched(on_duckdb, tmp_path, described) == known


def test_the_same_rows_are_fetched_to_the_same_bytes(tmp_path: Path) -> None:
    described = by_url(in_sqlite(tmp_path / "shop.db", lines()), table="sales")
    written = []
    for _ in range(2):
        list(fetch(SourceParams.model_validate(described), tmp_path))
        written.append((tmp_path / "fetched/transactions/part-00000.parquet").read_bytes())
    assert written[0] == written[1]


def test_a_column_of_several_types_becomes_text_and_bytes_are_refused(tmp_path: Path) -> None:
    rows = [{"a": value} for value in (7, "x", None, 2.5)]
    table = SourceParams.model_validate(
        by_url(in_sqlite(tmp_path / "mixed.db", rows), query="SELECT a FROM sales")
    ).sold
    with sql_rows.opened(table, "source.transactions") as database:
        (batch,) = database.read(table, ["a"])
    assert batch.column("a").to_pylist() == ["7", "x", None, "2.5"]
    rows.append({"a": b"\0"})
    other = table.model_copy(update={"url": in_sqlite(tmp_path / "bytes.db", rows)})
    with (
        sql_rows.opened(other, "source.transactions") as database,
        pytest.raises(BadInput, match=r"CAST\(\.\.\. AS VARCHAR\)"),
    ):
        list(database.read(other, ["a"]))


def test_moments_are_stored_in_utc_whatever_zone_the_session_has(server: str) -> None:
    query = "SELECT timestamptz '2011-03-27 02:30+02' AS at, 12.50::numeric AS price"
    table = SourceParams.model_validate(by_url(server, query=query, **SECRET)).sold
    with sql_rows.opened(table, "source.transactions") as database:
        (batch,) = database.read(table, None)
    assert str(batch.schema.field("at").type) == "timestamp[us, tz=UTC]"
    assert batch.to_pylist() == [
        {"at": datetime(2011, 3, 27, 0, 30, tzinfo=UTC), "price": Decimal("12.50")}
    ]


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path) -> None:
    described = by_url("snowflake://shop@account/db", table="sales")
    with pytest.raises(BadInput, match=r"a driver .* is installed"):
        list(fetch(SourceParams.model_validate(described), tmp_path))
