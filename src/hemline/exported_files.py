"""The files of an export: what they contain, how they are written, and whether they are whole.

Nothing counts because a file of that name exists: parts carry checksums of their pages, and the
manifest the hashes of the finished files. What is not whole is made again.
"""

import csv
import errno
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput
from hemline.files import fingerprint, replaced_file, write_text

EXPORTED: Final = pa.schema(
    [
        (columns.CUSTOMER_ID, pa.string()),
        (columns.ARTICLE_ID, pa.list_(pa.string())),
        ("source", pa.list_(pa.string())),
    ]
)
"""One row per customer, the lists parallel and best first; source is the model of the article."""

MANIFEST: Final = "manifest.json"
PARTS: Final = "parts"
TABLE: Final = "recommendations.parquet"
SUBMISSION: Final = "submission.csv"
_HASHES: Final = "hashes"
_NO_FOLDER: Final = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EROFS, errno.ELOOP)


def discard_others(folder: Path, requested: dict[str, Any]) -> str:
    """Delete what an export of something else left there; return what differed, or nothing."""
    stored = _read_manifest(folder)
    differing = [name for name, value in requested.items() if stored and stored.get(name) != value]
    if {name: stored.get(name) for name in requested} != requested:
        shutil.rmtree(folder / PARTS, ignore_errors=True)
        for name in (TABLE, SUBMISSION):
            (folder / name).unlink(missing_ok=True)
        write_text(folder / MANIFEST, json.dumps(requested, indent=1) + "\n")
    return ", ".join(
        f"{name} was {stored.get(name, 'not recorded')} and is {requested[name]}"
        for name in differing
    )


def changed_files(folder: Path) -> list[str]:
    """Return the finished files that are not what the export wrote; none where it never ended."""
    hashes = _read_manifest(folder).get(_HASHES)
    if not isinstance(hashes, dict):
        return []
    return [name for name in (TABLE, SUBMISSION) if hashes.get(name) != _hash(folder / name)]


def is_finished(folder: Path) -> bool:
    """Return whether both files are what the export wrote; what a kill left of the parts goes."""
    if _HASHES not in _read_manifest(folder) or changed_files(folder):
        return False
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    return True


def finish(folder: Path, requested: dict[str, Any]) -> None:
    """Enter the hashes of both files into the manifest, then delete the parts."""
    hashes = {name: _hash(folder / name) for name in (TABLE, SUBMISSION)}
    write_text(folder / MANIFEST, json.dumps({**requested, _HASHES: hashes}, indent=1) + "\n")
    shutil.rmtree(folder / PARTS)


def is_whole(part: Path, n_rows: int) -> bool:
    """Return whether a part has all its rows, and every page the bytes that were written."""
    if not part.exists():
        return False
    try:
        return bool(_read(part).num_rows == n_rows)
    except (OSError, pa.ArrowException):
        return False


def merge(parts: list[Path], folder: Path) -> None:
    """Write both files from the parts, one part in memory at a time."""
    write_lists((_read(part) for part in parts), folder / TABLE)
    with replaced_file(folder / SUBMISSION) as unfinished:
        _write_submission(parts, unfinished)


def write_lists(tables: Iterable[pa.Table], path: Path) -> None:
    """Write tables of EXPORTED as one parquet file."""
    with (
        replaced_file(path) as unfinished,
        pq.ParquetWriter(
            unfinished, EXPORTED, compression="zstd", write_page_checksum=True
        ) as writer,
    ):
        for table in tables:
            writer.write_table(table)


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Turn the errors of a folder that cannot be written into BadInput."""
    try:
        yield
    except OSError as error:
        kinds = PermissionError, FileExistsError, IsADirectoryError
        if not isinstance(error, kinds) and error.errno not in _NO_FOLDER:
            raise
        raise BadInput(
            "an export writes into a folder of its own, which is made where it is missing",
            found=f"{folder}: {error.strerror}",
            fix="name a folder that you may write: hemline export --folder <folder>",
        ) from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest; empty where there is none or it is damaged."""
    try:
        stored = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _read(part: Path) -> pa.Table:
    return pq.read_table(part, schema=EXPORTED, page_checksum_verification=True)


def _hash(path: Path) -> str | None:
    return fingerprint(path) if path.is_file() else None


def _write_submission(parts: list[Path], path: Path) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([columns.CUSTOMER_ID, "prediction"])
        for part in parts:
            lists = pq.read_table(part, columns=[columns.CUSTOMER_ID, columns.ARTICLE_ID])
            predictions = pc.binary_join(lists[columns.ARTICLE_ID], " ")
            ids = lists[columns.CUSTOMER_ID].to_pylist()
            writer.writerows(zip(ids, predictions.to_pylist(), strict=True))
