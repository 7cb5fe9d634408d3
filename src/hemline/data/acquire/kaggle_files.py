"""Kaggle's three csv files, as downloaded: finding them, and reading them block by block.

Zips are read member by member and never unpacked, so the 30 GB of images in the competition zip
cost nothing. A value that does not fit its type is refused here, with file and line; arrow knows
the line because it parses in order (the price: one core, about 600 MB of csv a second).

A shop that stores its tables as parquet provides those instead, one file or one folder per table.
"""

import csv
import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import dataset
from tqdm import tqdm

from hemline import columns, tables
from hemline.errors import BadInput

COMPETITION: Final = "h-and-m-personalized-fashion-recommendations"
UNCHANGED: Final = "export Kaggle's file unchanged, or download it again"

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
_TEXT: Final = (pa.string(), pa.large_string(), pa.string_view())
_DAMAGED: Final = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)


@dataclass(frozen=True)
class KaggleFile:
    """One of Kaggle's csv files: on its own, compressed, a member of a zip, or as parquet."""

    csv_name: str
    path: Path
    schema: pa.Schema

    @property
    def is_parquet(self) -> bool:
        """Whether the path is a parquet file, or a folder of them."""
        return self.path.suffix == ".parquet"

    def __str__(self) -> str:
        """Return the name of the file as it is in the folder."""
        if self.is_parquet:
            return self.path.name
        inside = "" if self.path.name.startswith(self.csv_name) else f" in {self.path.name}"
        return (self.csv_name if inside else self.path.name) + inside


def find_sources(folder: Path, *, keep_postal_code: bool) -> dict[str, KaggleFile]:
    """Return the file of each table by name; raises BadInput if one is missing or ambiguous."""
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


def holds_kaggle_files(folder: Path) -> bool:
    """Return whether the folder has a file with the name of a Kaggle file."""
    names = ("articles.csv", "customers.csv", "transactions_train.csv")
    return any(_candidates(folder, name) for name in names)


