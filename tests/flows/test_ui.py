"""`make ui` as a process: it answers, it ends, and it leaves nobody behind."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from flows.ui import HOST
from tests.processes import descendants, eventually, free_ports, is_alive
from tests.tiny_project import REPOSITORY

VARIABLES = ("HEMLINE_PREFECT_PORT", "HEMLINE_MLFLOW_PORT", "HEMLINE_PAGES_PORT")


def test_the_pages_answer_and_an_interrupt_ends_every_process(tmp_path: Path) -> None:
    ports = free_ports(len(VARIABLES))
    started = start(tmp_path, dict(zip(VARIABLES, ports, strict=True)))
    assert started.stdout is not None
    lines = [started.stdout.readline() for _ in range(4)]
    try:
        assert lines[-1].startswith("Ctrl-C ends them all"), lines
        for port in ports:
            with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=10) as page:
                assert page.status == 200
        family = descendants(started.pid)
        assert len(family) >= 4
    finally:
        started.send_signal(signal.SIGINT)
        rest, _ = started.communicate(timeout=60)
    assert "stopped" in rest
    assert started.returncode == 0
    assert eventually(lambda: not any(is_alive(process) for process in family), seconds=10)


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        done = start(tmp_path, {"HEMLINE_MLFLOW_PORT": port})
        said, _ = done.communicate(timeout=60)
    assert done.returncode == 1
    assert f"rule:  port {port} is free" in said
    assert not (tmp_path / ".hemline" / "logs").exists()


def start(root: Path, ports: dict[str, int]) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if "PREFECT_" not in name}
    environment.pop("MLFLOW_TRACKING_URI", None)
    numbers = {name: str(port) for name, port in ports.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "flows.ui"],
        cwd=root,
        env={**environment, **numbers, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
