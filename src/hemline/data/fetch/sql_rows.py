"""The rows of databases, by any driver that SQLAlchemy knows, as arrow batches.

A database is read in one transaction of one snapshot, so that its tables fit one another. The
driver gives Python values, which become arrow columns batch by batch: the same code for every
database, at the price of a second of CPU for 170,000 rows (PostgreSQL, five columns). Values keep
the types of the database; a batch in which a column has several types (SQLite allows it) has that
column as text.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from hemline.data.acquire.location import Location
from hemline.errors import BadInput

ROWS_AT_A_TIME: Final = 1 << 17
_CONNECT_SECONDS: Final = 15
_SHOWN: Final = 400
_PLAIN: Final = (str, int, float, bool, Decimal)
_POSTGRES: Final = "postgresql"
_EXTRAS: Final = {_POSTGRES: "pip install 'hemline[postgres]'"}


@contextmanager
def opened(table: Location, part: str) -> Iterator["Database"]:
    """Yield the database of a table, read only, as it is at this moment.

    Args:
        table: its URL; the names of the variables that hold user and password.
        part: names the description in a refusal: source.transactions.

    Raises:
        BadInput: no driver is installed, a variable is empty, or the database does not answer.
    """
    url = _url(table, part)
    database = Database(part, url)
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_arguments(url))
    except (NoSuchModuleError, ImportError) as error:
        raise BadInput(
            f"a driver for the database of {part}.url is installed",
            found=str(error),
            fix=_EXTRAS.get(url.get_backend_name(), "docs/data.md names the package of each")
            + ", into the environment of Hemline",
        ) from None
    with database.refusals(), engine.connect() as plain:
        connection = plain
        if url.get_backend_name() == _POSTGRES:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            connection = plain.execution_options(**options)
            # A scan that starts where another one is would change the order of the rows.
            connection.execute(sa.text("SET LOCAL synchronize_seqscans = off"))
        yield Database(part, url, connection)


@dataclass(frozen=True)
class Database:
    """A connection to read from, and the description that names it."""

    part: str
    url: sa.URL
    connection: Any = None

    def read(self, table: Location, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table or query.

        Args:
            table: its `table` or `query`.
            columns: to read; None: all.

        Raises:
            BadInput: the table is missing or lacks a column, or the database refuses the query.
        """
        options: dict[str, Any] = {"stream_results": True, "yield_per": ROWS_AT_A_TIME}
        with self.refusals():
            if table.query is not None:
                # As it is written: neither ":name" nor "%" is a parameter.
                options["no_parameters"] = True
                result = self.connection.exec_driver_sql(table.query, execution_options=options)
            else:
                statement = self._statement(str(table.table), columns)
                result = self.connection.execute(statement, execution_options=options)
            with result:
                yield from self._batches(result, columns)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Turn what a driver or the database says into a refusal without the password."""
        try:
            yield
        except SQLAlchemyError as error:
            message = str(getattr(error, "orig", None) or error)
            if self.url.password:
                message = message.replace(str(self.url.password), "***")
            lines = [line.strip() for line in message.splitlines() if line.strip()]
            raise BadInput(
                f"the database of {self.part}.url answers: {self.url.render_as_string()}",
                found=" ".join(lines)[:_SHOWN],
                fix=f"correct {self.part} in params.yaml (url, table, query), or what user_from "
                "and password_from name; `hemline source fetch` tries again",
            ) from None

    def _batches(self, result: Any, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        names = [str(name) for name in tuple(result.keys())]
        self._check(names, columns)
        places = [names.index(one) for one in dict.fromkeys(columns or names)]
        for rows in result.partitions(ROWS_AT_A_TIME):
            values = list(zip(*rows, strict=True))
            yield pa.RecordBatch.from_arrays(
                [self._column(values[place], names[place]) for place in places],
                [names[place] for place in places],
            )

    def _statement(self, name: str, columns: Sequence[str] | None) -> Any:
        """Return the selection of a table's columns; raises BadInput if it lacks one."""
        schema, _, bare = name.rpartition(".")
        try:
            there = sa.inspect(self.connection).get_columns(bare, schema or None)
        except NoSuchTableError:
            tables = sa.inspect(self.connection).get_table_names(schema or None)
            raise BadInput(
                f"the database of {self.part}.url has the table {name}",
                found=", ".join(sorted(tables)[:20]) or "no table",
                fix=f"correct {self.part}.table in params.yaml (schema.table), or give its user "
                "the right to read it",
            ) from None
        names = [str(one["name"]) for one in there]
        self._check(names, columns)
        chosen: list[Any] = [sa.column(one) for one in dict.fromkeys(columns or names)]
        return sa.select(*chosen).select_from(sa.table(bare, schema=schema or None))

    def _check(self, names: list[str], columns: Sequence[str] | None) -> None:
        missing = [one for one in dict.fromkeys(columns or []) if one not in names]
        if missing:
            raise BadInput(
                f"the rows of {self.part} have the column{'s' * (len(missing) > 1)} "
                f"{', '.join(missing)}",
                found=", ".join(names),
                fix=f"correct {self.part}.columns in params.yaml, or its query",
            )

    def _column(self, values: tuple[Any, ...], name: str) -> pa.Array:
        try:
            array = pa.array(values)
        except (pa.ArrowException, TypeError, ValueError):
            array = None
        if array is None or pa.types.is_binary(array.type):
            array = pa.array([self._text(value, name) for value in values], pa.string())
        if pa.types.is_timestamp(array.type) and array.type.tz is not None:
            return array.cast(pa.timestamp("us", "UTC"))  # drivers give the zone of the session
        return array

    def _text(self, value: Any, name: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, _PLAIN):
            raise BadInput(
                f"every {name} of {self.part} is text, a number, a day or a time",
                found=type(value).__name__,
                fix=f"convert it in {self.part}.query: CAST(... AS VARCHAR)",
            )
        return str(value)


def _url(table: Location, part: str) -> sa.URL:
    try:
        url = sa.make_url(str(table.url))
    except (ArgumentError, ValueError) as error:
        raise BadInput(
            f"{part}.url is a URL as SQLAlchemy reads it",
            found=str(error),
            fix="write it like postgresql://host:5432/database or sqlite:////path/shop.db",
        ) from None
    if url.drivername in (_POSTGRES, "postgres"):
        url = url.set(drivername=f"{_POSTGRES}+psycopg")
    if table.user_from:
        url = url.set(username=_variable(table.user_from, f"{part}.user_from"))
    if table.password_from:
        url = url.set(password=_variable(table.password_from, f"{part}.password_from"))
    return url


def _variable(name: str, key: str) -> str:
    return os.environ.get(name) or _no_value(name, key)


def _no_value(name: str, key: str) -> NoReturn:
    raise BadInput(
        f"the environment variable that {key} names has a value",
        found=f"{name} is empty or not set",
        fix=f"set {name} where Hemline runs; for scheduled runs where `hemline ui` was started",
    )


def _arguments(url: sa.URL) -> dict[str, Any]:
    """Return what the driver is told besides the URL: to give up where nobody answers."""
    if url.get_backend_name() == _POSTGRES and "connect_timeout" not in url.query:
        return {"connect_timeout": _CONNECT_SECONDS}
    return {}
