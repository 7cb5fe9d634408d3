"""A Redis server of the benchmark's own, set as the shop's events need it, which may be killed."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Final, Self

import redis

_START_SECONDS: Final = 30.0
_AWAY_SECONDS: Final = 1.0


def has_redis() -> bool:
    """Return whether this machine has redis-server."""
    return shutil.which("redis-server") is not None


class RedisStore:
    """A server on a socket in a folder; the folder's path has to be short."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._server = self._started()

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self._socket}"

    def kill(self) -> None:
        """Kill it as kill -9 does, and start it again a second later."""
        self._server.kill()
        self._server.wait()
        time.sleep(_AWAY_SECONDS)
        self._server = self._started()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.wait()

    def _started(self) -> "subprocess.Popen[bytes]":
        server = subprocess.Popen(
            [
                *("redis-server", "--port", "0", "--unixsocket", str(self._socket)),
                *("--dir", str(self._folder), "--save", "", "--appendonly", "yes"),
                *("--appendfsync", "always", "--maxmemory-policy", "noeviction"),
                *("--logfile", str(self._folder / "redis.log")),
            ]
        )
        client = redis.Redis(unix_socket_path=str(self._socket))
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.1)
            else:
                client.close()
                return server
        server.kill()
        raise RuntimeError("redis-server does not answer")
