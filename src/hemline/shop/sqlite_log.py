"""Events in one SQLite file, which all workers of a machine share.

In WAL mode with `synchronous=FULL` a commit is on the disk when it returns. One thread per worker
commits what came meanwhile together: 1,000 events a second, where one at a time takes 0.6 ms each.
Not for a network file system, whose locks SQLite cannot trust.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final
from uuid import uuid4

import orjson

from hemline.clock import now
from hemline.errors import BadInput
from hemline.shop.event_log import KeyReused, LogUnavailable, Recorded, ShopEvent
from hemline.shop.group_writer import Append, GroupWriter, Outcome

_WAIT_SECONDS: Final = 10.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MADE: Final = """
CREATE TABLE IF NOT EXISTS events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  visitor TEXT NOT NULL,
  article_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  units INTEGER NOT NULL,
  price REAL,
  context TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS acts ON events (visitor, sequence) WHERE kind <> 'impression';
CREATE TABLE IF NOT EXISTS links (guest TEXT PRIMARY KEY, customer TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS guests ON links (customer);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
"""
_COLUMNS: Final = "sequence, key, kind, visitor, article_id, at_ms, units, price, context"
_OF: Final = f"""
SELECT {_COLUMNS} FROM events WHERE kind <> 'impression' AND (
  visitor = :visitor OR visitor IN (SELECT guest FROM links WHERE customer = :visitor)
) ORDER BY sequence
"""  # noqa: S608  (names of ours)
_SINCE: Final = f"""
SELECT {_COLUMNS.replace("visitor", "coalesce(customer, visitor)")}
FROM events LEFT JOIN links ON guest = visitor
WHERE sequence > ? ORDER BY sequence LIMIT ?
"""  # noqa: S608  (as above)


class SqliteLog:
    """An `EventLog` in a file, made with mode 0600 where it is missing.

    Raises:
        BadInput: the file is no event log, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._writing, self._reading = _connect(path), _connect(path)
            with _transaction(self._writing):
                for statement in _MADE.split(";"):
                    self._writing.execute(statement)
                self._describe("identity", uuid4().hex)
                self._describe("opened", now().isoformat())
            about = dict(self._writing.execute("SELECT name, text FROM about").fetchall())
        except (OSError, sqlite3.Error) as error:
            raise BadInput(
                f"{path} holds the shop's events and can be written",
                found=str(error),
                fix="name another file as shop.events in params.yaml, or restore this one from a "
                "backup; make its folder writable where that is the reason",
            ) from error
        self.identity = about["identity"]
        self.opened = datetime.fromisoformat(about["opened"])
        self._lock = Lock()
        self._writer = GroupWriter(self._write, "event log")

    def append(self, events: Sequence[ShopEvent]) -> "Future[list[int]]":
        """See EventLog."""
        links = [(event.guest, event.visitor) for event in events if event.guest is not None]
        return self._writer.submit(Append(events, links))

    def link(self, guest: str, customer: str) -> "Future[list[int]]":
        """See EventLog."""
        return self._writer.submit(Append(links=[(guest, customer)]))

    def of(self, visitor: str) -> list[Recorded]:
        """See EventLog."""
        return list(self._read(_OF, {"visitor": visitor}))

    def since(self, sequence: int, limit: int) -> list[Recorded]:
        """See EventLog."""
        return list(self._read(_SINCE, (sequence, limit)))

    def forget(self, visitor: str) -> int:
        """See EventLog. What was removed is overwritten in the file."""
        mine = "visitor = :v OR visitor IN (SELECT guest FROM links WHERE customer = :v)"
        with self._lock, _unavailable():
            self._reading.execute("PRAGMA secure_delete = ON")
            with _transaction(self._reading):
                removed = self._reading.execute(f"DELETE FROM events WHERE {mine}", {"v": visitor})  # noqa: S608  (names of ours)
                self._reading.execute(
                    "DELETE FROM links WHERE customer = :v OR guest = :v", {"v": visitor}
                )
            self._reading.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return removed.rowcount

    def close(self) -> None:
        """See EventLog."""
        self._writer.close()
        self._writing.close()
        self._reading.close()

    def _read(self, query: str, values: Any) -> Iterable[Recorded]:
        with self._lock, _unavailable():
            rows = self._reading.execute(query, values).fetchall()
        return map(_recorded, rows)

    def _describe(self, name: str, text: str) -> None:
        self._writing.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, text))

    def _write(self, batch: list[Append]) -> list[Outcome]:
        """Commit a batch; raises LogUnavailable where nothing of it was."""
        with _unavailable(), _transaction(self._writing):
            return [self._write_one(append) for append in batch]

    def _write_one(self, append: Append) -> Outcome:
        self._writing.execute("SAVEPOINT one")
        try:
            sequences = [self._insert(event) for event in append.events]
            self._writing.executemany("INSERT OR IGNORE INTO links VALUES (?, ?)", append.links)
        except KeyReused as refusal:
            self._writing.execute("ROLLBACK TO one")
            return refusal
        finally:
            if self._writing.in_transaction:
                self._writing.execute("RELEASE one")
        return sequences

    def _insert(self, event: ShopEvent) -> int:
        found = self._writing.execute(
            f"SELECT {_COLUMNS} FROM events WHERE key = ?",  # noqa: S608  (names of ours)
            (event.key,),
        ).fetchone()
        if found is not None:
            earlier = _recorded(found)
            if not event.is_again(earlier.event):
                raise KeyReused(event.key)
            return earlier.sequence
        inserted = self._writing.execute(
            "INSERT INTO events (key, kind, visitor, article_id, at_ms, units, price, context) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                event.key,
                event.kind,
                event.visitor,
                event.article_id,
                (event.at - _EPOCH) // timedelta(milliseconds=1),
                event.units,
                event.price,
                orjson.dumps(dict(event.context)).decode(),
            ),
        )
        return int(inserted.lastrowid or 0)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the body wrote, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LogUnavailable(str(error)) from error


def _recorded(row: tuple[Any, ...]) -> Recorded:
    sequence, key, kind, visitor, article_id, at_ms, units, price, context = row
    at = _EPOCH + timedelta(milliseconds=at_ms)
    event = ShopEvent(
        kind, visitor, article_id, key, at, units, price, context=orjson.loads(context)
    )
    return Recorded(sequence, event)
