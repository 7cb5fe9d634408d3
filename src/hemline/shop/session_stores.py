"""Sessions in SQLite or in Redis, and which of both an address names."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from hemline.errors import BadInput
from hemline.shop.event_log import EventLog, LogUnavailable
from hemline.shop.redis_log import RedisLog, redis_client, unavailable, without_password
from hemline.shop.sqlite_log import SqliteLog
from hemline.shop.visitor_sessions import Session, Sessions

_SQLITE: Final = "sqlite:"
_REDIS: Final = ("redis://", "rediss://", "unix://")
_PREFIX: Final = "hemline:session:"


def open_log(address: str, root: Path) -> EventLog:
    """Return the event log that an address names.

    Args:
        address: sqlite:<path>, or a URL of Redis.
        root: folder that a relative path is relative to.

    Raises:
        BadInput: it is no such address, or the log cannot be used.
    """
    if address.startswith(_REDIS):
        return RedisLog(address)
    return SqliteLog(_path(address, root, "shop.events"))


def log_exists(address: str, root: Path) -> bool:
    """Return whether there is an event log already, which `open_log` would make otherwise.

    Args:
        address: see `open_log`.
        root: see `open_log`.
    """
    return address.startswith(_REDIS) or _path(address, root, "shop.events").exists()


def open_sessions(address: str, root: Path, *, seconds: int) -> Sessions:
    """Return the sessions that an address names, as `open_log`.

    Args:
        address: see `open_log`.
        root: see `open_log`.
        seconds: after which a session expires that was not written again.
    """
    if address.startswith(_REDIS):
        return RedisSessions(address, seconds)
    return SqliteSessions(_path(address, root, "shop.sessions"), seconds)


class SqliteSessions:
    """`Sessions` in a file. The last ones may be lost when the machine stops.

    Raises:
        BadInput: the file cannot be used.
    """

    def __init__(self, path: Path, seconds: int) -> None:
        self._seconds = seconds
        self._lock = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = OFF")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS sessions "
                "(visitor TEXT PRIMARY KEY, content BLOB NOT NULL, expires REAL NOT NULL) STRICT"
            )
            self._file.execute("CREATE INDEX IF NOT EXISTS expiry ON sessions (expires)")
        except (OSError, sqlite3.Error) as error:
            raise BadInput(
                f"{path} holds the shop's sessions and can be written",
                found=str(error),
                fix=f"remove it ({path}): visitors are guests again, and no event is lost",
            ) from error

    def read(self, visitor: str) -> Session:
        """See Sessions."""
        with self._lock, _sqlite_unavailable():
            found = self._file.execute(
                "SELECT content FROM sessions WHERE visitor = ? AND expires > ?",
                (visitor, time.time()),
            ).fetchone()
        return Session() if found is None else Session.of(found[0])

    def write(self, visitor: str, session: Session) -> None:
        """See Sessions. Expired ones are removed on the way."""
        expires = time.time() + self._seconds
        with self._lock, _sqlite_unavailable():
            self._file.execute("DELETE FROM sessions WHERE expires <= ?", (time.time(),))
            self._file.execute(
                "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)",
                (visitor, session.as_bytes(), expires),
            )

    def forget(self, visitor: str) -> None:
        """See Sessions."""
        with self._lock, _sqlite_unavailable():
            self._file.execute("DELETE FROM sessions WHERE visitor = ?", (visitor,))

    def close(self) -> None:
        """See Sessions."""
        self._file.close()


class RedisSessions:
    """`Sessions` on a server, which need not write them to its disk.

    Raises:
        BadInput: the server does not answer.
    """

    def __init__(self, url: str, seconds: int) -> None:
        self._seconds = seconds
        self._client = redis_client(url)
        try:
            with unavailable():
                self._client.ping()
        except LogUnavailable as error:
            raise BadInput(
                "the Redis server of the shop's sessions answers",
                found=f"{without_password(url)}: {error}",
                fix="start it, or correct shop.sessions in params.yaml (or HEMLINE_SHOP_SESSIONS)",
            ) from error

    def read(self, visitor: str) -> Session:
        """See Sessions."""
        with unavailable():
            found = self._client.get(_PREFIX + visitor)
        return Session() if found is None else Session.of(found)

    def write(self, visitor: str, session: Session) -> None:
        """See Sessions."""
        with unavailable():
            self._client.set(_PREFIX + visitor, session.as_bytes(), ex=self._seconds)

    def forget(self, visitor: str) -> None:
        """See Sessions."""
        with unavailable():
            self._client.delete(_PREFIX + visitor)

    def close(self) -> None:
        """See Sessions."""
        self._client.close()


@contextmanager
def _sqlite_unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LogUnavailable(str(error)) from error


def _path(address: str, root: Path, name: str) -> Path:
    if not address.startswith(_SQLITE) or address == _SQLITE:
        raise BadInput(
            f"{name} is sqlite:<path>, or a URL of Redis (redis://, rediss://, unix://)",
            found=without_password(address) if "://" in address else address,
            fix=f"correct {name} in params.yaml",
        )
    return root / address.removeprefix(_SQLITE)
