"""Files that a kill or a power cut leaves whole or not there, written by one process at a time.

A lock on the folder keeps writers apart; the kernel lets go of it when its holder ends, however it
ends. A file is written beside its name, forced to the disk and renamed, and the rename is forced to
the disk too. The price: two waits for the disk a file, a few milliseconds each.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

UNFINISHED: Final = ".unfinished"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made where it is missing, waiting for whoever has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill the file, and return once the disk has it and its name.

    Call it with the folder locked: the unfinished file has one name.
    """
    unfinished = path.with_name(f".{path.name}{UNFINISHED}")
    with unfinished.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Force the folder's list of names to the disk: a rename lasts only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
