"""The tables that lie in a folder, each read as text: what a person would see who opens them.

How a csv is written is inferred from its first 256 kB: the encoding by what decodes, the delimiter
by which every line has the same number of fields.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline.data.acquire import csv_records, parquet_parts
from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.source_file import SourceFile, opened
from hemline.data.acquire.values import as_text
from hemline.errors import BadInput

MOST_ROWS: Final = 2_000_000
_HEAD_BYTES: Final = 1 << 18
_DELIMITERS: Final = ",;\t|~"
_ENDINGS: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".zip", ".parquet")
_SPELLED_NULL: Final = ("NULL", "null", "NaN", "nan", "None", "N/A", "n/a", "\\N", "#N/A")
_N_LINES: Final = 50


@dataclass(frozen=True)
class LookedAt:
    """A table of a folder.

    Attributes:
        name: of the file, or of the folder of parquet files.
        dialect: how it is written.
        rows: its values as text, null where there is none; at most MOST_ROWS.
        stored: by column, the type that parquet has for it; "text" in csv.
        is_whole: whether all rows were read.
    """

    name: str
    dialect: Dialect
    rows: pd.DataFrame
    stored: dict[str, str]
    is_whole: bool

    @property
    def is_parquet(self) -> bool:
        """Whether the table is stored as parquet."""
        return "text" not in self.stored.values()


def look_at(path: Path) -> list[LookedAt]:
    """Return the tables of a folder, or the one of a file.

    Raises:
        BadInput: there is none, or one cannot be read.
    """
    path = path.expanduser()
    places = [path] if path.is_file() or _is_one_table(path) else _places(path)
    if not places:
        there = sorted(one.name for one in path.iterdir()) if path.is_dir() else []
        raise BadInput(
            f"{path} is a table, or a folder of tables: {', '.join(_ENDINGS)}",
            found=", ".join(there[:20]) or "nothing",
            fix="give the folder of the export, or one file of it",
        )
    return [_look(place) for place in places]


def _places(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    inside = sorted(folder.iterdir())
    return [
        one
        for one in inside
        if not one.name.startswith((".", "_"))
        and (_is_parts(one) or (one.is_file() and one.name.lower().endswith(_ENDINGS)))
    ]


def _is_parts(path: Path) -> bool:
    """Return whether a folder holds parquet files and nothing else but markers."""
    return path.is_dir() and {one.suffix for one in _files(path)} == {".parquet"}


def _is_one_table(path: Path) -> bool:
    """Return whether the files of a folder are parts of one table: several of the same columns."""
    if not _is_parts(path):
        return False
    names = [pq.read_schema(part).names for part in _files(path)]
    return len(names) > 1 and all(one == names[0] for one in names)


def _files(folder: Path) -> list[Path]:
    inside = (one for one in sorted(folder.rglob("*")) if one.is_file())
    return [
        one
        for one in inside
        if not any(name.startswith((".", "_")) for name in one.relative_to(folder).parts)
    ]


def _look(path: Path) -> LookedAt:
    named = path.suffix == ".parquet" or path.is_dir()
    dialect = Dialect() if named else _infer(path)
    source = SourceFile(None, path, pa.schema([]), dialect, described_in="source.transactions")
    header = (parquet_parts if source.is_parquet else csv_records).read_header(source)
    schema = pa.schema([(name, pa.string()) for name in dict.fromkeys(header)])
    source = SourceFile(None, path, schema, dialect, described_in="source.transactions")
    frames, stored, n_rows, is_whole = [], dict.fromkeys(schema.names, "text"), 0, True
    for rows in _blocks(source):
        if source.is_parquet:
            stored = {field.name: str(field.type) for field in rows.schema}
        frames.append(pd.DataFrame({name: _texts(rows.column(name), dialect) for name in header}))
        n_rows += rows.num_rows
        if n_rows >= MOST_ROWS:
            is_whole = False
            break
    if not frames:
        raise BadInput(f"{path.name} has rows", found="a header only", fix="export it again")
    rows_read = pd.concat(frames, ignore_index=True)
    return LookedAt(path.name, _with_nulls(rows_read, dialect), rows_read, stored, is_whole)


def _blocks(source: SourceFile) -> Iterator[pa.RecordBatch]:
    read = parquet_parts.read_blocks if source.is_parquet else csv_records.read_blocks
    yield from (block.rows for block in read(source))


def _texts(values: pa.Array, dialect: Dialect) -> "pd.Series[str]":
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        values = pc.replace_substring_regex(values.cast(pa.string()), r"(?: 00:00:00)?\.0+$", "")
    texts: pd.Series[str] = as_text(values, dialect).to_pandas()
    return texts


def _with_nulls(rows: pd.DataFrame, dialect: Dialect) -> Dialect:
    """Return the dialect with the spellings of nothing that occur, which become null in rows."""
    spelled = []
    for name in rows:
        is_null = rows[name].isin(_SPELLED_NULL)
        if is_null.any():
            spelled += rows[name][is_null].unique().tolist()
            rows[name] = rows[name].mask(is_null)
    return dialect.model_copy(update={"null_values": tuple(sorted(set(spelled)))})


def _infer(path: Path) -> Dialect:
    """Return how a csv is written."""
    head = _head(path)
    encoding = _encoding(head)
    text = head.decode(encoding, errors="ignore")
    if len(head) == _HEAD_BYTES:
        text = text[: text.rfind("\n") + 1]
    counts = {one: _n_fields(text, one) for one in _DELIMITERS}
    delimiter = max(counts, key=lambda one: counts[one])
    return Dialect(delimiter=delimiter, encoding=encoding)


def _head(path: Path) -> bytes:
    source = SourceFile(None, path, pa.schema([]), described_in="source.transactions")
    buffer = bytearray(_HEAD_BYTES)
    with opened(source) as read:
        place, view = 0, memoryview(buffer)
        while place < len(buffer) and (n_new := read(view[place:])):
            place += n_new
    return bytes(buffer[:place])


def _encoding(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut_off = len(head) == _HEAD_BYTES and error.start > len(head) - 4
        return "utf-8" if is_cut_off else "cp1252"
    return "utf-8"


def _n_fields(text: str, delimiter: str) -> int:
    """Return how many fields a line has by this delimiter; 1 if lines differ."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        counts = Counter(len(fields) for _, fields in zip(range(_N_LINES), reader, strict=False))
    except csv.Error:
        return 1
    (most, n_lines), *_ = counts.most_common(1) or [(1, 0)]
    return most if n_lines >= 0.9 * counts.total() else 1
