"""Kaggle's three csv files, as downloaded: finding them, and reading them block by block.

A value that does not fit its type is refused here, with file and line. A shop that stores its
tables as parquet provides those instead, one file or one folder per table.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from hemline import columns, tables
from hemline.data.acquire import csv_records, parquet_parts
from hemline.data.acquire.block import Block
from hemline.data.acquire.source_file import UNCHANGED, SourceFile, damage_refused
from hemline.errors import BadInput

COMPETITION: Final = "h-and-m-personalized-fashion-recommendations"
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(2199, 12, 31)

ARTICLES: Final = pa.schema([field for field in tables.ARTICLES if field.name != columns.ARTICLE])
# Kaggle writes the whole numbers of customers with a decimal point: 21.0.
CUSTOMERS: Final = pa.schema(
    [
        (field.name, field.type if field.type == pa.string() else pa.float64())
        for field in tables.CUSTOMERS
        if field.name != columns.CUSTOMER
    ]
)
_ID_BY_KEY: Final = {columns.CUSTOMER: columns.CUSTOMER_ID, columns.ARTICLE: columns.ARTICLE_ID}
_TRANSACTIONS: Final = pa.schema(
    [
        (_ID_BY_KEY[field.name], pa.string()) if field.name in _ID_BY_KEY else field
        for field in tables.TRANSACTIONS
    ]
)


def find_sources(folder: Path, *, keep_postal_code: bool) -> dict[str, SourceFile]:
    """Return the file of each table by name; raises BadInput if one is missing or ambiguous."""
    with damage_refused(folder):
        return _find_all(folder, keep_postal_code=keep_postal_code)


def holds_kaggle_files(folder: Path) -> bool:
    """Return whether the folder has a file with the name of a Kaggle file."""
    names = ("articles.csv", "customers.csv", "transactions_train.csv")
    return any(_candidates(folder, name) for name in names)


def check_header(source: SourceFile) -> list[str]:
    """Return the columns that will be ignored.

    Raises:
        BadInput: a column is missing or repeated; or, in parquet, an id column is not text (a
            number has lost its leading zero), or there are no rows.
    """
    read_header = parquet_parts.read_header if source.is_parquet else csv_records.read_header
    header = read_header(source)
    missing = [name for name in source.schema.names if name not in header]
    if missing:
        raise parquet_parts.missing_columns(source, str(source), missing, header)
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise BadInput(
            f"{source} names each column once", found=f"{', '.join(repeated)} twice", fix=UNCHANGED
        )
    return [name for name in header if name not in source.schema.names]


def read_blocks(source: SourceFile) -> Iterator[pa.RecordBatch]:
    """Yield the schema's columns block by block; raises BadInput if a value does not fit."""
    for block in read_blocks_of(source):
        if columns.DAY in block.rows.schema.names:
            check_days(source, block.rows.column(columns.DAY))
        yield block.rows


def read_blocks_of(source: SourceFile) -> Iterator[Block]:
    """Yield any file's blocks under a progress bar; raises BadInput if it has no rows."""
    read = parquet_parts.read_blocks if source.is_parquet else csv_records.read_blocks
    n_rows = 0
    with tqdm(desc=str(source), unit=" rows", unit_scale=True, disable=None) as bar:
        for block in read(source):
            n_rows += block.rows.num_rows
            bar.update(block.rows.num_rows)
            yield block
    if n_rows == 0:
        raise BadInput(f"{source} has rows", found="a header only", fix=source.fix)


def check_days(source: SourceFile, days: pa.Array) -> None:
    """Refuse days that no shop has seen: rules over all days of the span would never end."""
    if len(days):
        span = pc.min_max(days)
        first, last = pa.scalar(_FIRST_DAY), pa.scalar(_LAST_DAY)
        for day, is_out in (
            (span["min"], pc.less(span["min"], first)),
            (span["max"], pc.greater(span["max"], last)),
        ):
            if is_out.as_py():
                raise BadInput(
                    f"every {columns.DAY} of {source} lies between {_FIRST_DAY} and {_LAST_DAY}",
                    found=str(day.cast(pa.string())),
                    fix=source.fix,
                )


def check_kind(source: SourceFile) -> None:
    """Refuse what cannot be read to an end, such as a pipe or a device, before it is opened."""
    path = source.path
    is_parquet = path.suffix == ".parquet" or bool(source.described_in)
    if path.is_file() or (is_parquet and path.is_dir()):
        return
    if path.is_dir():
        kind = "a folder"
    else:
        kind = "a pipe or a device" if path.exists() else "a link to nothing"
    raise BadInput(
        f"{path.name} is a file" + " or a folder of parquet files" * is_parquet,
        found=kind,
        fix=f"put the file itself at {path}",
    )


def _find_all(folder: Path, *, keep_postal_code: bool) -> dict[str, SourceFile]:
    if not folder.is_dir():
        raise BadInput(
            "the Kaggle files are in one folder",
            found=f"no folder {folder}",
            fix="make real DATA=<the folder you downloaded them to>",
        )
    postal_code = [tables.POSTAL_CODE_FIELD] if keep_postal_code else []
    schemas = {
        "articles": ARTICLES,
        "customers": pa.schema([*CUSTOMERS, *postal_code]),
        "transactions_train": _TRANSACTIONS,
    }
    return {name: _find(folder, f"{name}.csv", schema) for name, schema in schemas.items()}


def _find(folder: Path, csv_name: str, schema: pa.Schema) -> SourceFile:
    candidates = _candidates(folder, csv_name)
    if len(candidates) > 1:
        raise BadInput(
            f"{folder} has one file for {csv_name}",
            found=", ".join(path.name for path in candidates),
            fix="leave the current one there and move the others away",
        )
    if not candidates:
        raise BadInput(
            f"{folder} holds {csv_name} as .csv, .csv.zip or .csv.gz, or {COMPETITION}.zip, or as "
            f"{Path(csv_name).stem}.parquet",
            found=", ".join(sorted(path.name for path in folder.iterdir())) or "an empty folder",
            fix=f"kaggle competitions download -c {COMPETITION} -p {folder}",
        )
    source = SourceFile(csv_name, candidates[0], schema, strict_ids=tuple(_ID_BY_KEY.values()))
    check_kind(source)
    return source


def _candidates(folder: Path, csv_name: str) -> list[Path]:
    stem = Path(csv_name).stem
    names = (csv_name, f"{csv_name}.zip", f"{csv_name}.gz", f"{COMPETITION}.zip", f"{stem}.parquet")
    return [folder / name for name in names if os.path.lexists(folder / name)]
