"""What a person sees of a run: a line per step with its result and time, one bar, the log's name.

While a screen is open, standard output and standard error point to a log file. They are redirected
as file descriptors, so that libraries and child processes are covered too; the price is that a
debugger's prompt lands in the log as well. Where the output is no terminal, each step has a plain
line at its start and one at its end. A run that no command started, such as a scheduled one, has no
screen: its steps and messages are only logged.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from flows.tqdm_bar import Bar
from hemline.errors import fail, print_safely, printable

LOGS: Final = Path(".hemline") / "logs"
MIN_WIDTH: Final = 100
"""Columns of a table where the output is no terminal."""

_LOG_SECONDS: Final = 30
_RUN_LOGGERS: Final = ("prefect.flow_runs", "prefect.task_runs")
_NAME_WIDTH: Final = 22
_STYLES: Final = {"done": "green", "failed": "bold red"}


class RunFailed(Exception):  # noqa: N818  (named for what happened)
    """A run failed, and the message says all that a person needs."""


@dataclass
class Step:
    """A part of a run.

    Attributes:
        name: of the step, as a person reads it.
        log: called with the lines of its output that are worth logging.
        result: what the step came to.
    """

    name: str
    log: Callable[[str], None] = lambda _line: None
    result: str = "done"
    _logged_at: float = field(default=-_LOG_SECONDS, init=False)

    def output(self, line: str) -> None:
        """Log a line; a bar's line moves the bar on the screen, and is logged now and then."""
        bar = Bar.parse(line)
        if bar is None:
            self.log(printable(line))
            return
        screen = _SCREEN.get()
        if screen is not None and not bar.is_nested:
            screen.move(bar)
        if time.monotonic() - self._logged_at >= _LOG_SECONDS:
            self._logged_at = time.monotonic()
            self.log(printable(bar.detail))


class _Warnings(logging.Handler):
    """Shows warnings, such as an alert; an error ends the run and is shown then."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show the message of a warning."""
        if record.levelno == logging.WARNING:
            self._show(record.getMessage())


