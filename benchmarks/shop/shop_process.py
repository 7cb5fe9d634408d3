"""A server under load: started, waited for, and what its processes hold of memory."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from hemline.errors import BadInput

_START_SECONDS: Final = 300
_MEGABYTE: Final = 2**20


@contextmanager
def serving(
    command: Sequence[str], root: Path, address: str, ready: str
) -> Iterator[psutil.Process]:
    """Start a server, wait until `address + ready` answers, and end it in the end.

    Raises:
        BadInput: it ended, or did not answer within five minutes.
    """
    process = subprocess.Popen(command, cwd=root)
    try:
        _wait(process, address + ready)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def private_megabytes(server: psutil.Process) -> list[float]:
    """Return the memory that each worker of a server shares with no other process, in MB."""
    return [private for private, _ in memory_megabytes(server)]


def memory_megabytes(server: psutil.Process) -> list[tuple[float, float]]:
    """Return each worker's memory in MB: what it shares with no other process, and the rest."""
    workers = [one for one in server.children(recursive=True) if "spawn_main" in str(one.cmdline())]
    used = [one.memory_full_info() for one in workers or [server]]
    return [(one.uss / _MEGABYTE, (one.rss - one.uss) / _MEGABYTE) for one in used]


def _wait(process: "subprocess.Popen[bytes]", address: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310  (our own http address)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise BadInput(
        f"{address} answers within {_START_SECONDS} s",
        found=f"status {process.poll()}",
        fix="read the output above, and .hemline/logs",
    )
