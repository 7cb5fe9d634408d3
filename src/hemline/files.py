"""Files that a kill or a power cut leaves whole or absent, and locks that end with their holder.

What is written takes its name only once the disk has all of it: a reader finds the file of before
or the new one, never half of one. The price: two waits for the disk a file, a few milliseconds
each. The unfinished file has one name, so where several processes may write, hold a lock.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

UNFINISHED: Final = ".unfinished"
_LOCK_POLL_SECONDS: Final = 0.2
_HERE: Final = -100  # AT_FDCWD: paths are relative to the working folder
_RENAME_EXCHANGE: Final = 2


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yield the path of a file to write, which takes the place of `path` once the body is done.

    Folders above it are made. The unfinished file is empty at first, hidden, and removed when the
    body fails. Of several writers each waits for the one before, and the last one's file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}{UNFINISHED}")
    with _made_alone(unfinished):
        try:
            yield unfinished
            _sync(unfinished)
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(path.parent)


@contextmanager
def _made_alone(path: Path) -> Iterator[None]:
    """Make an empty file and keep other writers of it out; a killed writer's is made empty."""
    while True:
        with path.open("ab") as file:
            lock(file)
            try:
                is_ours = os.path.samestat(os.fstat(file.fileno()), path.stat())
            except FileNotFoundError:
                is_ours = False
            if is_ours:  # the writer before did not give it its name while this one waited
                if os.fstat(file.fileno()).st_size:
                    file.truncate(0)
                yield
                return


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty sibling that takes the folder's place once the body has succeeded.

    The two change places in one step where the file system can. Elsewhere there is a moment between
    two steps with no folder; when it is cut off there, the next call restores the earlier one.
    """
    unfinished = folder.with_name(f"{folder.name}{UNFINISHED}")
    outdated = folder.with_name(f"{folder.name}.outdated")
    if os.path.lexists(outdated) and not os.path.lexists(folder):
        outdated.rename(folder)
    for leftover in (unfinished, outdated):
        _remove(leftover)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    if os.path.lexists(folder) and not _exchange(unfinished, folder):
        folder.rename(outdated)
    if not os.path.lexists(folder):
        unfinished.rename(folder)
    _sync(folder.parent)
    for leftover in (unfinished, outdated):
        _remove(leftover)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 as `replaced_file` does."""
    with replaced_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a folder, made where it is missing, by a lock file in it.

    The kernel releases the lock when its holder ends, however it ends.

    Raises:
        BlockingIOError: another process holds it, and `wait` is False.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        lock(file, wait=wait)
        yield


def lock(file: IO[Any] | int, *, wait: bool = True) -> None:
    """Lock an open file or descriptor until it is closed; raises BlockingIOError as `locked`."""
    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def lock_file(
    path: Path, *, wait_seconds: float, on_wait: Callable[[str], object] = lambda _holder: None
) -> Iterator[IO[str]]:
    """Hold a lock file, which names the process that holds it, and yield it open.

    Args:
        path: of the file, made where it is missing; it is never removed.
        wait_seconds: how long to wait for another holder to end.
        on_wait: called once, with the other holder, when waiting begins.

    Raises:
        TimeoutError: it was still held then; the message is the holder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _lock_within(file, wait_seconds, on_wait)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield file


def _lock_within(file: IO[str], seconds: float, on_wait: Callable[[str], object]) -> None:
    deadline, is_waiting = time.monotonic() + seconds, False
    while True:
        try:
            return lock(file, wait=False)
        except BlockingIOError:
            file.seek(0)
            holder = file.read() or "another process"
        if time.monotonic() >= deadline:
            raise TimeoutError(holder)
        if not is_waiting:
            on_wait(holder)
            is_waiting = True
        time.sleep(_LOCK_POLL_SECONDS)


def fingerprint(*parts: str | bytes | Path) -> str:
    """Return a hash of texts, bytes and contents of files: equal only where all of them are.

    >>> fingerprint("ab", "c") == fingerprint("a", "bc")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_digest(part))
    return digest.hexdigest()


def _digest(part: str | bytes | Path) -> bytes:
    if isinstance(part, Path):
        with part.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(part.encode() if isinstance(part, str) else part).digest()


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; return False where that is not possible."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux; Python has no name for it
    if renameat2 is None:
        return False
    paths = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
    return bool(renameat2(*paths, _RENAME_EXCHANGE) == 0)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Force a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
