"""Streamed rows as a parquet file, with the bytes of the whole table (tables.write_table).

An engine returns rows in batches of any size. They are regrouped into row groups of one size, since
the borders of groups and of chunks change the bytes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hemline import tables
from hemline.files import replaced_file


def write_batches(batches: Iterable[pa.RecordBatch], path: Path, schema: pa.Schema) -> None:
    """Write streamed rows to the same bytes as `tables.write_table` writes a whole table.

    At most one row group is in memory, whatever the size of the batches.
    """
    with (
        replaced_file(path) as unfinished,
        pq.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        for group in _groups(batches, schema):
            writer.write_table(group, row_group_size=tables.ROWS_A_GROUP)


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows as tables of one row group, the last one shorter; at least one, even empty."""
    waiting: list[pa.RecordBatch] = []
    n_waiting, n_groups = 0, 0
    for batch in batches:
        rest = batch
        while n_waiting + rest.num_rows >= tables.ROWS_A_GROUP:
            n_missing = tables.ROWS_A_GROUP - n_waiting
            yield _one_chunk([*waiting, rest.slice(0, n_missing)], schema)
            waiting, n_waiting, n_groups = [], 0, n_groups + 1
            rest = rest.slice(n_missing)
        waiting.append(rest)
        n_waiting += rest.num_rows
    if n_waiting or not n_groups:
        yield _one_chunk(waiting, schema)


def _one_chunk(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Return the schema's columns in one chunk each: chunk borders would change the bytes."""
    if not batches:
        return schema.empty_table()
    rows = pa.Table.from_batches(batches).select(schema.names).cast(schema)
    return rows.replace_schema_metadata(None).combine_chunks()
