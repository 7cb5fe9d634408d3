"""Whether the files of a version are still those that were registered.

A file is hashed when it is first needed, so similar articles never wait for the network, and once
per process for as long as it stays the same file (size, time and inode). It is read in blocks, at
0.5 GB a CPU second: the page cache holds it afterwards, so reading it again costs little. The hash
is the md5 of dvc.lock and of DVC's cache, so that a damaged file can be found there by name. It
detects damage and mix-ups; who can write to the registry can also write its hashes.

Versions that an earlier Hemline registered have hashes of folders and tables only, the first ones
none at all: what has no hash is used unchecked, with a warning.
"""

import hashlib
import json
import logging
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Self

from hemline.errors import BadInput

_FOLDER: Final = ".dir"  # the end of DVC's hashes of folders
_CACHE: Final = Path(".dvc/cache/files/md5")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileHashes:
    """The hashes that a version's files had when it was registered.

    Attributes:
        version: what messages call it: version 3.
        expected: md5 by place in the version: `articles.parquet`, `models/als/vectors.npy`, and in
            earlier versions `models/als`, a folder with the hash DVC gives it.
        is_complete: whether every file has a hash, so that a file without one is a foreign one.
    """

    version: str = "this version"
    expected: Mapping[str, str] = field(default_factory=dict)
    is_complete: bool = False

    @classmethod
    def from_tags(cls, tags: Mapping[str, str], version: str) -> Self:
        """Return the hashes among the tags of a version, and warn where there are none."""
        stored = json.loads(tags.get("stored_hashes") or "{}")
        if stored:
            return cls(version, stored, is_complete=True)
        earlier = json.loads(tags.get("file_hashes") or "{}")
        tables = json.loads(tags.get("table_hashes") or "{}")
        expected = {_earlier_place(path, md5): md5 for path, md5 in earlier.items()}
        for table in ("articles", "customer_keys"):
            if table in tables:
                expected[f"{table}.parquet"] = tables[table]
        _warn(version, is_partly=bool(expected))
        return cls(version, expected)

    def checked(self, place: str, path: Path) -> Path:
        """Return the path of a file or a model's folder after comparing all that is in it.

        Args:
            place: of it in the version.
            path: of it on the disk.

        Raises:
            BadInput: a file differs from the registered one, is missing, or does not belong there.
        """
        expected = self.expected.get(place)
        if expected is not None and expected.endswith(_FOLDER):
            self._require(place, path, expected, hash_or_reason(path, folder_md5))
        elif expected is not None:
            self._require(place, path, expected, hash_or_reason(path, file_md5))
        elif self.is_complete:
            self._check_folder(place, path)
        return path

    def places_in(self, folder: str) -> set[str]:
        """Return the places of what was registered right below a folder of the version."""
        start = f"{folder}/"
        return {
            start + place.removeprefix(start).partition("/")[0]
            for place in self.expected
            if place.startswith(start)
        }

    def _check_folder(self, place: str, folder: Path) -> None:
        start = f"{place}/"
        registered = {one for one in self.expected if one.startswith(start)}
        for name in sorted(registered):
            path = folder / name.removeprefix(start)
            self._require(name, path, self.expected[name], hash_or_reason(path, file_md5))
        for path in _files_in(folder):
            name = start + path.relative_to(folder).as_posix()
            if name not in registered:
                self._refuse(name, path, "it was not registered", "move the file away")

    def _require(self, place: str, path: Path, expected: str, found: str) -> None:
        if found == expected:
            return
        is_hash = " " not in found
        observed = f"{'it has md5 ' if is_hash else ''}{found}; registered with md5 {expected}"
        self._refuse(place, path, observed, _restoring(path, expected))

    def _refuse(self, place: str, path: Path, observed: str, restoring: str) -> None:
        raise BadInput(
            f"the files of {self.version} are those that were registered",
            found=f"{place}: {observed} ({path})",
            fix=f"{restoring}; or serve another version: hemline rollback, or hemline promote N; "
            "or train again, which registers the files as a new version, and promote that one",
        )


def file_md5(path: Path) -> str:
    """Return the md5 of a file, computed once for as long as the file stays the same."""
    state = path.stat()
    return _md5(path.resolve(), state.st_size, state.st_mtime_ns, state.st_ino)


def folder_md5(folder: Path) -> str:
    """Return the hash that DVC gives a folder: of the names and hashes of all its files."""
    entries = [
        {"md5": file_md5(path), "relpath": path.relative_to(folder).as_posix()}
        for path in _files_in(folder)
    ]
    entries.sort(key=lambda entry: entry["relpath"])
    listing = json.dumps(entries, sort_keys=True).encode()
    return hashlib.md5(listing, usedforsecurity=False).hexdigest() + _FOLDER


def hash_or_reason(path: Path, hash_of: Callable[[Path], str]) -> str:
    """Return the hash of what lies at the path, or in words why there is none.

    Args:
        path: of a file or folder.
        hash_of: file_md5 or folder_md5.
    """
    try:
        return hash_of(path) if path.exists() else "it is missing"
    except OSError as error:
        return f"it cannot be read, {error.strerror}"


@cache
def _md5(path: Path, *_state: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def _earlier_place(path: str, md5: str) -> str:
    name = Path(path).name
    return f"models/{name}" if md5.endswith(_FOLDER) else name


def _restoring(path: Path, md5: str) -> str:
    """Return how to get the registered file back, exactly where DVC's cache still has it."""
    cached = _CACHE / md5[:2] / md5[2:]
    if cached.is_file() and not md5.endswith(_FOLDER):
        return f"restore it from DVC's cache: cp {cached} {shlex.quote(str(path))}"
    return "restore it from a backup (the md5 is also its name in DVC's cache)"


@cache
def _warn(version: str, *, is_partly: bool) -> None:
    unchecked = "histories and params.yaml are" if is_partly else "its files are"
    logger.warning(
        "%s was registered by an earlier Hemline, without a hash for each file: %s used unchecked. "
        "The next training registers one with hashes.",
        version,
        unchecked,
    )
