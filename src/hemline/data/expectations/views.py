"""The tables as SQL views for Great Expectations and for our own queries.

DuckDB: Great Expectations does not support it officially; through SQLAlchemy it works if nothing
opens a transaction, which the small dialect below ensures. In return, all checks run as SQL on
columns: 31.8 million rows take seconds, where pandas would go through them row by row.

Spark: Great Expectations' own engine, on temporary views of the session that the table work uses.
Great Expectations persists nothing there: scanning two columns is cheaper than caching a table.
"""
# ruff: noqa: S608 (the SQL is made of our own names)

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import duckdb
import duckdb_engine
import narwhals as nw
import pyarrow.parquet as pq
import sqlalchemy
from sqlalchemy.dialects import registry

from hemline import columns
from hemline import tables as schemas
from hemline.data.expectations.derived_tables import DERIVED, DERIVED_BY_ENGINE, units_bought
from hemline.engine.engine import EngineParams, open_engine
from hemline.engine.on_duckdb import pattern_of
from hemline.errors import BadInput

_TABLES: Final = ("articles", "customers", "transactions", "article_keys", "customer_keys")


class Views(Protocol):
    """The tables and the derived tables, each under its name."""

    def batch(self, suite: str, table: str) -> tuple[Any, dict[str, Any] | None]:
        """Return a batch definition for the suite, of a whole table, and its parameters."""
        ...

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query by column."""
        ...


def open_views(engine: EngineParams, tables: Path, context: Any) -> AbstractContextManager[Views]:
    """Return the views of the folder of tables, opened by `with`.

    Args:
        engine: what reads the tables.
        tables: folder written by the stage acquire.
        context: Great Expectations' context, which gets a data source.

    Raises:
        BadInput: a table is missing, damaged or without a column.
    """
    missing = [f"{name}.parquet" for name in _TABLES if not (tables / f"{name}.parquet").is_file()]
    if missing:
        raise BadInput(
            f"{tables} has the tables written by the stage acquire",
            found=f"no {', '.join(missing)}",
            fix="dvc repro acquire",
        )
    for name in _TABLES:
        schemas.check_schema(tables / f"{name}.parquet", getattr(schemas, name.upper()))
    return (_in_spark if engine.name == "spark" else _in_duckdb)(engine, tables, context)


class _Dialect(duckdb_engine.Dialect):
    """DuckDB without transactions: reading needs none, and GX closes them out of order."""

    supports_statement_cache = False

    def do_begin(self, _connection: Any) -> None:
        pass

    def do_commit(self, _connection: Any) -> None:
        pass

    def do_rollback(self, _connection: Any) -> None:
        pass


@dataclass(frozen=True)
class _InDuckdb:
    source: Any
    connection: sqlalchemy.Connection

    def batch(self, suite: str, table: str) -> tuple[Any, None]:
        asset = self.source.add_table_asset(suite, table_name=table)
        return asset.add_batch_definition_whole_table("all"), None

    def rows(self, query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.connection.exec_driver_sql(query).mappings()]


@contextmanager
def _in_duckdb(engine: EngineParams, tables: Path, context: Any) -> Iterator[_InDuckdb]:
    """Yield views in a temporary DuckDB file."""
    registry.register("duckdb.hemline", __name__, "_Dialect")
    config = {"memory_limit": engine.memory_limit}
    if engine.threads:
        config["threads"] = str(engine.threads)
    with TemporaryDirectory() as folder:
        database = Path(folder) / "tables.duckdb"
        with duckdb.connect(database, config=dict(config)) as connection:
            for name in _TABLES:
                path = pattern_of((tables / f"{name}.parquet").resolve()).replace("'", "''")
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
            for name, query in _derived(tables, "duckdb").items():
                connection.execute(f"CREATE TABLE {name} AS {query}")
        url = sqlalchemy.URL.create(
            "duckdb+hemline", database=str(database), query=config | {"access_mode": "read_only"}
        ).render_as_string()
        source = context.data_sources.add_sql("tables", connection_string=url)
        reader = sqlalchemy.create_engine(url)
        try:
            with reader.connect() as connection:
                yield _InDuckdb(source, connection)
        finally:
            reader.dispose()
            source.get_engine().dispose()


@dataclass(frozen=True)
class _InSpark:
    source: Any
    session: Any

    def batch(self, suite: str, table: str) -> tuple[Any, dict[str, Any]]:
        asset = self.source.add_dataframe_asset(suite)
        frame = self.session.table(table)
        return asset.add_batch_definition_whole_dataframe("all"), {"dataframe": frame}

    def rows(self, query: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in self.session.sql(query).collect()]


@contextmanager
def _in_spark(engine: EngineParams, tables: Path, context: Any) -> Iterator[_InSpark]:
    """Yield temporary views of the session; they are dropped afterwards."""
    with open_engine(engine) as spark:
        frames = {name: spark.read(tables / f"{name}.parquet").to_native() for name in _TABLES}
        session = frames["transactions"].sparkSession
        for name, frame in frames.items():
            frame.createOrReplaceTempView(name)
        derived = _derived(tables, "spark")
        for name, query in derived.items():
            persisted = spark.persist(nw.from_native(session.sql(query)))
            persisted.to_native().createOrReplaceTempView(name)
        try:
            yield _InSpark(context.data_sources.add_spark("tables", persist=False), session)
        finally:
            for name in (*_TABLES, *derived, _OF_GREAT_EXPECTATIONS):
                session.catalog.dropTempView(name)


def _derived(tables: Path, engine: str) -> dict[str, str]:
    """Return the SQL of the derived tables by name, in the order in which they are made."""
    has_units = columns.UNITS in pq.read_schema(tables / "transactions.parquet").names
    return DERIVED | DERIVED_BY_ENGINE[engine] | units_bought(has_units=has_units)


_OF_GREAT_EXPECTATIONS: Final = "tmp_view"
