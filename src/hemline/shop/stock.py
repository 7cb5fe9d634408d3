"""Which articles are in stock, from a file that the shop's own system writes.

A csv or parquet file with the columns article_id and stock (units). An article that it does not
name is out of stock. It is read when a version is opened; a change counts from the next one on.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from hemline.errors import BadInput


def in_stock(path: Path, article_ids: "pa.Array") -> npt.NDArray[np.bool_]:
    """Return whether each article is in stock.

    Args:
        path: of the file.
        article_ids: by article key.

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
    found = pc.is_in(article_ids, stocked.combine_chunks())
    return np.asarray(found.to_numpy(zero_copy_only=False), bool)


def _read_csv(path: Path) -> "pa.Table":
    types = {"article_id": pa.string(), "stock": pa.float64()}
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
