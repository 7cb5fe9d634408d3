"""The one exception of the project, and how every command shows it: in red, without a traceback.

A full disk and exhausted memory become it too, since the person who started a stage can act on
them: the libraries' own messages name neither the folder nor what to do.
"""

import errno
import logging
import os
import re
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import typer

_CONTROLS: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class BadInput(ValueError):  # noqa: N818  (it names what came in, as StopIteration names an event)
    """Input that breaks a rule; the message gives the rule, the input and what to do.

    >>> print(BadInput("an age lies between 16 and 99", found="203", fix="correct the export"))
    rule:  an age lies between 16 and 99
    found: 203
    fix:   correct the export
    """

    def __init__(self, rule: str, *, found: str, fix: str) -> None:
        self.rule, self.found, self.fix = (printable(part) for part in (rule, found, fix))
        super().__init__(f"rule:  {self.rule}\nfound: {self.found}\nfix:   {self.fix}")


def printable(text: str) -> str:
    r"""Return the text as a terminal may print it: control characters are shown, not obeyed.

    Names and ids come from files of others. An escape sequence in one would clear the screen, and
    a mark of direction would reorder the line. Line breaks and tabs stay.

    >>> print(printable("Plain\x1b[2J vest"))
    Plain\x1b[2J vest
    """
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def print_safely(record: logging.LogRecord) -> bool:
    """Make a log message printable, as logs are read in terminals too; a filter that passes all."""
    record.msg, record.args = printable(record.getMessage()), None
    return True


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Turn BadInput into its message in red on standard error and exit status 1."""
    try:
        yield
    except BadInput as refusal:
        fail(str(refusal))


def fail(message: str) -> NoReturn:
    """Print a message in red on standard error and exit with status 1.

    The blank line before it also ends the line of a progress bar that is still open.
    """
    typer.secho(f"\n{printable(message)}", err=True, fg="red")
    raise SystemExit(1) from None


@contextmanager
def full_disk_refused(*written: Path) -> Iterator[None]:
    """Turn a full disk or exhausted memory into BadInput.

    Args:
        written: files and folders that the body writes; the message names the fullest disk.

    Raises:
        BadInput: the disk was full or no memory was left; the library's own error is its cause.
    """
    try:
        yield
    except BadInput:
        raise
    except Exception as error:
        if _is_out_of_memory(error):
            raise _memory_error(error) from error
        if _is_disk_full(error):
            raise _disk_error(error, written) from error
        raise


def peak_gb(usage: resource.struct_rusage) -> float:
    """Return the most memory a process held at once, in GB."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXTS: Final = tuple(os.strerror(number) for number in _FULL)  # DuckDB gives no number
_NUMPY_TEXT: Final = "requested and "  # nor does np.save, which prints how much it wrote
_NO_MEMORY_TEXTS: Final = ("can't allocate memory", "out of memory")  # torch, CUDA, DuckDB


def _is_out_of_memory(error: Exception) -> bool:
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(text in message for text in _NO_MEMORY_TEXTS)


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    is_from_numpy = isinstance(error, OSError) and _NUMPY_TEXT in str(error)
    return is_from_numpy or any(text in str(error) for text in _FULL_TEXTS)


def _memory_error(error: Exception) -> BadInput:
    message = (str(error) or "no memory left").partition("\n")[0]
    peak = peak_gb(resource.getrusage(resource.RUSAGE_SELF))
    return BadInput(
        "a step has the memory it needs",
        found=f"{message}; the process held {peak:.1f} GB at its peak",
        fix="close other programs or use a larger machine, then start again: finished work is not "
        "repeated; docs/scale.md lists what each step needs",
    )


def _disk_error(error: Exception, written: tuple[Path, ...]) -> BadInput:
    if os.strerror(errno.EFBIG) in str(error):
        observed = f"a file that may not grow further (ulimit -f) among {_named(written)}"
    else:
        folder = min(map(_existing, written or (Path.cwd(),)), key=_free)
        observed = f"{_free(folder) / 1e9:.2f} GB free for {folder.resolve()}"
    return BadInput(
        "the disk has room for what a step writes",
        found=observed,
        fix="free some space there (`dvc gc --workspace` drops results of earlier trainings), then "
        "start again: finished work is not repeated; docs/scale.md lists what each size needs",
    )


def _named(written: tuple[Path, ...]) -> str:
    return ", ".join(str(path) for path in written) or str(Path.cwd())


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
