"""Packed, protected, damaged and special files are refused by name, and never waited for."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hemline.data.acquire import source_file
from tests.data.conftest import write_shop
from tests.data.raw_tables import read_raw, refusal_of

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
NAME = "transactions_train.csv"


def pack(folder: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / f"{NAME}.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.write(folder / NAME, NAME)
    (folder / NAME).unlink()
    return path


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_zip_is_read_and_its_damage_refused(
    kaggle: Path, flawless: Path, method: int
) -> None:
    path = pack(kaggle, method)
    assert read_raw(kaggle) == read_raw(flawless)
    content = path.read_bytes()
    start = 30 + len(NAME) + 9  # the header of lzma has numbers that nothing reads
    for place in range(start, start + 200, 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        assert f"{path.name} is complete and undamaged" in refusal_of(kaggle).rule


def test_a_zip_cut_off_anywhere_is_refused(kaggle: Path) -> None:
    path = pack(kaggle)
    content = path.read_bytes()
    for size in range(0, len(content), 13):
        path.write_bytes(content[:size])
        assert f"{path.name} is complete and undamaged" in refusal_of(kaggle).rule


def with_both(path: Path, place_in_file: int, place_in_directory: int, value: int) -> None:
    """Change a byte of the member's header and of its entry in the zip's directory."""
    content = bytearray(path.read_bytes())
    content[place_in_file] = value
    content[content.index(b"PK\x01\x02") + place_in_directory] = value
    path.write_bytes(bytes(content))


def a_password(folder: Path) -> None:
    with_both(pack(folder), 6, 8, 1)


def an_unknown_method(folder: Path) -> None:
    with_both(pack(folder), 8, 10, 93)


def a_later_version(folder: Path) -> None:
    with_both(pack(folder), 4, 6, 205)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def two_of_a_name(folder: Path) -> None:
    with zipfile.ZipFile(folder / f"{NAME}.zip", "w") as archive:
        archive.write(folder / NAME, NAME)
        archive.write(folder / NAME, NAME)
    (folder / NAME).unlink()


def a_bzip2_as_gzip(folder: Path) -> None:
    (folder / f"{NAME}.gz").write_bytes(bz2.compress((folder / NAME).read_bytes()))
    (folder / NAME).unlink()


def an_xz_as_zip(folder: Path) -> None:
    (folder / f"{NAME}.zip").write_bytes(lzma.compress((folder / NAME).read_bytes()))
    (folder / NAME).unlink()


def a_folder(folder: Path) -> None:
    (folder / NAME).unlink()
    (folder / NAME).mkdir()


def a_broken_link(folder: Path) -> None:
    (folder / NAME).unlink()
    (folder / NAME).symlink_to("nowhere")


def a_device(folder: Path) -> None:
    (folder / NAME).unlink()
    (folder / NAME).symlink_to("/dev/zero")


def a_pipe(folder: Path) -> None:
    (folder / NAME).unlink()
    os.mkfifo(folder / NAME)


def a_parquet_pipe(folder: Path) -> None:
    (folder / NAME).unlink()
    os.mkfifo(folder / "transactions_train.parquet")


BROKEN = [
    (a_password, "is not protected by a password", "is encrypted", "unpack it yourself"),
    (an_unknown_method, "packed by deflate, bzip2 or lzma", "method 93", "unpack it yourself"),
    (a_later_version, "is complete and undamaged", "zip file version 20.5", "download it again"),
    (two_of_a_name, f"contains {NAME} once", f"{NAME}, {NAME}", "download it again"),
    (a_bzip2_as_gzip, "is complete and undamaged", "BadGzipFile", "download it again"),
    (an_xz_as_zip, "is complete and undamaged", "BadZipFile", "download it again"),
    (a_folder, f"{NAME} is a file", "a folder", "put the file itself"),
    (a_broken_link, f"{NAME} is a file", "a link to nothing", "put the file itself"),
    (a_device, f"{NAME} is a file", "a pipe or a device", "put the file itself"),
    (a_pipe, f"{NAME} is a file", "a pipe or a device", "put the file itself"),
    (a_parquet_pipe, "is a file or a folder of parquet files", "a pipe or a device", "put the"),
]


@pytest.mark.parametrize(
    ("break_it", "rule", "found", "fix"), BROKEN, ids=[case[0].__name__ for case in BROKEN]
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_what_cannot_be_unpacked_is_refused(
    kaggle: Path, break_it: Callable[[Path], None], rule: str, found: str, fix: str
) -> None:
    break_it(kaggle)
    refusal = refusal_of(kaggle)
    assert rule in refusal.rule
    assert found in refusal.found
    assert fix in refusal.fix


@pytest.mark.parametrize("ending", ["zip", "gz"])
def test_a_small_file_that_unpacks_to_far_too_much_is_refused(
    kaggle: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(source_file, "_PLAUSIBLE_BYTES", 1 << 20)
    line = (kaggle / NAME).read_bytes().splitlines(keepends=True)[-1]
    with (kaggle / NAME).open("ab") as file:
        file.write(line * 100_000)
    if ending == "zip":
        pack(kaggle)
    else:
        (kaggle / f"{NAME}.gz").write_bytes(gzip.compress((kaggle / NAME).read_bytes()))
        (kaggle / NAME).unlink()
    assert "unpacks to at most 200 times its size" in refusal_of(kaggle).rule


AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.data.conftest import write_shop
from tests.data.raw_tables import read_raw

if os.getuid() == 0:
    os.setgroups([])
    os.setuid(65534)
read_raw(Path(sys.argv[1]))
"""


def test_a_file_without_permission_is_refused_with_the_command_that_gives_it() -> None:
    with TemporaryDirectory() as name:  # under pytest's own folder nobody else may look
        folder = write_shop(Path(name))
        folder.chmod(0o755)
        (folder / NAME).chmod(0)
        command = [sys.executable, "-c", AS_NOBODY, name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"{NAME} may be read by this user" in done.stderr
    assert f"chmod u+r {folder / NAME}" in done.stderr


def test_a_folder_without_permission_is_refused_too() -> None:
    with TemporaryDirectory() as name:
        write_shop(Path(name) / "kaggle")
        Path(name).chmod(0)
        command = [sys.executable, "-c", AS_NOBODY, f"{name}/kaggle"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        Path(name).chmod(0o700)
    assert "kaggle may be read by this user" in done.stderr
