"""Files and folders of object stores, copied as they are.

Arrow reads s3:// and gs://, since it has their clients in its wheel. Fsspec reads other schemes;
its clients are packages of their own (adlfs for az://). Both find their credentials in the
environment or in the account of the machine, never in a URL.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from hemline.errors import BadInput

_BY_ARROW: Final = ("s3", "gs", "file")
_BYTES_AT_A_TIME: Final = 1 << 22
_LOG: Final = "_delta_log"
_SHOWN: Final = 400
_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_VARIABLES: Final = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
    "abfs": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
}


def copy_from(url: str, target: Path, part: str) -> tuple[int, int]:
    """Copy a file, or all files of a folder, and return how many files and bytes there are.

    Args:
        url: of the file or the folder.
        target: gets the file, or the files under their names in the folder.
        part: names the description in a refusal: source.transactions.

    Raises:
        BadInput: the store cannot be reached, its client is not installed, or nothing is there.
    """
    with _refusals(url, part):
        system, path = _opened(url)
        if system.get_file_info(path).type == fs.FileType.File:
            return 1, _copy(system, path, target)
        inside = system.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
        files = sorted(one.path for one in inside if one.type == fs.FileType.File)
        # The log of a Delta table first: what it names was there before it, and stays for days.
        files.sort(key=lambda name: _LOG not in PurePosixPath(name).parts)
        n_bytes = 0
        for one in files:
            place = target / PurePosixPath(one).relative_to(PurePosixPath(path))
            place.parent.mkdir(parents=True, exist_ok=True)
            n_bytes += _copy(system, one, place)
    if not files:
        raise BadInput(
            f"{part}.url is that of a file or of a folder with files",
            found=f"nothing at {url}",
            fix=f"correct {part}.url in params.yaml",
        )
    return len(files), n_bytes


def _opened(url: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URL, and the path in it."""
    if urlsplit(url).scheme in _BY_ARROW:
        system, path = fs.FileSystem.from_uri(url)
        return system, path
    from fsspec.core import url_to_fs  # noqa: PLC0415  (only where arrow has no client)

    opened, path = url_to_fs(url)
    return fs.PyFileSystem(fs.FSSpecHandler(opened)), path.rstrip("/")


def _copy(system: fs.FileSystem, path: str, target: Path) -> int:
    with system.open_input_stream(path) as source, target.open("wb") as file:
        copyfileobj(source, file, _BYTES_AT_A_TIME)
        return file.tell()


@contextmanager
def _refusals(url: str, part: str) -> Iterator[None]:
    """Turn what a store's client says into a refusal; each has exceptions of its own."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except ImportError as missing:
        raise BadInput(
            f"a client for {part}.url is installed", found=str(missing), fix=_install(url)
        ) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise
        raise _unreachable(url, part, error) from None


def _install(url: str) -> str:
    package = {"az": "adlfs", "abfs": "adlfs", "gcs": "gcsfs"}.get(urlsplit(url).scheme)
    return f"pip install {package}" if package else "install what the message names"


def _unreachable(url: str, part: str, error: Any) -> BadInput:
    variables = _VARIABLES.get(urlsplit(url).scheme)
    wrong_url = isinstance(error, pa.ArrowInvalid | ValueError)
    return BadInput(
        f"{part}.url can be read: {url}",
        found=f"{type(error).__name__}: {error}"[:_SHOWN],
        fix=f"correct {part}.url in params.yaml" if wrong_url or not variables
        else f"set what its client reads from the environment ({variables}), or correct {part}.url",
    )  # fmt: skip
