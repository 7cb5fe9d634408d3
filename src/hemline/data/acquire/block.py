"""Rows of a file as they are read, and where each of them stands in it."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Block:
    """Some rows of a file.

    Attributes:
        rows: the requested columns.
        place: names the place of a row of the block (0 is the first) in the file: "line 12".
    """

    rows: pa.RecordBatch
    place: Callable[[int], str]
