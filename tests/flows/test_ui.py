"""`hemline ui` as a process: it responds, it ends, and it leaves no process behind."""

import signal
import socket
import urllib.request
from datetime import date
from pathlib import Path

from flows.addresses import HOST, PORTS, Addresses
from flows.ui_pages import publish
from tests.processes import descendants, eventually, free_ports, is_alive
from tests.servers import read_until_served, start_ui

WEEK_END = date(2020, 9, 23)


def test_the_pages_respond_and_an_interrupt_ends_every_process(tmp_path: Path) -> None:
    week = tmp_path / ".hemline" / "monitoring" / "pages" / str(WEEK_END) / "index.html"
    week.parent.mkdir(parents=True)
    week.write_text("a week as expected", encoding="utf-8")
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


def test_the_first_page_leads_everywhere_and_only_what_is_named_is_served(tmp_path: Path) -> None:
    (tmp_path / ".hemline").mkdir()
    (tmp_path / ".hemline" / "mlflow.db").touch()
    pages = tmp_path / "pages"
    for root in (tmp_path / "before it moved", tmp_path):
        publish(root, pages, {"Evidently": "http://127.0.0.1:5002"})
    served = {path.name: path.resolve() for path in pages.iterdir() if path.is_symlink()}
    assert served["monitoring"] == (tmp_path / ".hemline" / "monitoring" / "pages").resolve()
    assert all(path.is_relative_to(tmp_path.resolve()) for path in served.values())
    assert tmp_path.resolve() / ".hemline" not in served.values()
    index = (pages / "index.html").read_text("utf-8")
    assert '<a href="http://127.0.0.1:5002">Evidently</a>' in index
    assert all(f'"{name}/' in index for name in served)