def check_header(source: KaggleFile) -> list[str]:
    """Return the columns that will be ignored.

    Raises:
        BadInput: a column is missing or repeated; or, in parquet, an id column is not text (a
            number has lost its leading zero), or there are no rows.
    """
    header = _parquet_header(source) if source.is_parquet else _header(source)
    missing = [name for name in source.schema.names if name not in header]
    if missing:
        raise BadInput(
            f"{source} has the column{'s' * (len(missing) > 1)} {', '.join(missing)}",
            found=", ".join(header),
            fix=UNCHANGED,
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise BadInput(
            f"{source} names each column once", found=f"{', '.join(repeated)} twice", fix=UNCHANGED
        )
    return [name for name in header if name not in source.schema.names]


def read_blocks(source: KaggleFile) -> Iterator[pa.RecordBatch]:
    """Yield the schema's columns block by block; raises BadInput if a value does not fit."""
    convert = arrow_csv.ConvertOptions(
        column_types=source.schema,
        include_columns=source.schema.names,
        null_values=[""],
        strings_can_be_null=True,
    )
    n_rows = 0
    bar = tqdm(desc=source.csv_name, unit=" rows", unit_scale=True, disable=None)
    with bar, _open(source) as stream:
        try:
            options = arrow_csv.ReadOptions(use_threads=False, block_size=1 << 22)
            for block in arrow_csv.open_csv(stream, options, convert_options=convert):
                n_rows += block.num_rows
                bar.update(block.num_rows)
                yield block
        except pa.ArrowInvalid as error:
            raise _refusal(source, str(error)) from None
    if n_rows == 0:
        raise BadInput(f"{source} has rows", found="a header only", fix=UNCHANGED)


def _find(folder: Path, csv_name: str, schema: pa.Schema) -> KaggleFile:
    candidates = _candidates(folder, csv_name)
    if len(candidates) == 1:
        return KaggleFile(csv_name, candidates[0], schema)
    if candidates:
        raise BadInput(
            f"{folder} has one file for {csv_name}",
            found=", ".join(path.name for path in candidates),
            fix="leave the current one there and move the others away",
        )
    raise BadInput(
        f"{folder} holds {csv_name} as .csv, .csv.zip or .csv.gz, or {COMPETITION}.zip, or as "
        f"{Path(csv_name).stem}.parquet",
        found=", ".join(sorted(path.name for path in folder.iterdir())) or "an empty folder",
        fix=f"kaggle competitions download -c {COMPETITION} -p {folder}",
    )


def _candidates(folder: Path, csv_name: str) -> list[Path]:
    names = (csv_name, f"{csv_name}.zip", f"{csv_name}.gz", f"{COMPETITION}.zip")
    parquet = folder / f"{Path(csv_name).stem}.parquet"
    files = [folder / name for name in names if (folder / name).is_file()]
    return [*files, *([parquet] if parquet.exists() else [])]


@contextmanager
def _open(source: KaggleFile) -> Iterator[IO[bytes]]:
    """Yield the bytes of the csv, unpacked on the fly; other members of a zip are not touched."""
    try:
        if source.path.suffix == ".zip":
            with zipfile.ZipFile(source.path) as archive, _member(archive, source) as stream:
                yield stream
        else:
            opener = gzip.open if source.path.suffix == ".gz" else open
            with opener(source.path, "rb") as stream:
                yield cast("IO[bytes]", stream)
    except _DAMAGED as error:
        raise BadInput(
            f"{source.path.name} is complete and undamaged",
            found=f"{type(error).__name__}: {error}",
            fix="download it again",
        ) from None


def _member(archive: zipfile.ZipFile, source: KaggleFile) -> IO[bytes]:
    if source.csv_name in archive.namelist():
        return archive.open(source.csv_name)
    raise BadInput(
        f"{source.path.name} contains {source.csv_name}",
        found=", ".join(archive.namelist()[:5]) or "an empty zip",
        fix=UNCHANGED,
    )


def _parquet_header(source: KaggleFile) -> list[str]:
    stored = dataset.dataset(source.path, format="parquet")
    names: list[str] = stored.schema.names
    for name in (columns.ARTICLE_ID, columns.CUSTOMER_ID):
        if name in source.schema.names and name in names:
            dtype = stored.schema.field(name).type
            if dtype not in _TEXT:
                raise BadInput(f"{name} of {source} is text", found=str(dtype), fix=UNCHANGED)
    if stored.count_rows() == 0:
        raise BadInput(f"{source} has rows", found="none", fix=UNCHANGED)
    return names


def _header(source: KaggleFile) -> list[str]:
    longest = 1 << 16
    with _open(source) as stream:
        first_line = stream.readline(longest)
    if not first_line.strip():
        raise BadInput(f"{source} has a header line", found="an empty file", fix=UNCHANGED)
    try:
        return next(csv.reader([first_line.decode("utf-8-sig")]))
    except UnicodeDecodeError as error:
        raise _not_utf8(source, f"the header: {error.reason}") from None


def _refusal(source: KaggleFile, error: str) -> BadInput:
    """Return arrow's message as a refusal that names the column and the line of the file."""
    if ragged := re.search(r"Row #(\d+): Expected (\d+) columns, got (.*)", error, re.DOTALL):
        line, n_columns, got = ragged.groups()
        rule = f"every line of {source} has {n_columns} fields"
        return BadInput(rule, found=f"line {line}: {got}", fix=UNCHANGED)
    wrong = re.search(r"column #(\d+): (?:Row #(\d+): )?(.*)", error, re.DOTALL)
    if wrong is None:
        return BadInput(f"{source} is a csv file", found=error, fix=UNCHANGED)
    index, line, detail = wrong.groups()
    column = _header(source)[int(index)]
    where = f"line {line}: {detail}" if line else detail
    if "UTF8" in detail:
        return _not_utf8(source, f"column {column}, {where}")
    expected = _description(source.schema.field(column).type)
    return BadInput(f"every {column} of {source} is {expected}", found=where, fix=UNCHANGED)


def _description(dtype: pa.DataType) -> str:
    if pa.types.is_date(dtype):
        return "a day written YYYY-MM-DD"
    return "a number" if pa.types.is_floating(dtype) else "a whole number"


def _not_utf8(source: KaggleFile, found: str) -> BadInput:
    return BadInput(f"{source} is encoded as UTF-8", found=found, fix="save it as UTF-8")
