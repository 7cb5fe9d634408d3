"""A Redis server of a test's own: Debian's redis-server, on a socket in a folder."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from tests.processes import eventually

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None,
    reason="no redis-server: the shop on Redis is not tested (apt install redis-server)",
)


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[str]:
    """The address of a server that answers; it is killed, as by kill -9, at the end.

    So is a process of it that rewrites its file: nobody writes into the folder afterwards.
    """
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [
            *("redis-server", "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)),
            *("--save", "", "--logfile", str(folder / "redis.log"), *options),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = redis.Redis(unix_socket_path=str(socket))
        assert eventually(lambda: _answers(client), seconds=20), "redis-server does not answer"
        client.close()
        yield f"unix://{socket}"
    finally:
        leader = psutil.Process(server.pid)
        leader.suspend()  # it starts no other process any more
        children = leader.children()
        for process in (leader, *children):
            process.kill()
        server.wait()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
