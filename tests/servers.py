"""A real Prefect server with its scheduler and automations; Prefect's test harness has neither."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.addresses import HOST, responds
from flows.dvc import end_group
from tests.processes import eventually

PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


def server_environment(home: Path, port: int) -> dict[str, str]:
    """The environment of everything that talks to the server."""
    return {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        "HEMLINE_PREFECT_PORT": str(port),
    }


@contextmanager
def serving(home: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A server that answers, its database in home, its output in home/server.log."""
    port = environment["HEMLINE_PREFECT_PORT"]
    command = [*PREFECT, "server", "start", "--host", HOST, "--port", port]
    with running(command, home / "server.log", environment) as process:
        health = f"{environment['PREFECT_API_URL']}/health"
        assert eventually(lambda: responds(health), seconds=120), "the server does not answer"
        yield process


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str], folder: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, ended with everything it started."""
    with log.open("a") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end_group(process)


def ask(environment: dict[str, str], path: str, question: object = None) -> Any:
    """What the server answers: to a GET, or to a POST where there is a question."""
    request = urllib.request.Request(  # noqa: S310  (our own loopback address)
        f"{environment['PREFECT_API_URL']}/{path}",
        data=None if question is None else json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310  (as above)
        return json.load(reply)
