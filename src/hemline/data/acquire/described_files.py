"""The files that section `source` names, as they lie in a folder.

What the section names by URL lies there too, once it was fetched.
"""

from pathlib import Path
from typing import Final

import pyarrow as pa

from hemline import columns
from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.kaggle_files import check_header, check_kind
from hemline.data.acquire.location import Location
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import SourceParams
from hemline.errors import BadInput

DESCRIBE: Final = "hemline source init FOLDER describes the files of a folder in params.yaml"


def find_described(
    params: SourceParams, folder: Path, *, with_urls: bool = True
) -> dict[str, SourceFile]:
    """Return the files of the transactions and, where they have their own, articles and customers.

    Args:
        params: the description.
        folder: of the files.
        with_urls: whether the tables that lie behind URLs are among them.

    Raises:
        BadInput: nothing is described, a file is missing, or lacks a column.
    """
    if params.transactions is None:
        raise BadInput(
            "section `source` of params.yaml describes the files where acquire.source is mapped",
            found="an empty section",
            fix=DESCRIBE,
        )
    found = {}
    for name in ("transactions", "articles", "customers"):
        table = getattr(params, name)
        if table.file is not None or (with_urls and table.url is not None):
            found[name] = described_file(name, table, folder, columns_of(params, name))
            check_header(found[name])
    return found


def described_files(params: SourceParams) -> list[str]:
    """Return the names of the files of a description; what lies behind a URL is none."""
    described = (params.transactions, params.articles, params.customers)
    return [table.file for table in described if table is not None and table.file is not None]


def described_file(name: str, table: Location, folder: Path, read: list[str]) -> SourceFile:
    """Return a file of a description; raises BadInput if it is not there.

    Args:
        name: of our table.
        table: its description, which has a `file` or a `url`.
        folder: of the files.
        read: the columns to read.
    """
    file, part = table.local_name(name), f"source.{name}"
    if table.file is not None and Path(file).name != file:
        raise BadInput(
            f"{part}.file is the name of a file in the folder of the data",
            found=file,
            fix=f"correct {part}.file in params.yaml, and give the folder to `make real DATA=`",
        )
    path = folder / file
    if not path.exists() and not path.is_symlink():
        raise _absent(table, folder, file, part)
    return described_as(part, table, path, read)


def described_as(part: str, table: Location, path: Path, read: list[str]) -> SourceFile:
    """Return a file that is written as a part of the description says.

    Args:
        part: source.transactions, for a refusal.
        table: that part.
        path: of the file.
        read: the columns to read.

    Raises:
        BadInput: it is no file.
    """
    source = SourceFile(
        None,
        path,
        pa.schema([(one, pa.string()) for one in dict.fromkeys(read)]),
        Dialect(**table.model_dump(include=set(Dialect.model_fields))),
        fix=f"correct it in the file, or its description in params.yaml, {part}",
        described_in=part,
    )
    check_kind(source)
    return source


def _absent(table: Location, folder: Path, file: str, part: str) -> BadInput:
    there = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    fix = f"link it: make real DATA=<its folder>; or correct {part}.file in params.yaml"
    if table.url is not None:
        fix = "fetch it: hemline source fetch"
    return BadInput(
        f"{folder} holds {file}, the file of {part}",
        found=", ".join(there[:20]) or "no file",
        fix=fix,
    )


def columns_of(params: SourceParams, name: str) -> list[str]:
    """Return the columns of a table that the description reads, as they are called there."""
    table = getattr(params, name)
    theirs = [
        *table.columns.values(),
        *getattr(table, "attributes", {}),
        *getattr(table, "key", ()),
    ]
    if name == "transactions":
        for other in (params.articles, params.customers):
            if not other.is_own:
                ids = (columns.ARTICLE_ID, columns.CUSTOMER_ID)
                theirs += [one for ours, one in other.columns.items() if ours not in ids]
                theirs += other.attributes
    return theirs
