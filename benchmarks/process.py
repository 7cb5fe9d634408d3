"""Wall time, CPU time and peak memory of a process, including its imports and children.

A step in a process of its own gains nothing from warm caches of another one, and the kernel does
the counting. Linux adds the memory of the measuring process at the start of a child to the child's
peak, so the measuring process has to stay small.
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


class Usage(NamedTuple):
    """Resources that a process used, and its exit status (minus the signal if it was killed)."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    status: int


def measure_process(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    max_seconds: float | None = None,
) -> Usage:
    """Run a command to its end and return the resources it used.

    Args:
        command: program and arguments.
        cwd: its working directory; None: the current one.
        env: its environment; None: the current one.
        max_seconds: time after which its process group is killed; None: no limit.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True)
    timer = Timer(max_seconds or 0, os.killpg, (process.pid, signal.SIGKILL))
    if max_seconds is not None:
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
    return Usage(seconds, cpu_seconds, peak_gb(usage), process.returncode)
