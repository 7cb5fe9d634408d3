"""The start of servers: as long as they work it may take any time, and no longer."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows import server_processes
from flows.dvc import end_group
from flows.server_processes import (
    LIMIT_VARIABLE,
    end_abandoned_servers,
    start,
    wait_until_they_respond,
)
from hemline.errors import BadInput
from tests.processes import HOST, eventually, free_ports, is_alive

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


RUN = """
import os, subprocess, sys, time
if {is_marked}:
    os.environ["HEMLINE_RUN"] = str(os.getpid())
server = [sys.executable, "-c", {sleep!r}, "prefect.server.api.server:create_app"]
print(subprocess.Popen(server, stdout=subprocess.DEVNULL).pid, flush=True)
time.sleep(600)
"""


def start_run(home: Path, running: ExitStack, *, is_marked: bool = True) -> tuple[int, int]:
    """Start what is a run with a temporary server, and return the numbers of both."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN.format(is_marked=is_marked, sleep=SLEEP)],
        env={**os.environ, "PREFECT_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    running.callback(end_group, run)
    assert run.stdout is not None
    with run.stdout as output:
        return run.pid, int(output.readline())


def test_the_server_of_a_killed_run_is_ended_by_the_next_run_and_no_other_is(
    tmp_path: Path, running: ExitStack
) -> None:
    killed, ours = start_run(tmp_path / "ours", running)
    killed_elsewhere, others = start_run(tmp_path / "others", running)
    unmarked_run, unmarked = start_run(tmp_path / "ours", running, is_marked=False)
    _, alive = start_run(tmp_path / "ours", running)
    for run in (killed, killed_elsewhere, unmarked_run):
        os.kill(run, signal.SIGKILL)
        os.waitpid(run, 0)
    assert is_alive(ours)
    end_abandoned_servers(str(tmp_path / "ours"))
    assert eventually(lambda: not is_alive(ours), seconds=30)
    assert [is_alive(one) for one in (others, unmarked, alive)] == [True] * 3
