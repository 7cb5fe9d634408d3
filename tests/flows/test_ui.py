"""`hemline ui` as a process: it responds, it ends, and it leaves no process behind."""

import signal
import socket
import urllib.request
from datetime import date
from pathlib import Path

from flows.addresses import HOST, PORTS, Addresses
from tests.processes import descendants, eventually, free_ports, is_alive
from tests.servers import read_until_served, start_ui

WEEK_END = date(2020, 9, 23)


def test_the_pages_respond_and_an_interrupt_ends_every_process(tmp_path: Path) -> None:
    week = tmp_path / ".hemline" / "monitoring" / "pages" / str(WEEK_END) / "index.html"
    week.parent.mkdir(parents=True)
    week.write_text("a week as expected", encoding="utf-8")
    (week.parents[1] / "index.html").touch()
    ports = free_ports(len(PORTS))
    started = start_ui(tmp_path, dict(zip(PORTS, ports, strict=True)))
    output = read_until_served(started)
    try:
        assert started.poll() is None, output
        for port in ports:
            with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=10) as page:
                assert page.status == 200
        place = f"{HOST}:{ports[2]}/monitoring/{WEEK_END}/index.html"
        assert (
            Addresses("", "", f"http://{HOST}:{ports[2]}", "").week(WEEK_END) == f"http://{place}"
        )
        with urllib.request.urlopen(f"http://{place}", timeout=10) as page:
            assert page.read() == b"a week as expected"
        family = descendants(started.pid)
        assert len(family) >= 5
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
        done = start_ui(tmp_path, {"HEMLINE_MLFLOW_PORT": port})
        output, _ = done.communicate(timeout=60)
    assert done.returncode == 1
    assert f"rule:  port {port} is free" in output
    assert not (tmp_path / ".hemline" / "logs").exists()
