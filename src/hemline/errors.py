"""The one exception of the project: stages and the CLI catch it to print it without a traceback.

A full disk and memory that is used up become it too, since whoever started a stage can act on
them: what libraries say then names neither the folder nor what to do.
"""

import errno
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final


class BadInput(ValueError):  # noqa: N818  (it names what came in, as StopIteration names what happened)
    """Input that breaks a rule; the message gives the rule, what was found and what to do.

    >>> print(BadInput("an age lies between 16 and 99", found="203", fix="correct the export"))
    rule:  an age lies between 16 and 99
    found: 203
    fix:   correct the export
    """

    def __init__(self, rule: str, *, found: str, fix: str) -> None:
        super().__init__(f"rule:  {rule}\nfound: {found}\nfix:   {fix}")
        self.rule, self.found, self.fix = rule, found, fix


@contextmanager
def full_disk_refused(*written: Path) -> Iterator[None]:
    """Turn a full disk, or memory that is used up, into BadInput.

    Args:
        written: files and folders that the body writes; the fullest disk among theirs is named.

    Raises:
        BadInput: the disk was full or no memory was left; the library's own error is its cause.
    """
    try:
        yield
    except BadInput:
        raise
    except Exception as error:
        if _says_no_memory(error):
            raise _no_memory(error) from error
        if _says_full(error):
            raise _no_room(error, written) from error
        raise


def peak_gb(usage: resource.struct_rusage) -> float:
    """Return the most memory a process held at once, in GB."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXTS: Final = tuple(os.strerror(number) for number in _FULL)  # DuckDB gives no number
_NUMPY_IS_FULL: Final = "requested and "  # nor np.save, which tells how much it wrote
_NO_MEMORY_TEXTS: Final = ("can't allocate memory", "out of memory")  # torch, CUDA, DuckDB


def _says_no_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(text in said for text in _NO_MEMORY_TEXTS)


def _says_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    is_numpys = isinstance(error, OSError) and _NUMPY_IS_FULL in str(error)
    return is_numpys or any(text in str(error) for text in _FULL_TEXTS)


def _no_memory(error: Exception) -> BadInput:
    said = (str(error) or "no memory left").partition("\n")[0]
    peak = peak_gb(resource.getrusage(resource.RUSAGE_SELF))
    return BadInput(
        "a step has the memory it needs",
        found=f"{said}; the process held {peak:.1f} GB at its peak",
        fix="end other programs or take a larger machine, then start again: what was finished is "
        "kept; docs/scale.md says what each step needs",
    )


def _no_room(error: Exception, written: tuple[Path, ...]) -> BadInput:
    if os.strerror(errno.EFBIG) in str(error):
        found = f"a file that may not grow further (ulimit -f) among {_named(written)}"
    else:
        folder = min(map(_existing, written or (Path.cwd(),)), key=_free)
        found = f"{_free(folder) / 1e9:.2f} GB free for {folder.resolve()}"
    return BadInput(
        "there is room for what a step writes",
        found=found,
        fix="free some space there (`dvc gc --workspace` drops results of earlier trainings), then "
        "start again: what was finished is kept; docs/scale.md says how much each size needs",
    )


def _named(written: tuple[Path, ...]) -> str:
    return ", ".join(str(path) for path in written) or str(Path.cwd())


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
