"""A table that is stored with a fingerprint of its inputs, and made again when they change."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hemline.files import lock_file, replaced_file
from hemline.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

_FINGERPRINT: Final = "fingerprint"


def cached_table(
    path: Path, schema: pa.Schema, fingerprint: str, make: Callable[[], "pd.DataFrame"]
) -> "pd.DataFrame":
    """Return the table stored at path if it has this fingerprint; otherwise make and store it.

    A stored table that is damaged is made again: its pages carry checksums. Two processes that need
    the same table at once make it once, since they lock a file beside the folder.

    Args:
        path: parquet file of the schema's columns and the column `fingerprint`.
        schema: of the table.
        fingerprint: of everything the table is made from.
        make: returns the schema's columns.
    """
    stored = schema.append(pa.field(_FINGERPRINT, pa.string()))
    if not _is_cached(path, stored, fingerprint):
        beside = path.parent.with_name(f".{path.parent.name}.lock")
        with lock_file(beside, wait_seconds=math.inf):
            if not _is_cached(path, stored, fingerprint):
                _store(make().assign(**{_FINGERPRINT: fingerprint}), path, stored)
    return read_table(path, schema)


def _store(rows: "pd.DataFrame", path: Path, schema: pa.Schema) -> None:
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    table = table.replace_schema_metadata(None)
    with replaced_file(path) as unfinished:
        pq.write_table(table, unfinished, compression="zstd", write_page_checksum=True)


def _is_cached(path: Path, schema: pa.Schema, fingerprint: str) -> bool:
    """Return whether the file is whole, of this schema, and carries the fingerprint."""
    if not path.exists():
        return False
    try:
        stored = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError):  # damaged, and whatever is cached can be made again
        return False
    if not stored.schema.equals(schema):
        return False
    return len(stored) > 0 and str(stored[_FINGERPRINT][0]) == fingerprint
