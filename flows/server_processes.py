"""The processes of `hemline ui`: started, waited for until they respond, and watched.

How long a start takes depends on what else the machine does, so there is no fixed time for it: the
wait goes on while the processes use the processor, and ends when one of them ends, when they do
nothing for a while, or at a limit that only a hang reaches.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import psutil
import typer

from flows.addresses import responds
from flows.dvc import end_group
from hemline.errors import BadInput

LIMIT_VARIABLE: Final = "HEMLINE_START_SECONDS"
STARTED_BY: Final = "HEMLINE_RUN"
"""The number of the process of a run; its temporary server inherits it."""
POLL_SECONDS: Final = 0.5
_TEMPORARY: Final = "prefect.server.api.server:create_app"  # as Prefect starts it
_LIMIT_SECONDS: Final = 1800
_IDLE_SECONDS: Final = 120
_WORK_SECONDS: Final = 1  # of the processor's; an event loop that waits uses less
_REPORT_SECONDS: Final = 15
_LOG_TAIL: Final = 2000

Processes = Mapping[str, subprocess.Popen[str]]


def start(
    name: str,
    command: list[str],
    root: Path,
    environment: Mapping[str, str],
    running: ExitStack,
) -> subprocess.Popen[str]:
    """Start a process, which ends with `running`; its output is a log of that name."""
    log = _log(root, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        return running.enter_context(process_group(command, root, environment, file))


@contextmanager
def process_group(
    command: list[str], folder: Path, environment: Mapping[str, str], output: IO[str]
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, which ends with the body, with everything it started."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end_group(process)


def wait_until_they_respond(
    started: Processes, probes: Sequence[tuple[str, str]], root: Path
) -> None:
    """Return when every address responds, and say now and then what is waited for.

    Args:
        started: the processes by name.
        probes: the name and an address of each.
        root: folder of the project.

    Raises:
        BadInput: a process ended, or they have stopped working, or the limit has passed.
    """
    begin = reported = active = time.monotonic()
    limit, counted = _limit(), 0.0
    waiting = dict(probes)
    while waiting := {name: probe for name, probe in waiting.items() if not responds(probe)}:
        refuse_ended(started, root)
        now = time.monotonic()
        used = sum(_processor_seconds(started[name]) for name in waiting)
        if abs(used - counted) >= _WORK_SECONDS:
            active, counted = now, used
        if now - active > _IDLE_SECONDS or now - begin > limit:
            raise _no_response(waiting, idle=now - active, waited=now - begin)
        if now - reported >= _REPORT_SECONDS:
            reported = now
            typer.echo(f"waiting for {', '.join(waiting)} to start ({now - begin:.0f} s)")
        time.sleep(POLL_SECONDS)


def refuse_ended(started: Processes, root: Path) -> None:
    """Raise BadInput with the output of a process that has ended."""
    for name, process in started.items():
        if process.poll() is not None:
            log = _log(root, name)
            output = log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
            raise BadInput(
                f"{name} keeps running",
                found=f"it ended with status {process.returncode}. Its output:\n{output}",
                fix=f"see {log}",
            )


def end_abandoned_servers(home: str) -> None:
    """End the temporary Prefect servers that killed runs of this project left behind.

    A run that is killed cannot end its server, which would hold memory and a port for ever.

    Args:
        home: PREFECT_HOME of the project.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has just ended, or is another user's
            if _TEMPORARY in process.cmdline() and _is_abandoned(process, home):
                process.terminate()


def _is_abandoned(server: psutil.Process, home: str) -> bool:
    """Return whether a server is the project's and the run that started it is gone.

    A run of a container has another number there than here, but it is a run all the same.
    """
    variables, parent = server.environ(), server.parent()
    started_by = variables.get(STARTED_BY)
    if started_by is None or variables.get("PREFECT_HOME") != home:
        return False
    is_run = parent is not None and any(part.startswith("flows.") for part in parent.cmdline())
    return started_by != str(server.ppid()) and not is_run


def _limit() -> float:
    text = os.environ.get(LIMIT_VARIABLE, str(_LIMIT_SECONDS))
    if not text.isdecimal():
        raise BadInput(
            f"{LIMIT_VARIABLE} is a number of seconds",
            found=repr(text),
            fix=f"correct it, or leave it out: {_LIMIT_SECONDS}",
        )
    return float(text)


def _processor_seconds(process: subprocess.Popen[str]) -> float:
    """Return the processor time of a process and those it started."""
    try:
        leader = psutil.Process(process.pid)
        times = [one.cpu_times() for one in (leader, *leader.children(recursive=True))]
    except psutil.Error:  # one of them has just ended
        return 0.0
    return float(sum(one.user + one.system for one in times))


def _no_response(waiting: Mapping[str, str], *, idle: float, waited: float) -> BadInput:
    names = ", ".join(f"{name} ({probe})" for name, probe in waiting.items())
    return BadInput(
        "every server responds while it starts, or goes on working",
        found=f"no response from {names} after {waited:.0f} s, idle for {idle:.0f} s",
        fix=f"read the logs in .hemline/logs; {LIMIT_VARIABLE}=<seconds> moves the limit",
    )


def _log(root: Path, name: str) -> Path:
    return root / ".hemline" / "logs" / f"{name}.log"
