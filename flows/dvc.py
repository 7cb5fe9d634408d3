"""The one door to DVC: its command line, as a subprocess in a session of its own.

DVC's Python interface is undocumented and a stage outlives a killed DVC, so the command line is
called and the whole process group is ended together; the price is 0.65 s per unchanged stage and
parsing what DVC prints. The training lock is passed on as standard input: DVC closes every other
descriptor before it starts a stage, so a stage whose flow and DVC were both killed still holds the
lock only there.
"""

import graphlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, Literal

from flows import resources
from hemline import files
from hemline.errors import BadInput

Report = Callable[[str], None]
Outcome = Literal["ran", "restored", "skipped"]

_BUSY: Final = ("is busy, it is being blocked by", "Unable to acquire lock")
_HINTS: Final = (  # about git and a remote: good advice by hand, noise in a flow
    "To track the changes with git",
    "To enable auto staging",
    "  git add",
    "\tgit add",
    "  dvc config core.autostage",
    "\tdvc config core.autostage",
    "Use `dvc push`",
)
_FAILED: Final = "ERROR: failed to reproduce"
_STAGE_ENDED: Final = ", exited with "
_KILLED: Final = r"exited with (-9|137)$"  # from the process itself, or through a shell
_DISK_FULL: Final = "No space left on device"
_BUSY_WAITS_SECONDS: Final = (1, 2, 4, 8, 15, 30)
_PROGRESS_SECONDS: Final = 1  # between two updates of a stage's bar
_TAIL_LINES: Final = 60
_GRACE_SECONDS: Final = 5


class StageFailed(RuntimeError):  # noqa: N818  (named for what happened; the flow catches it to show why)
    """A stage ended with an error: the message is one line, `output` its own last lines."""

    def __init__(self, stage: str, lines: list[str]) -> None:
        self.stage = stage
        self.output = "\n".join(lines).strip("\n")
        first = self.output.partition("\n")[0].removeprefix("rule:").strip()
        super().__init__(f"stage '{stage}' failed: {first}")


class TrainingLocked(RuntimeError):  # noqa: N818  (as above)
    """Another training run held the lock for longer than this one waits."""


def stage_graph(root: Path) -> dict[str, tuple[str, ...]]:
    """Return every stage with the stages it reads from, in an order that respects DVC's graph.

    Stages that do not depend on each other stand in alphabetical order, so the order is the same
    on every machine.

    Raises:
        BadInput: DVC refuses dvc.yaml or params.yaml.
    """
    lines: list[str] = []
    if _run_dvc(["dag", "--dot"], root, lines.append, None):
        raise BadInput(
            "dvc can read dvc.yaml and params.yaml",
            found="\n".join(line for line in lines if line),
            fix="correct the line it names, then check with `dvc status`",
        )
    return _ordered(_parse_dot("\n".join(lines)))


def reproduce(stage: str, root: Path, on_output: Report, *, lock: IO[str] | None = None) -> Outcome:
    """Bring one stage up to date, its dependencies aside, and return what that took.

    While another DVC holds the files, the call retries for a minute.

    Args:
        stage: a name from stage_graph.
        root: the folder of dvc.yaml.
        on_output: called with what DVC and the stage print, line by line as it comes.
        lock: an open, locked file the stage holds on to for as long as it lives.

    Raises:
        StageFailed: the stage failed, or DVC stayed busy.
    """
    for wait in (*_BUSY_WAITS_SECONDS, None):
        lines: list[str] = []

        def collect(line: str, lines: list[str] = lines) -> None:
            lines.append(line)
            if line and not line.startswith(_HINTS):
                on_output(line)

        status = _run_dvc(["repro", "--single-item", stage], root, collect, lock)
        if not status:
            return _outcome(stage, lines)
        if wait is None or not _is_busy(lines):
            break
        on_output(f"another dvc command is running here, next try in {wait} s")
        time.sleep(wait)
    raise StageFailed(stage, [*_cause(status, lines, root), *_last_lines(lines)])


