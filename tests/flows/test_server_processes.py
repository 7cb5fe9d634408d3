"""The start of servers: as long as they work it may take any time, and no longer."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows import server_processes
from flows.server_processes import LIMIT_VARIABLE, start, wait_until_they_respond
from hemline.errors import BadInput
from tests.processes import HOST, free_ports

SERVE = "from http.server import *; HTTPServer(('{host}', {port}), SimpleHTTPRequestHandler)"
WORK = "import time\nwhile time.process_time() < {seconds}: pass\n"
SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def probe() -> str:
    return f"http://{HOST}:{free_ports(1)[0]}/"


def wait_for(script: str, probe: str, root: Path, running: ExitStack) -> None:
    process = start("it", [sys.executable, "-c", script], root, os.environ, running)
    wait_until_they_respond({"it": process}, [("it", probe)], root)


def test_a_server_that_works_may_take_longer_than_one_that_is_idle(
    tmp_path: Path,
    probe: str,
    running: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(server_processes, "_IDLE_SECONDS", 20)
    monkeypatch.setattr(server_processes, "_REPORT_SECONDS", 1)
    port = int(probe.rpartition(":")[2].rstrip("/"))
    serve = SERVE.format(host=HOST, port=port) + ".serve_forever()"
    wait_for(WORK.format(seconds=4) + serve, probe, tmp_path, running)
    assert "waiting for it to start" in capsys.readouterr().out


def test_a_server_that_does_nothing_is_given_up(
    tmp_path: Path, probe: str, running: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_processes, "_IDLE_SECONDS", 2)
    with pytest.raises(BadInput, match=f"no response from it .{probe}. after .* idle for"):
        wait_for(SLEEP, probe, tmp_path, running)


def test_a_server_that_works_for_ever_is_given_up_at_the_limit(
    tmp_path: Path, probe: str, running: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "1")
    with pytest.raises(BadInput, match=f"{LIMIT_VARIABLE}=<seconds> moves the limit"):
        wait_for(WORK.format(seconds=600), probe, tmp_path, running)


@pytest.mark.parametrize("limit", ["", "-1", "a minute", "1.5e3"])
def test_a_limit_that_is_no_number_is_refused(
    limit: str, tmp_path: Path, probe: str, running: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, limit)
    with pytest.raises(BadInput, match="is a number of seconds"):
        wait_for(SLEEP, probe, tmp_path, running)


def test_the_output_of_a_server_that_ends_is_shown(
    tmp_path: Path, probe: str, running: ExitStack
) -> None:
    with pytest.raises(BadInput, match=r"status 3\. Its output:\nno room"):
        wait_for("import sys; print('no room'); sys.exit(3)", probe, tmp_path, running)
