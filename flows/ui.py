"""`hemline ui`: Prefect, a worker for its schedule, MLflow, Evidently and the pages.

All five are children in groups of their own, so that Ctrl-C, or the end of any of them, ends every
process they started. They listen on the loopback address only and refuse what a foreign web page
sends (src/hemline/request_guard.py). Prefect, which can run commands, requires a password as well.
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

from flows.addresses import HOST, PORTS, Addresses, addresses
from flows.command_line import run_command
from flows.deployed_folder import deploy_again_if_moved
from flows.guarded_servers import PAGES, Server
from flows.guarded_servers import command as server_command
from flows.server_processes import POLL_SECONDS, refuse_ended, start, wait_until_they_respond
from flows.ui_pages import publish, publish_front
from hemline import prefect_auth
from hemline.errors import BadInput
from hemline.identity import label, project_id

_FRONT_SECONDS: Final = 20
_PROBES: Final[Mapping[Server, str]] = {
    "prefect": "/api/health",
    "mlflow": "/health",
    "pages": "/",
    "evidently": "/api/version",
}


def serve(root: Path) -> None:
    """Start everything, print the addresses, and stop everything when interrupted.

    Raises:
        BadInput: a port is taken, or a server ended or did not respond.
    """
    where = addresses()
    for variable, address in zip(PORTS, vars(where).values(), strict=True):
        _refuse_taken_port(variable, address)
    publish(root, root / PAGES, where)
    environment = _environment(root, where)
    with ExitStack() as running:
        started: dict[str, subprocess.Popen[str]] = {}
        for name in _PROBES:
            command = [sys.executable, *server_command(name, _port(vars(where)[name]))]
            started[name] = start(name, command, root, environment, running)
        probes = [(name, f"{vars(where)[name]}{path}") for name, path in _PROBES.items()]
        wait_until_they_respond(started, probes, root)
        deploy_again_if_moved(root, environment)
        started["worker"] = start("worker", _worker(root), root, environment, running)
        typer.echo(
            f"Prefect    {where.prefect} (password: cat {prefect_auth.auth_file(Path())})\n"
            f"MLflow     {where.mlflow}\nreports    {where.pages}\n"
            f"Evidently  {where.evidently}\nmonitoring {where.monitoring}\n"
            "Ctrl-C ends them all. Logs: .hemline/logs"
        )
        written = time.monotonic()
        while True:
            refuse_ended(started, root)
            time.sleep(POLL_SECONDS)
            if time.monotonic() - written > _FRONT_SECONDS:  # the shop changes without any flow
                publish_front(root, root / PAGES, where)
                written = time.monotonic()


def main() -> None:
    """Serve Prefect, MLflow, Evidently and all reports, and run the schedule, until Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        serve(Path.cwd())
    except KeyboardInterrupt:
        typer.echo("\nstopped")


def _worker(root: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "prefect", "worker", "start"),
        *("--pool", label(project_id(root)), "--type", "process"),
    ]


def _environment(root: Path, where: Addresses) -> Mapping[str, str]:
    own = {prefect_auth.API_URL: f"{where.prefect}/api", **prefect_auth.variables(root)}
    return {**os.environ, **own}


def _refuse_taken_port(variable: str, address: str) -> None:
    port = _port(address)
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


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


if __name__ == "__main__":
    run_command("ui", main)
