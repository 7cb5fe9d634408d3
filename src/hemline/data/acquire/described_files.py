"""The files that section `source` names, as they lie in a folder."""

from pathlib import Path
from typing import Final

import pyarrow as pa

from hemline import columns
from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.kaggle_files import check_header, check_kind
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import SourceParams
from hemline.errors import BadInput

DESCRIBE: Final = "hemline source init FOLDER describes the files of a folder in params.yaml"


def find_described(params: SourceParams, folder: Path) -> dict[str, SourceFile]:
    """Return the files of the transactions and, where they have their own, articles and customers.

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
        if table.file is not None:
            found[name] = described_file(name, table, folder, _columns_of(params, name))
            check_header(found[name])
    return found


def described_files(params: SourceParams) -> list[str]:
    """Return the names of the files of a description."""
    described = (params.transactions, params.articles, params.customers)
    return [table.file for table in described if table is not None and table.file is not None]


def described_file(name: str, table: Dialect, folder: Path, read: list[str]) -> SourceFile:
    """Return a file of a description; raises BadInput if it is not there.

    Args:
        name: of our table.
        table: its description, which has a `file`.
        folder: of the files.
        read: the columns to read.
    """
    file, part = str(table.model_dump()["file"]), f"source.{name}"
    if Path(file).name != file:
        raise BadInput(
            f"{part}.file is the name of a file in the folder of the data",
            found=file,
            fix=f"correct {part}.file in params.yaml, and give the folder to `make real DATA=`",
        )
    path = folder / file
    schema = pa.schema([(one, pa.string()) for one in dict.fromkeys(read)])
    source = SourceFile(
        None,
        path,
        schema,
        Dialect(**table.model_dump(include=set(Dialect.model_fields))),
        fix=f"correct it in the file, or its description in params.yaml, {part}",
        described_in=part,
    )
    if not path.exists() and not path.is_symlink():
        there = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        raise BadInput(
            f"{folder} holds {file}, the file of {part}",
            found=", ".join(there[:20]) or "no file",
            fix=f"link it: make real DATA=<its folder>; or correct {part}.file in params.yaml",
        )
    check_kind(source)
    return source


def _columns_of(params: SourceParams, name: str) -> list[str]:
    """Return the columns of a file that the description reads."""
    table = getattr(params, name)
    theirs = [*table.columns.values(), *getattr(table, "attributes", {})]
    if name == "transactions":
        for other in (params.articles, params.customers):
            if other.file is None:
                ids = (columns.ARTICLE_ID, columns.CUSTOMER_ID)
                theirs += [one for ours, one in other.columns.items() if ours not in ids]
                theirs += other.attributes
    return theirs
