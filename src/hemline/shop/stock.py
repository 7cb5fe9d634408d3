"""Which articles are in stock, from a file that the shop's own system writes.

A csv or parquet file with the columns article_id and stock (units). An article that it does not
name is out of stock. Each worker looks at it as often as at the registry, and reads it when it has
changed: replace it in one step (write another file, then rename it). While the file cannot be read,
what was read last counts; where it never could be, everything counts as in stock, and the health of
the service says so.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from hemline.errors import BadInput
from hemline.serving.article_table import mask_as_numpy

InStock = npt.NDArray[np.bool_]


class StockFile:
    """A shop's stock as one worker knows it.

    Attributes:
        problem: why the file cannot be read, None while it can.
    """

    def __init__(self, path: Path | None) -> None:
        """Take the path of the file; None where everything is in stock."""
        self._path = path
        self._state: tuple[int, int, int] | None = None
        self._stocked: pa.Array | None = None
        self.problem: str | None = None

    def renew(self) -> bool:
        """Read the file if it has changed; return whether it says something else now."""
        if self._path is None:
            return False
        try:
            found = self._path.stat()
            state = found.st_mtime_ns, found.st_size, found.st_ino
            if state == self._state:
                return False
            self._state = state
            self._stocked = stocked_ids(self._path)
        except (OSError, BadInput) as error:
            self.problem = str(error)
            return False
        self.problem = None
        return True

    def of(self, article_ids: "pa.Array") -> InStock | None:
        """Return whether each article is in stock, None where everything is.

        Args:
            article_ids: by article key.
        """
        if self._stocked is None:
            return None
        return mask_as_numpy(pc.is_in(article_ids, self._stocked))


def stocked_ids(path: Path) -> "pa.Array":
    """Return the ids of the articles in stock.

    Raises:
        BadInput: the file cannot be read as such a table.
    """
    try:
        table = parquet.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
        has_some = pc.greater(pc.cast(table["stock"], pa.float64()), 0.0)
        stocked = pc.cast(table["article_id"].filter(has_some), pa.string())
    except (OSError, pa.ArrowException, KeyError) as error:
        raise BadInput(
            "shop.stock is a csv or parquet file with the columns article_id and stock",
            found=f"{path}: {str(error).partition(chr(10))[0]}",
            fix="correct the file, or set shop.stock to null: then all is in stock",
        ) from error
    return stocked.combine_chunks()


def _read_csv(path: Path) -> "pa.Table":
    types = {"article_id": pa.string(), "stock": pa.float64()}
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
