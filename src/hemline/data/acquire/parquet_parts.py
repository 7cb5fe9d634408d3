"""Parquet tables as arrow batches: one file, or a folder of parts, cast without losing a value.

Read by arrow in this process on either engine, so that both refuse the same files. A cast that
would change a value (1.5 to 2, true to 1, a number to an id) is refused; text that spells a number
or a day is read as in csv. Files that params.yaml describes are read as stored: their values are
converted later, as those of csv are.

In a folder, names that start with `_` or `.` are skipped, as Spark and Hive do: their own marker
files have them. A folder that is more than its parts (a Delta table, a job that has not finished)
is refused, since its files alone are not the table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline.data.acquire.block import Block
from hemline.data.acquire.csv_records import describe
from hemline.data.acquire.source_file import AGAIN, SourceFile, damage_refused
from hemline.data.acquire.table_parts import TablePart, table_parts
from hemline.errors import BadInput

_ROWS_AT_A_TIME: Final = 1 << 17
_SHOWN: Final = 200


def read_header(source: SourceFile) -> list[str]:
    """Return the names of the columns of the first part.

    Raises:
        BadInput: a file is no whole parquet file, a part lacks a column or stores it as a type
            that cannot be read without loss, or there are no rows.
    """
    n_rows = 0
    headers: list[list[str]] = []
    for part in table_parts(source.path):
        with _opened(part.path) as file:
            schema = file.schema_arrow
            n_rows += file.metadata.num_rows
        for name in part.values:
            if name not in schema.names:
                schema = schema.append(pa.field(name, pa.string()))
        headers.append(list(schema.names))
        _check_columns(source, part.path, schema)
    if n_rows == 0:
        raise BadInput(f"{source} has rows", found="none", fix=source.fix)
    return headers[0]


def read_blocks(source: SourceFile) -> Iterator[Block]:
    """Yield the schema's columns block by block; raises BadInput if a value does not fit."""
    for part in table_parts(source.path):
        n_rows, name = 0, part.path.name
        with _opened(part.path) as file:
            stored = set(file.schema_arrow.names)
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=source.schema.names):
                batch.validate(full=True)
                rows = _with_values(batch, part, stored)
                yield Block(_fitted(source, rows), partial(_place, name, n_rows))
                n_rows += batch.num_rows
            n_expected = file.metadata.num_rows
        if n_rows != n_expected:
            raise BadInput(
                f"{name} has as many rows as its footer says",
                found=f"{n_rows:,} of {n_expected:,}",
                fix=AGAIN,
            )


def _with_values(batch: pa.RecordBatch, part: TablePart, stored: set[str]) -> pa.RecordBatch:
    """Return the rows with the columns that the part's folders name and its file has not."""
    for name, value in part.values.items():
        if name not in stored:
            values = pa.repeat(pa.scalar(value, pa.string()), batch.num_rows)
            batch = batch.append_column(name, values)
    return batch


def _place(part: str, n_before: int, row: int) -> str:
    return f"row {n_before + row + 1:,} of {part}"


@contextmanager
def _opened(part: Path) -> Iterator[pq.ParquetFile]:
    with damage_refused(part):
        with part.open("rb") as file:
            magic = file.read(4)
        if magic not in (b"PAR1", b"PARE"):
            raise BadInput(
                f"{part.name} is a parquet file",
                found=f"a file that starts with {magic!r}",
                fix="give a csv file the ending .csv, or export the table again",
            )
        with pq.ParquetFile(part, page_checksum_verification=True) as opened:
            yield opened


def _check_columns(source: SourceFile, part: Path, schema: pa.Schema) -> None:
    missing = [name for name in source.schema.names if name not in schema.names]
    if missing:
        raise missing_columns(source, part.name, missing, schema.names)
    for field in source.schema:
        if len(schema.get_all_field_indices(field.name)) == 1:
            stored = schema.field(field.name).type
            if not (source.described_in or _is_readable(source, field, _decoded(stored))):
                raise BadInput(
                    f"{field.name} of {part.name} is {_expected(source, field)}",
                    found=str(stored),
                    fix=source.fix,
                )


def missing_columns(
    source: SourceFile, name: str, missing: list[str], header: list[str]
) -> BadInput:
    """Return the refusal of a file without some columns.

    Args:
        source: whose description names them.
        name: of the file or of the part.
        missing: columns that it lacks.
        header: its columns.
    """
    return BadInput(
        f"{name} has the column{'s' * (len(missing) > 1)} {', '.join(missing)}",
        found=", ".join(header),
        fix=source.fix,
    )


def _is_readable(source: SourceFile, field: pa.Field, stored: pa.DataType) -> bool:
    """Return whether values of the stored type can become the field's without a loss."""
    if _is_text(stored):
        return True
    if field.name in source.strict_ids:
        return False
    if pa.types.is_null(stored):
        return True
    if pa.types.is_date(field.type):
        return bool(pa.types.is_date(stored) or pa.types.is_timestamp(stored))
    if pa.types.is_string(field.type):
        return bool(pa.types.is_integer(stored))
    is_number = pa.types.is_integer(stored) or pa.types.is_floating(stored)
    return bool(is_number or pa.types.is_decimal(stored))


def _expected(source: SourceFile, field: pa.Field) -> str:
    return "text" if field.name in source.strict_ids else describe(field.type)


def _is_text(dtype: pa.DataType) -> bool:
    return dtype in (pa.string(), pa.large_string(), pa.string_view())


def _decoded(dtype: pa.DataType) -> pa.DataType:
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


def _fitted(source: SourceFile, batch: pa.RecordBatch) -> pa.RecordBatch:
    if source.described_in:
        return batch.select(source.schema.names)
    return pa.RecordBatch.from_arrays(
        [_cast(source, field, batch.column(field.name)) for field in source.schema],
        schema=source.schema,
    )


def _cast(source: SourceFile, field: pa.Field, values: pa.Array) -> pa.Array:
    """Return the values in the field's type; raises BadInput if one would change."""
    try:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_timestamp(values.type):
            values = _days(values)
        if pa.types.is_decimal(values.type) and pa.types.is_floating(field.type):
            values = values.cast(pa.string())  # arrow's own cast is off by a last bit
        values = values.cast(field.type)
    except pa.ArrowException as error:
        raise _misfit(source, field, str(error)) from None
    if _is_text(values.type) and pc.any(pc.match_substring(values, "\0")).as_py():
        raise _misfit(source, field, "a NUL character")
    return values


def _misfit(source: SourceFile, field: pa.Field, found: str) -> BadInput:
    rule = f"every {field.name} of {source} is {_expected(source, field)}"
    return BadInput(rule, found=found[:_SHOWN], fix=source.fix)


def _days(times: pa.Array) -> pa.Array:
    """Return the calendar days of times.

    A time without a zone is the clock on the shop's wall. One with a zone is a moment, which falls
    on different days in different places, unless it is midnight in its own zone.
    """
    if times.type.tz is None:
        return pc.floor_temporal(times, unit="day").cast(pa.date32())
    local = pc.local_timestamp(times)
    days = pc.floor_temporal(local, unit="day")
    if not pc.all(pc.equal(local, days)).as_py():
        raise pa.ArrowInvalid(f"times of the zone {times.type.tz} that are not midnight")
    return days.cast(pa.date32())
