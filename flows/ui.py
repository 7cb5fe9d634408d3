"""`make ui`: Prefect, a worker for its schedule, MLflow and the reports, on this machine only.

All four are children in groups of their own, so that Ctrl-C, or the end of any of them, ends every
process they started. None of them asks for a login: they listen on the loopback address alone.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import typer

from flows.dvc import end_group
from hemline import environment
from hemline.errors import BadInput

HOST: Final = "127.0.0.1"
_PORTS: Final = {
    "HEMLINE_PREFECT_PORT": 4200,
    "HEMLINE_MLFLOW_PORT": 5000,
    "HEMLINE_PAGES_PORT": 5001,
}
_START_SECONDS: Final = 120
_POLL_SECONDS: Final = 0.5
_LOG_TAIL: Final = 2000
_INDEX: Final = """<!doctype html>
<meta charset="utf-8"><title>Hemline reports</title>
<style>body { font: 16px sans-serif; margin: 2em } img { max-width: 100% }</style>
<h1>Hemline reports</h1>
<p><a href="reports/scores.md">Scores with intervals and slices</a> ·
<a href="reports/fairness/index.html">Fairness of what is served</a> ·
<a href="validation/index.html">What was checked in the data</a> ·
<a href="reports/drift/">Weeks beside the weeks before</a></p>
<h2>Models on the test week</h2><img src="reports/scores.png" alt="MAP@12 of every model">
<h2>Training of the CVAE</h2><img src="reports/cvae_curve.png" alt="loss and validation MAP@12">
<h2>Number of clusters</h2><img src="reports/elbow.png" alt="k-modes cost by clusters">
"""


@dataclass(frozen=True)
class Addresses:
    """Where the pages are while `make ui` runs."""

    prefect: str
    mlflow: str
    pages: str

    @property
    def scores(self) -> str:
        """Return the address of the score table."""
        return f"{self.pages}/reports/scores.md"

    @property
    def validation(self) -> str:
        """Return the address of the page on what was checked in the data."""
        return f"{self.pages}/validation/index.html"


def addresses() -> Addresses:
    """Return the addresses; HEMLINE_PREFECT_PORT, _MLFLOW_PORT and _PAGES_PORT move them."""
    ports = [int(os.environ.get(name, default)) for name, default in _PORTS.items()]
    return Addresses(*(f"http://{HOST}:{port}" for port in ports))


def serve(root: Path) -> None:
    """Start everything, print the addresses, and stop everything when interrupted.

    Raises:
        BadInput: a port is taken, or a server ended or did not answer.
    """
    where = addresses()
    for variable, address in zip(_PORTS, vars(where).values(), strict=True):
        _refuse_taken_port(variable, address)
    _publish(root)
    with ExitStack() as running:
        started = {
            name: _start(name, command, root, where, running)
            for name, command in _servers(root, where).items()
        }
        _wait_until_they_answer(started, where, root)
        started["worker"] = _start("worker", _worker(), root, where, running)
        typer.echo(
            f"Prefect  {where.prefect}\nMLflow   {where.mlflow}\nreports  {where.pages}\n"
            "Ctrl-C ends them all. Logs lie in .hemline/logs."
        )
        while True:
            _refuse_ended(started, root)
            time.sleep(_POLL_SECONDS)


def answers(address: str) -> bool:
    """Return whether a page answers."""
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310  (our own loopback address)
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def main() -> None:
    """Serve until interrupted."""
    root = Path.cwd()
    environment.apply(root)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        serve(root)
    except BadInput as refusal:
        typer.secho(f"\n{refusal}", err=True, fg="red")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        typer.echo("\nstopped")


def _servers(root: Path, where: Addresses) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    prefect, mlflow, pages = (address.rpartition(":")[2] for address in vars(where).values())
    store = ["--backend-store-uri", os.environ["MLFLOW_TRACKING_URI"]]
    files = ["--artifacts-destination", str(root / ".hemline" / "mlartifacts")]
    shown = str(_pages(root))
    return {
        "prefect": [*python, "prefect", "server", "start", "--host", HOST, "--port", prefect],
        "mlflow": [
            *(*python, "mlflow", "server", *store, *files),
            *("--host", HOST, "--port", mlflow, "--workers", "1"),
        ],
        "pages": [*python, "http.server", pages, "--bind", HOST, "--directory", shown],
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
    return {**os.environ, "PREFECT_API_URL": f"{where.prefect}/api", "PREFECT_LOGGING_COLORS": "0"}


def _publish(root: Path) -> None:
    """Link the reports into the one folder that is served, and nothing else of the project."""
    pages = _pages(root)
    pages.mkdir(parents=True, exist_ok=True)
    for name, folder in {"reports": "reports", "validation": "data/validation"}.items():
        link = pages / name
        link.unlink(missing_ok=True)  # it names a place that is gone once the project has moved
        link.symlink_to(root / folder)
    (pages / "index.html").write_text(_INDEX, encoding="utf-8")


def _wait_until_they_answer(
    started: Mapping[str, subprocess.Popen[str]], where: Addresses, root: Path
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    probes = (f"{where.prefect}/api/health", f"{where.mlflow}/health", f"{where.pages}/")
    for probe in probes:
        while not answers(probe):
            _refuse_ended(started, root)
            if time.monotonic() > deadline:
                raise BadInput(
                    f"{probe} answers within {_START_SECONDS} s",
                    found="no answer",
                    fix="look into .hemline/logs",
                )
            time.sleep(_POLL_SECONDS)


def _refuse_ended(started: Mapping[str, subprocess.Popen[str]], root: Path) -> None:
    for name, process in started.items():
        if process.poll() is not None:
            log = _log(root, name)
            said = log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
            raise BadInput(
                f"{name} keeps running",
                found=f"it ended with status {process.returncode} and said:\n{said}",
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
                fix=f"stop what uses it, or choose another: make ui {variable}=<port>",
            ) from None


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _pages(root: Path) -> Path:
    return root / ".hemline" / "pages"


def _log(root: Path, name: str) -> Path:
    return root / ".hemline" / "logs" / f"{name}.log"


if __name__ == "__main__":
    main()
