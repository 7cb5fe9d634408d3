"""Who may send requests, and how often.

On the loopback address nobody needs a key: whoever can reach it works on this machine. On any other
address every request needs one, as a bearer token, as X-API-Key, or as the password of HTTP Basic,
so that a browser can open the page; except /ping, /health and /ready, and the files below /static/,
without which the page that asks for a key would have no style. Each key has a rate, of which each
worker admits its share: a caller who keeps one connection to one worker gets less.
"""

import base64
import binascii
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers

from hemline.errors import BadInput
from hemline.shop.api_keys import FILE, ApiKey, find_key, stored_keys

OPEN_TO_ALL: Final = frozenset({"/ping", "/health", "/ready"})
_PAGE_FILES: Final = "/static/"
_LOOPBACK: Final = ("127.", "::1", "localhost")
_BURST_SECONDS: Final = 10.0


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine only.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.1")]
    [True, True, True, False, False]
    """
    return host.startswith(_LOOPBACK[0]) or host in _LOOPBACK[1:]


class NoKey(BadInput):
    """Status 401."""


class TooMany(BadInput):
    """Status 429."""


@dataclass
class _Bucket:
    """How many requests a key may still send at once, and when that was counted."""

    left: float
    at: float


class Access:
    """Admits the requests of one worker.

    Args:
        root: project folder, with the file of keys.
        per_minute: requests that a key may send to all workers together; 0: any number.
        workers: how many share them.
    """

    def __init__(self, root: Path, *, per_minute: int, workers: int) -> None:
        self._root = root
        self._rate = per_minute / 60 / workers
        self._keys: list[ApiKey] = []
        self._read: tuple[int, int] | None = None
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, path: str, headers: Headers) -> None:
        """Raise NoKey or TooMany where a request is not admitted."""
        if path in OPEN_TO_ALL or path.startswith(_PAGE_FILES):
            return
        sent = _sent_key(headers)
        key = find_key(self._valid(), sent) if sent else None
        if key is None:
            raise NoKey(
                "a request from another machine carries a key",
                found="no key" if not sent else "a key that is not valid",
                fix="create one with `hemline shop-key create <name>` and send it as "
                "'Authorization: Bearer <key>'",
            )
        if self._rate and not self._takes(key.hash):
            raise TooMany(
                f"a key asks at most {self._rate:.1f} times a second of each worker",
                found=f"more requests with the key {key.name}",
                fix="wait a second; shop.requests_per_minute in params.yaml sets the rate",
            )

    def _valid(self) -> list[ApiKey]:
        """Return the keys in the file, read again when it has changed."""
        try:
            found = (self._root / FILE).stat()
        except FileNotFoundError:
            return []
        state = found.st_mtime_ns, found.st_ino
        if state != self._read:
            self._keys, self._read = stored_keys(self._root), state
        return self._keys

    def _takes(self, key: str) -> bool:
        now, most = time.monotonic(), max(1.0, self._rate * _BURST_SECONDS)
        bucket = self._buckets.setdefault(key, _Bucket(most, now))
        bucket.left = min(most, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True


def _sent_key(headers: Headers) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return headers.get("x-api-key")
