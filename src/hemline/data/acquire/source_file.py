"""One of Kaggle's files as it lies in the folder, and the bytes of its csv, unpacked on the fly.

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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

import pyarrow as pa

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


@contextmanager
def opened(source: KaggleFile) -> Iterator[Callable[[memoryview], int]]:
    """Yield what reads the next bytes of the csv into a buffer and returns how many, 0 at the end.

    Raises:
        BadInput: at the start or while reading: the file is damaged, protected, packed in a way
            that cannot be read, or unpacks to implausibly many bytes.
    """
    with ExitStack() as stack:
        with damage_refused(source.path):
            stream, n_packed = _open(source, stack)
        n_read = 0

        def read(buffer: memoryview) -> int:
            nonlocal n_read
            with damage_refused(source.path):
                n_new: int = stream.readinto(buffer)  # type: ignore[attr-defined]  # IO lacks it
            n_read += n_new
            if n_read > max(_PLAUSIBLE_BYTES, _PLAUSIBLE_RATIO * n_packed):
                raise BadInput(
                    f"{source} unpacks to at most {_PLAUSIBLE_RATIO} times its size",
                    found=f"{n_packed:,} bytes that unpack to more than {n_read:,}",
                    fix="unpack it yourself if it is genuine, and provide the csv file",
                )
            return n_new

        yield read


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


def _open(source: KaggleFile, stack: ExitStack) -> tuple[IO[bytes], int]:
    """Return the open csv and the number of its bytes as packed."""
    if source.path.suffix == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(source.path))
        member = _member(archive, source)
        return stack.enter_context(archive.open(member)), member.compress_size
    n_packed = source.path.stat().st_size
    if source.path.suffix == ".gz":
        return cast("IO[bytes]", stack.enter_context(gzip.open(source.path))), n_packed
    return stack.enter_context(source.path.open("rb")), n_packed


def _member(archive: zipfile.ZipFile, source: KaggleFile) -> zipfile.ZipInfo:
    name = source.path.name
    members = [one for one in archive.infolist() if one.filename == source.csv_name]
    if len(members) != 1:
        names = [one.filename for one in members or archive.infolist()[:5]]
        raise BadInput(
            f"{name} contains {source.csv_name}" + " once" * bool(members),
            found=", ".join(names) or "an empty zip",
            fix=UNCHANGED,
        )
    if members[0].flag_bits & 0x1:
        raise BadInput(
            f"{name} is not protected by a password",
            found=f"{source.csv_name} is encrypted",
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