@contextmanager
def training_lock(root: Path, report: Report, *, wait_seconds: float) -> Iterator[IO[str]]:
    """Hold .hemline/train.lock, waiting for another training run that holds it.

    The kernel drops an flock when its last holder ends, so a killed run leaves nothing to clean
    up, and a killed run whose stage is still running still holds the lock.

    Raises:
        TrainingLocked: it was still held after wait_seconds.
    """
    path = root / ".hemline" / "train.lock"

    def on_wait(holder: str) -> None:
        report(f"another training run ({holder}) is under way: waiting for it to finish")

    with ExitStack() as stack:
        try:
            held = files.lock_file(path, wait_seconds=wait_seconds, on_wait=on_wait)
            file = stack.enter_context(held)
        except TimeoutError as holder:
            raise TrainingLocked(
                f"a training run ({holder}) still holds {path} after {wait_seconds:.0f} s; "
                "let it finish or stop it, then start again"
            ) from None
        yield file


def _run_dvc(arguments: list[str], root: Path, on_output: Report, stdin: IO[str] | None) -> int:
    """Run dvc and return its exit status; whatever interrupts the reading ends its whole group."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=root,
        env=_environment(),
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101  (PIPE was requested; for the type checker)
    try:
        for line in process.stdout:
            on_output(line.rstrip())
        return process.wait()
    except BaseException:
        end_group(process)
        raise
    finally:
        process.stdout.close()


def end_group(process: subprocess.Popen[str]) -> None:
    """Terminate a process that leads its own group and all its children; kill what remains."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _environment() -> dict[str, str]:
    """Return our environment with this interpreter's folder first on PATH, as an activated one."""
    here = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "TQDM_MININTERVAL": str(_PROGRESS_SECONDS),
    }


def _parse_dot(text: str) -> dict[str, set[str]]:
    r"""Return upstream stages by stage from `dvc dag --dot`.

    >>> sorted(_parse_dot('strict digraph {\n"a";\n"b";\n"a" -> "b";\n}').items())
    [('a', set()), ('b', {'a'})]
    """
    upstream: dict[str, set[str]] = {}
    for name, target in re.findall(r'^"([^"]+)"(?: -> "([^"]+)")?;$', text, re.MULTILINE):
        upstream.setdefault(name, set())
        if target:
            upstream.setdefault(target, set()).add(name)
    return upstream


def _ordered(upstream: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    sorter = graphlib.TopologicalSorter(upstream)
    sorter.prepare()
    ordered: dict[str, tuple[str, ...]] = {}
    while sorter.is_active():
        for stage in sorted(sorter.get_ready()):
            ordered[stage] = tuple(sorted(upstream[stage]))
            sorter.done(stage)
    return ordered


def _outcome(stage: str, lines: list[str]) -> Outcome:
    if f"Running stage '{stage}':" in lines:
        return "ran"
    if f"Stage '{stage}' is cached - skipping run, checking out outputs" in lines:
        return "restored"
    if f"Stage '{stage}' didn't change, skipping" in lines:
        return "skipped"
    raise RuntimeError("dvc prints something flows/dvc.py cannot parse:\n" + "\n".join(lines))


def _is_busy(lines: list[str]) -> bool:
    return any(text in line for text in _BUSY for line in lines)


def _cause(status: int, lines: list[str], root: Path) -> list[str]:
    """Return the cause of a failure that neither the stage nor DVC explains; else nothing."""
    end = next((line for line in reversed(lines) if line.startswith(_FAILED)), "")
    if status == -signal.SIGKILL or re.search(_KILLED, end):
        return [*str(resources.stage_killed()).splitlines(), ""]
    if _is_busy(lines):
        return [*str(_busy(lines)).splitlines(), ""]
    if _DISK_FULL in end:
        return [*str(resources.cache_full(root)).splitlines(), ""]
    is_shown = end in _last_lines(lines)
    if end and _STAGE_ENDED not in end and not is_shown:  # DVC failed: only its line says why
        return [end.removeprefix("ERROR: "), ""]
    return []


def _busy(lines: list[str]) -> BadInput:
    return BadInput(
        "one dvc command at a time works on the files of a project",
        found=next(line for line in lines if any(text in line for text in _BUSY)),
        fix="let the other dvc command finish or end it, then start again: finished stages are not "
        "repeated",
    )


def _last_lines(lines: list[str]) -> list[str]:
    """Return the end of the stage's output, without DVC's own line about the failure."""
    output = [line for line in lines if not line.startswith(_FAILED)]
    starts = [index for index, line in enumerate(output) if line.startswith("> ")]
    own = output[starts[0] + 1 :] if starts else output
    return list(deque(own or lines, _TAIL_LINES))
