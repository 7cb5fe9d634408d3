"""What a process takes: wall, CPU seconds and peak memory, its imports and its children included.

A step that is measured in a process of its own cannot lean on what another one left warm, and the
kernel counts for it. Linux counts what the measuring process holds when it starts another towards
the other's peak, so whoever measures stays small.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer
from typing import NamedTuple

from hemline.errors import peak_gb


class Taken(NamedTuple):
    """What a process took, and how it ended: 0 or what it exited with, minus the signal if one."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    status: int


def measure_process(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    most_seconds: float | None = None,
) -> Taken:
    """Run a command to its end and return what it took.

    Args:
        command: program and arguments.
        cwd: where it runs; None: here.
        env: its environment; None: ours.
        most_seconds: after so long its whole group is killed; None: never.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True)
    timer = Timer(most_seconds or 0, os.killpg, (process.pid, signal.SIGKILL))
    if most_seconds is not None:
        timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Taken(seconds, cpu_seconds, peak_gb(usage), process.returncode)
