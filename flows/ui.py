"""`hemline ui`: Prefect, a worker for its schedule, MLflow, Evidently and the pages.

All five are children in groups of their own, so that Ctrl-C, or the end of any of them, ends every
process they started. None of them requires a login: they listen on the loopback address only.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import typer

from flows.addresses import HOST, PORTS, Addresses, addresses, responds
from flows.command_line import run_command
from flows.dvc import end_group
from flows.ui_pages import publish
from hemline.errors import BadInput

_START_SECONDS: Final = 120
_POLL_SECONDS: Final = 0.5
_LOG_TAIL: Final = 2000


def serve(root: Path) -> None:
    """Start everything, print the addresses, and stop everything when interrupted.

    Raises:
        BadInput: a port is taken, or a server ended or did not respond.
    """
    where = addresses()
    for variable, address in zip(PORTS, vars(where).values(), strict=True):
        _refuse_taken_port(variable, address)
    servers = {"Prefect": where.prefect, "MLflow": where.mlflow, "Evidently": where.evidently}
    publish(root, _pages(root), servers)
    with ExitStack() as running:
        started = {
            name: _start(name, command, root, where, running)
            for name, command in _servers(root, where).items()
        }
        _wait_until_they_respond(started, where, root)
        started["worker"] = _start("worker", _worker(), root, where, running)
        typer.echo(
            f"Prefect    {where.prefect}\nMLflow     {where.mlflow}\nreports    {where.pages}\n"
            f"Evidently  {where.evidently}\nmonitoring {where.monitoring}\n"
            "Ctrl-C ends them all. Logs: .hemline/logs"
        )
        while True:
            _refuse_ended(started, root)
            time.sleep(_POLL_SECONDS)


def main() -> None:
    """Serve Prefect, MLflow, Evidently and all reports, and run the schedule, until Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        serve(Path.cwd())
    except KeyboardInterrupt:
        typer.echo("\nstopped")


def _servers(root: Path, where: Addresses) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    prefect, mlflow, pages, evidently = (
        address.rpartition(":")[2] for address in vars(where).values()
    )
    store = ["--backend-store-uri", os.environ["MLFLOW_TRACKING_URI"]]
    files = ["--artifacts-destination", str(root / ".hemline" / "mlartifacts")]
    shown, weeks = str(_pages(root)), str(root / ".hemline" / "monitoring" / "evidently")
    return {
        "prefect": [*python, "prefect", "server", "start", "--host", HOST, "--port", prefect],
        "mlflow": [
            *(*python, "mlflow", "server", *store, *files),
            *("--host", HOST, "--port", mlflow, "--workers", "1"),
        ],
        "pages": [*python, "http.server", pages, "--bind", HOST, "--directory", shown],
        "evidently": [
            *(*python, "evidently.cli", "ui", "--workspace", weeks),
            *("--host", HOST, "--port", evidently),
        ],
    }


def _worker() -> list[str]:
    return [
        *(sys.executable, "-m", "prefect", "worker", "start"),
        *("--pool", "hemline", "--type", "process"),
    ]


def _start(
    name: str, command: list[str], root: Path, where: Addresses, running: ExitStack
) -> subprocess.Popen[str]:
    log = _log(root, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=_environment(where),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    running.callback(end_group, process)
    return process


def _environment(where: Addresses) -> Mapping[str, str]:
    return {**os.environ, "PREFECT_API_URL": f"{where.prefect}/api"}


def _wait_until_they_respond(
    started: Mapping[str, subprocess.Popen[str]], where: Addresses, root: Path
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    probes = (
        *(f"{where.prefect}/api/health", f"{where.mlflow}/health"),
        *(f"{where.pages}/", f"{where.evidently}/api/version"),
    )
    for probe in probes:
        while not responds(probe):
            _refuse_ended(started, root)
            if time.monotonic() > deadline:
                raise BadInput(
                    f"{probe} responds within {_START_SECONDS} s",
                    found="no response",
                    fix="read the logs in .hemline/logs",
                )
            time.sleep(_POLL_SECONDS)


def _refuse_ended(started: Mapping[str, subprocess.Popen[str]], root: Path) -> None:
    for name, process in started.items():
        if process.poll() is not None:
            log = _log(root, name)
            output = log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
            raise BadInput(
                f"{name} keeps running",
                found=f"it ended with status {process.returncode}. Its output:\n{output}",
                fix=f"see {log}",
            )


def _refuse_taken_port(variable: str, address: str) -> None:
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BadInput(
                f"port {port} is free",
                found=str(error),
                fix=f"stop what uses it, or choose another: {variable}=<port> hemline ui",
            ) from None


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _pages(root: Path) -> Path:
    return root / ".hemline" / "pages"


def _log(root: Path, name: str) -> Path:
    return root / ".hemline" / "logs" / f"{name}.log"


if __name__ == "__main__":
    run_command("ui", main)
