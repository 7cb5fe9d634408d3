"""From an id to its key by binary search in sorted ids that lie mapped on the disk.

The ids are bytes of one fixed width, so that the search reads twenty of them and not a table of
1.37 million. The price is disk space where one id is much longer than the others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import LAID_OUT, load_array


class IdIndex:
    """Sorted ids and their keys."""

    def __init__(
        self,
        ids: npt.NDArray[np.bytes_],
        keys: npt.NDArray[np.int32],
        places: npt.NDArray[np.int32],
    ) -> None:
        """Take sorted ids, bytes of shape (n,), the key of each, and the place of each key."""
        self._ids = ids
        self._keys = keys
        self._places = places

    def key_of(self, name: str) -> int | None:
        """Return the key of an id, or None where there is no such id."""
        place = self._place(_encoded(name))
        if place == len(self._ids) or self._ids[place] != _encoded(name):
            return None
        return int(self._keys[place])

    def id_of(self, key: int) -> str:
        """Return the id of a key."""
        return _decoded(bytes(self._ids[self._places[key]]))

    def keys_starting_with(self, start: str) -> npt.NDArray[np.int32]:
        """Return the keys of all ids that start with these characters, in the order of the ids."""
        prefix = _encoded(start)
        if len(prefix) > self._ids.itemsize:
            return self._keys[:0]
        beyond = prefix.ljust(self._ids.itemsize, b"\xff")  # which no UTF-8 text contains
        last = int(np.searchsorted(self._ids, np.array(beyond, self._ids.dtype), side="right"))
        return self._keys[self._place(prefix) : last]

    @property
    def longest(self) -> int:
        """How many bytes the longest id has."""
        return int(self._ids.itemsize)

    def _place(self, sought: bytes) -> int:
        if len(sought) > self._ids.itemsize:
            return len(self._ids)
        # Of the same dtype: numpy would convert all ids for a shorter one.
        return int(np.searchsorted(self._ids, np.array(sought, self._ids.dtype)))

    @classmethod
    def of(cls, ids: Sequence[str]) -> Self:
        """Return the index of distinct ids; the key of an id is its position."""
        encoded = np.array([_encoded(name) for name in ids], np.bytes_)
        order = np.argsort(encoded, kind="stable").astype(np.int32)
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return cls(encoded[order], order, places)

    def save(self, folder: Path) -> None:
        """Write the arrays to a folder, to be mapped."""
        for name in ("ids", "keys", "places"):
            np.save(folder / f"{name}.npy", getattr(self, f"_{name}"))
        (folder / LAID_OUT).touch()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the index saved in a folder, its arrays mapped."""
        return cls(*(load_array(folder / f"{name}.npy") for name in ("ids", "keys", "places")))


def _decoded(stored: bytes) -> str:
    return stored.replace(b"\xff", b"\0").decode("utf-8", "surrogatepass")


def _encoded(name: str) -> bytes:
    # NUL becomes a byte that UTF-8 never has, because numpy drops it at the end of an id.
    return name.encode("utf-8", "surrogatepass").replace(b"\0", b"\xff")
