"""A real Prefect server with its scheduler and automations; Prefect's test harness has neither."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.addresses import HOST, PORTS, responds
from flows.server_processes import process_group
from hemline.prefect_auth import auth_string
from tests.processes import eventually, free_ports
from tests.tiny_project import REPOSITORY

PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


@dataclass(frozen=True)
class Ui:
    """A running `hemline ui`: its project, its process and the address of each server by name."""

    root: Path
    process: subprocess.Popen[str]
    addresses: dict[str, str]

    @property
    def client(self) -> dict[str, str]:
        """The variables of the project's own Prefect clients."""
        return {
            "PREFECT_HOME": str(self.root / ".hemline" / "prefect"),
            "PREFECT_API_URL": f"{self.addresses['prefect']}/api",
            "PREFECT_API_AUTH_STRING": auth_string(self.root),
        }


@contextmanager
def running_ui(root: Path) -> Iterator[Ui]:
    """A `hemline ui` whose servers all respond."""
    ports = free_ports(len(PORTS))
    process = start_ui(root, dict(zip(PORTS, ports, strict=True)))
    try:
        output = read_until_served(process)
        names = ("prefect", "mlflow", "pages", "evidently")
        addresses = {name: f"http://{HOST}:{port}" for name, port in zip(names, ports, strict=True)}
        assert process.poll() is None, output
        yield Ui(root, process, addresses)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def start_ui(root: Path, variables: Mapping[str, object]) -> subprocess.Popen[str]:
    """Start `hemline ui` in a folder, with some variables set and none of Prefect or MLflow."""
    environment = {name: value for name, value in os.environ.items() if "PREFECT_" not in name}
    environment.pop("MLFLOW_TRACKING_URI", None)
    chosen = {name: str(value) for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "flows.ui"],
        cwd=root,
        env={**environment, **chosen, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until_served(process: subprocess.Popen[str]) -> str:
    """Return what `hemline ui` prints until all its servers respond, or it ends."""
    assert process.stdout is not None
    lines: list[str] = []
    while not (lines and lines[-1].startswith("Ctrl-C ends them all")):
        line = process.stdout.readline()
        if not line:
            break
        lines.append(line)
    return "".join(lines)


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
    """A process that ends with the body; what it writes is added to the log."""
    with (
        log.open("a") as file,
        process_group(command, folder or Path.cwd(), environment, file) as process,
    ):
        yield process


def ask(environment: dict[str, str], path: str, question: object = None) -> Any:
    """What the server answers: to a GET, or to a POST where there is a question."""
    request = urllib.request.Request(  # noqa: S310  (our own loopback address)
        f"{environment['PREFECT_API_URL']}/{path}",
        data=None if question is None else json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310  (as above)
        return json.load(reply)