class Screen:
    """The open screen of this process."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self.console = console
        self.warnings = _Warnings(self.show)
        self._progress = progress
        self._n_done, self._n_steps = 0, 0
        if progress is not None:
            progress.add_task("starting Prefect", total=None, place="", detail="")

    def expect(self, n_steps: int) -> None:
        """Set how many steps there will be, so that the bar has an end."""
        self._n_steps = n_steps
        self._update(total=n_steps)

    def show(self, message: str) -> None:
        """Print a message."""
        self.console.print(printable(message), markup=False, highlight=False, soft_wrap=True)

    def start(self, step: Step) -> None:
        """Name the step beside the bar, or print that it starts."""
        if self._progress is None:
            self.show(f"{step.name}: started")
        place = f"{self._n_done + 1} of {self._n_steps}" if self._n_steps else ""
        self._update(description=step.name, place=place, detail="")

    def move(self, bar: Bar) -> None:
        """Show how far the step is."""
        detail = printable(bar.detail)
        self._update(completed=self._n_done + (bar.fraction or 0), detail=detail)

    def end(self, step: Step, seconds: float) -> None:
        """Print the result of a step and its time."""
        self._n_done += 1
        if self._progress is None:
            self.show(f"{step.name}: {step.result}, {duration(seconds)}")
        else:
            line = f"{step.name:<{_NAME_WIDTH}} {step.result:<10} {duration(seconds):>11}"
            style = _STYLES.get(step.result, "dim")
            self.console.print(printable(line), style=style, markup=False, highlight=False)
        self._update(completed=self._n_done, description="", place="", detail="")

    def _update(self, **changes: object) -> None:
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], **changes)  # type: ignore[arg-type]


_SCREEN: Final[ContextVar[Screen | None]] = ContextVar("screen", default=None)


@contextmanager
def open_screen(name: str) -> Iterator[Screen]:
    """Show the steps of a run on the terminal, and write everything else to a log file.

    RunFailed and an interrupt end the process with a short message and exit status 1.

    Args:
        name: of the run, the first part of the log's name.
    """
    log = LOGS / f"{name}-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("wb") as file, _redirected(file) as terminal, _screen_on(terminal) as screen:
            screen.show(f"Log: {log}")
            yield screen
    except RunFailed as failure:
        fail(f"{failure}\n\nDetails: {log}")
    except KeyboardInterrupt:
        fail(f"Interrupted. Start the same command again to resume.\nDetails: {log}")
    except Exception as error:
        error.add_note(f"Details: {log}")
        raise
    finally:
        logging.getLogger("prefect").setLevel(logging.ERROR)  # what it reports as it exits


@contextmanager
def step(name: str, log: Callable[[str], None] | None = None) -> Iterator[Step]:
    """Show one step of the run, if there is a screen; serves as a decorator too.

    Args:
        name: of the step, as a person reads it.
        log: called with the lines that are handed to `output` of the step.
    """
    screen, begin = _SCREEN.get(), time.monotonic()
    one = Step(name) if log is None else Step(name, log)
    if screen is not None:
        screen.start(one)
    try:
        yield one
    except BaseException:
        one.result = "failed"
        raise
    finally:
        if screen is not None:
            screen.end(one, time.monotonic() - begin)


@contextmanager
def unrecorded_end(describe: Callable[[], str]) -> Iterator[None]:
    """Turn an error of Prefect itself into RunFailed that says what the run left behind.

    What goes wrong in a flow becomes its state. So an error means that Prefect could not record the
    run, as when its server was killed, and the run's work may be done all the same.

    Args:
        describe: returns what is so now.
    """
    try:
        yield
    except Exception as error:
        logging.getLogger(__name__).exception("Prefect could not record the run")
        raise RunFailed(
            f"Prefect could not record the run, so it counts as failed: {type(error).__name__}: "
            f"{error}\nIts server may have been stopped. {describe()}\n"
            "Start the same command again: finished work is not repeated."
        ) from error


def expect_steps(n_steps: int) -> None:
    """Tell the screen, if there is one, how many steps the run has."""
    screen = _SCREEN.get()
    if screen is not None:
        screen.expect(n_steps)


def show(message: str) -> None:
    """Print a message on the screen, if there is one."""
    screen = _SCREEN.get()
    if screen is not None:
        screen.show(message)


def duration(seconds: float) -> str:
    """Return a time as people read it.

    >>> duration(9.6), duration(109), duration(3725)
    ('10 s', '1 min 49 s', '1 h 2 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def _redirected(log: IO[bytes]) -> Iterator[IO[str]]:
    """Point standard output and error to a file; yield what standard output was before."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(number) for number in (1, 2)]
    for number in (1, 2):
        os.dup2(log.fileno(), number)
    try:
        with os.fdopen(os.dup(saved[0]), "w", encoding=sys.stdout.encoding) as terminal:
            yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, before in zip((1, 2), saved, strict=True):
            os.dup2(before, number)
            os.close(before)


@contextmanager
def _screen_on(terminal: IO[str]) -> Iterator[Screen]:
    """Make a screen with a live bar, or without one where the output is no terminal."""
    console = Console(file=terminal, force_terminal=terminal.isatty())
    with ExitStack() as live:
        progress = live.enter_context(_bar(console)) if console.is_interactive else None
        if progress is None:
            console.width = max(console.width, MIN_WIDTH)
        screen = Screen(console, progress)
        token = _SCREEN.set(screen)
        live.callback(_SCREEN.reset, token)
        for logger in map(logging.getLogger, _RUN_LOGGERS):
            logger.addFilter(print_safely)
            live.callback(logger.removeFilter, print_safely)
            logger.addHandler(screen.warnings)
            live.callback(logger.removeHandler, screen.warnings)
        yield screen


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, width=_NAME_WIDTH),
        ),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[place]}", markup=False),
        TextColumn(
            "{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True, ratio=1)
        ),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        expand=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
