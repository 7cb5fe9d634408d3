"""A table's file as it lies in the folder; its csv is unpacked and decoded on the fly.

A member of a zip is read in place and never unpacked to disk, so the 30 GB of images in the
competition zip cost nothing. Whatever is wrong with a packed file ends in one refusal, wherever in
the file it shows.
"""

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

import pyarrow as pa

from hemline.data.acquire.decoded_text import decoded
from hemline.data.acquire.dialect import Dialect
from hemline.errors import BadInput

UNCHANGED: Final = "export Kaggle's file unchanged, or download it again"
AGAIN: Final = "export it again, or download it again"

_PACKED_WITH: Final = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)
_DAMAGED: Final = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,  # bzip2, and offsets outside the file
    NotImplementedError,  # a later version of the format
    ValueError,  # names that are no text, negative offsets
    OverflowError,
    pa.ArrowException,
)
_PLAUSIBLE_BYTES: Final = 1 << 30
_PLAUSIBLE_RATIO: Final = 200


@dataclass(frozen=True)
class SourceFile:
    """A table's file: a csv on its own, compressed or in a zip, or parquet.

    Attributes:
        csv_name: of the csv, as it is called in a zip; None: the only file of the zip.
        path: of the file, or of the folder of parquet files.
        schema: the columns to read under the names of the file, and the types of their values.
        dialect: how the csv is written.
        fix: what to do about a wrong value.
        strict_ids: columns that parquet has to store as text.
        described_in: the part of params.yaml that describes the file; empty for Kaggle's.
    """

    csv_name: str | None
    path: Path
    schema: pa.Schema
    dialect: Dialect = field(default_factory=Dialect)
    fix: str = UNCHANGED
    strict_ids: tuple[str, ...] = ()
    described_in: str = ""

    @property
    def is_parquet(self) -> bool:
        """Whether the path is a parquet file, or a folder of them."""
        return self.path.suffix == ".parquet" or self.path.is_dir()

    def __str__(self) -> str:
        """Return the name of the file as it is in the folder."""
        name = self.path.name
        if self.is_parquet or self.csv_name is None or name.startswith(self.csv_name):
            return name
        return f"{self.csv_name} in {name}"


@contextmanager
def opened(source: SourceFile) -> Iterator[Callable[[memoryview], int]]:
    """Yield what reads the next bytes of the csv into a buffer and returns how many, 0 at the end.

    Raises:
        BadInput: at the start or while reading: the file is damaged, protected, packed in a way
            that cannot be read, or unpacks to implausibly many bytes.
    """
    with ExitStack() as stack:
        with damage_refused(source.path):
            stream, n_packed = _open(source, stack)
        n_read = 0
        fill: Callable[[memoryview], int] = stream.readinto  # type: ignore[attr-defined]

        def read(buffer: memoryview) -> int:
            nonlocal n_read
            with damage_refused(source.path):
                n_new = fill(buffer)
            n_read += n_new
            if n_read > max(_PLAUSIBLE_BYTES, _PLAUSIBLE_RATIO * n_packed):
                raise BadInput(
                    f"{source} unpacks to at most {_PLAUSIBLE_RATIO} times its size",
                    found=f"{n_packed:,} bytes that unpack to more than {n_read:,}",
                    fix="unpack it yourself if it is genuine, and provide the csv file",
                )
            return n_new

        yield decoded(read, str(source), source.dialect.encoding, source.described_in)


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Turn what a damaged or unreadable file raises into BadInput."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except PermissionError as error:
        raise BadInput(
            f"{path.name} may be read by this user", found=str(error), fix=f"chmod u+r {path}"
        ) from None
    except _DAMAGED as error:
        raise BadInput(
            f"{path.name} is complete and undamaged",
            found=f"{type(error).__name__}: {error}",
            fix=AGAIN,
        ) from None


def _open(source: SourceFile, stack: ExitStack) -> tuple[IO[bytes], int]:
    """Return the open csv and the number of its bytes as packed."""
    if source.path.suffix == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(source.path))
        member = _member(archive, source)
        return stack.enter_context(archive.open(member)), member.compress_size
    n_packed = source.path.stat().st_size
    if source.path.suffix == ".gz":
        return cast("IO[bytes]", stack.enter_context(gzip.open(source.path))), n_packed
    return stack.enter_context(source.path.open("rb")), n_packed


def _member(archive: zipfile.ZipFile, source: SourceFile) -> zipfile.ZipInfo:
    name, wanted = source.path.name, source.csv_name
    inside = archive.infolist()
    if wanted is None:
        members = [one for one in inside if not one.is_dir() and not _is_marker(one.filename)]
    else:
        members = [one for one in inside if one.filename == wanted]
    if len(members) != 1:
        names = [one.filename for one in members or inside[:5]]
        raise BadInput(
            f"{name} contains {wanted or 'one file'}" + " once" * bool(members and wanted),
            found=", ".join(names) or "an empty zip",
            fix=source.fix if wanted else f"unpack it, and name the file in {source.described_in}",
        )
    if members[0].flag_bits & 0x1:
        raise BadInput(
            f"{name} is not protected by a password",
            found=f"{members[0].filename} is encrypted",
            fix="unpack it yourself and provide the csv file",
        )
    if members[0].compress_type not in _PACKED_WITH:
        method = members[0].compress_type
        raise BadInput(
            f"{name} is packed by deflate, bzip2 or lzma",
            found=f"method {method}",
            fix="unpack it yourself and provide the csv file",
        )
    return members[0]


def _is_marker(name: str) -> bool:
    """Return whether a member of a zip is what macOS adds of itself."""
    return name.startswith("__MACOSX/") or name.endswith(".DS_Store")
