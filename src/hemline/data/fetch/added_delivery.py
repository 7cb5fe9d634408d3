"""A delivery checked and copied beside the export, once.

What was added is named by the hash of its files, so the same delivery a second time changes
nothing. It is read whole before it counts: one that cannot be read leaves nothing behind.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hemline.data.acquire.deliveries import (
    DELETED,
    FOLDER,
    TABLES,
    DataDelivery,
    delivered_blocks,
    delivery_folders,
    number_of,
    read_delivery,
    touched_keys,
)
from hemline.data.acquire.described_files import find_described
from hemline.data.acquire.line_reader import Counted
from hemline.data.acquire.sale_lines import read_lines
from hemline.data.acquire.source_params import SourceParams
from hemline.errors import BadInput, full_disk_refused
from hemline.files import fingerprint, replaced_folder

_HASH_LENGTH: Final = 12


def add_delivery(
    params: SourceParams, folder: Path, given: Path, deleted: Path | None = None
) -> Iterator[str]:
    """Copy a delivery into the folder of the data, and yield what came of it.

    Args:
        params: the description.
        folder: data/source, which has the export.
        given: the transactions, or a folder with files of the names of the description.
        deleted: a file of the keys that are deleted.

    Raises:
        BadInput: there is no export to add to, the delivery lacks a file or a column, or a value
            does not fit.
    """
    _check_place(params, deleted)
    export = find_described(params, folder)["transactions"].path
    files = _files(params, given, deleted)
    digest = fingerprint(*_parts(files))[:_HASH_LENGTH]
    earlier = delivery_folders(folder)
    if same := next((one for one in earlier if one.name.endswith(digest)), None):
        yield f"It was added before, as {same.name}: nothing changes."
        return
    if set(files) == {"transactions"} and _is_same(files["transactions"], export):
        yield "It is the export itself: nothing changes."
        return
    number = number_of(earlier[-1]) + 1 if earlier else 1
    name = f"{number:04}-{digest}"
    with (
        full_disk_refused(folder),
        replaced_folder(folder / FOLDER / name) as unfinished,
    ):
        for table, path in files.items():
            _copy(path, unfinished / f"{number:04}-{table}{_ending(path)}")
        counted = _read(read_delivery(params, unfinished, number), params)
    yield f"Added as {FOLDER}/{name}: {', '.join(sorted(files))}."
    if counted.lines:
        yield f"transactions: {counted.lines:,} lines, and {counted.deleted:,} marked as deleted"
    if not params.sold.key:
        yield (
            "Its lines count as further sales: source.transactions.key names no columns by which "
            "a line could replace an earlier one."
        )


def _check_place(params: SourceParams, deleted: Path | None) -> None:
    if params.sold.file is None:
        raise BadInput(
            "a delivery is added to an export in files",
            found="source.transactions.url, which is read whole each time",
            fix="change the rows there; `hemline source fetch` copies them",
        )
    if deleted is not None and not params.sold.key:
        raise BadInput(
            "source.transactions.key names the columns of a file of deleted keys",
            found="no key",
            fix="set it in params.yaml, such as key: [InvoiceNo, StockCode]",
        )


def _files(params: SourceParams, given: Path, deleted: Path | None) -> dict[str, Path]:
    """Return the files of a delivery by table."""
    given = given.expanduser()
    described = {name: getattr(params, name).file for name in TABLES}
    if given.is_dir():
        found = {name: given / file for name, file in described.items()
                 if file is not None and (given / file).exists()}  # fmt: skip
    else:
        found = {"transactions": given} if given.exists() else {}
    if not found:
        there = sorted(one.name for one in given.iterdir()) if given.is_dir() else []
        named = ", ".join(file for file in described.values() if file is not None)
        raise BadInput(
            f"a delivery is a file of transactions, or a folder with {named} or some of them",
            found=", ".join(there[:20]) or f"no {given}",
            fix="name the file of the transactions itself, or rename the files",
        )
    if deleted is not None:
        found[DELETED] = deleted.expanduser()
    return found


def _parts(files: dict[str, Path]) -> Iterator[str | Path]:
    """Yield what makes a delivery the same: tables, names of parts and their contents."""
    for table, path in sorted(files.items()):
        yield table
        if not path.is_dir():
            yield path
            continue
        for one in sorted(path.rglob("*")):
            if one.is_file():
                yield str(one.relative_to(path))
                yield one


def _is_same(path: Path, base: Path) -> bool:
    if path.is_dir() or base.is_dir():
        return path.is_dir() and base.is_dir() and path.samefile(base)
    return fingerprint(path) == fingerprint(base)


def _ending(path: Path) -> str:
    return "" if path.is_dir() else "".join(path.suffixes[-2:])


def _copy(path: Path, target: Path) -> None:
    if not path.exists():
        raise BadInput("a delivery's file is there", found=f"no {path}", fix="correct its name")
    if path.is_dir():
        shutil.copytree(path, target)
    else:
        shutil.copyfile(path, target)


def _read(delivery: DataDelivery, params: SourceParams) -> Counted:
    """Read all of a delivery's sales, so that it is refused now and not by the next training."""
    counted = Counted()
    if "transactions" in delivery.files:
        source = delivery.files["transactions"]
        for _ in read_lines(delivered_blocks(source, params, counted), source, params, [], counted):
            pass
    if params.sold.key:
        for _ in touched_keys([delivery], params):
            pass
    return counted
