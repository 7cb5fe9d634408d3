"""What a person sees of a run, on a terminal and in a pipe."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.tiny_project import REPOSITORY

RUN = """
import logging
import subprocess
from flows.screen import RunFailed, expect_steps, open_screen, show, step

with open_screen("try") as screen:
    print("from a library")
    subprocess.run(["echo", "from a child"])
    expect_steps(2)
    show("a message")
    logging.getLogger("prefect.flow_runs").warning("a warning")
    with step("acquire", print) as one:
        one.output("elbow:  50%|█████     | 5/10 [00:11<00:11,  2.26s/k]")
        one.output("elbow: 100%|██████████| 10/10 [00:21<00:00,  2.26s/k]")
        one.output("20 rows")
        one.result = "unchanged"
    if FAILS:
        with step("rank"):
            raise RunFailed("rule:  a rule")
    screen.show("a table")
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}", "COLUMNS": "80"}


def start(folder: Path, *, fails: bool, terminal: int | None = None) -> subprocess.Popen[str]:
    script = f"FAILS = {fails}\n{RUN}"
    out = subprocess.PIPE if terminal is None else terminal
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**ENVIRONMENT, "TERM": "xterm"},
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
    )


def log_of(folder: Path) -> str:
    (log,) = (folder / ".hemline" / "logs").glob("try-*.log")
    return log.read_text(encoding="utf-8")


def test_a_pipe_gets_a_plain_line_per_start_and_end_and_the_log_the_rest(tmp_path: Path) -> None:
    output, errors = start(tmp_path, fails=False).communicate(timeout=60)
    first, *lines = output.splitlines()
    assert first.startswith("Log: .hemline/logs/try-")
    assert lines == [
        "a message",
        "a warning",
        "acquire: started",
        "acquire: unchanged, 0 s",
        "a table",
    ]
    assert errors == ""
    logged = log_of(tmp_path).splitlines()
    assert sorted(logged) == ["20 rows", "elbow 5/10", "from a child", "from a library"]


def test_a_failure_is_shown_last_with_the_name_of_the_log(tmp_path: Path) -> None:
    run = start(tmp_path, fails=True)
    output, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert output.splitlines()[-1] == "rank: failed, 0 s"
    assert errors.splitlines()[1] == "rule:  a rule"
    assert errors.splitlines()[-1].startswith("Details: .hemline/logs/try-")


def test_a_terminal_gets_a_line_per_step_and_a_bar_that_is_taken_away(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    run = start(tmp_path, fails=False, terminal=theirs)
    os.close(theirs)
    output = read_all(ours)
    assert run.wait(timeout=60) == 0
    run.communicate()
    assert "from a library" not in output
    (line,) = [line for line in output.splitlines() if "unchanged" in line]
    assert "acquire                unchanged          0 s" in line
    assert "━" in output
    assert re.sub(r"\x1b\[[?\d]*[A-Za-z]", "", output).splitlines()[-1].strip() == ""


def read_all(terminal: int) -> str:
    """Read until the last process has closed its end, which Linux reports as an error."""
    parts = []
    with os.fdopen(terminal, "rb", buffering=0) as file:
        try:
            while part := file.read(4096):
                parts.append(part)
        except OSError:
            pass
    return b"".join(parts).decode()


def test_a_run_that_prefect_could_not_record_says_what_it_left_behind(tmp_path: Path) -> None:
    script = """
from flows.screen import open_screen, unrecorded_end

with open_screen("try"), unrecorded_end(lambda: "Live: version 1 is the champion."):
    raise ConnectionError("Connection refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Live: version 1 is the champion." in done.stderr
    assert "ConnectionError: Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in log_of(tmp_path)
