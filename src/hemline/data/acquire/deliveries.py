"""Deliveries that `hemline source add` put beside the export, in the order of their numbers.

A delivery holds files of the same tables, written as the description says. Its transactions are
added to those before it. Where the description names a key, all rows of a delivery with a key take
the place of all earlier rows with it, and rows that are marked as deleted, or listed in a file of
deleted keys, leave nothing. Rows of articles and customers follow the earlier ones, so the last row
of an id counts, as in one file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from hemline.data.acquire.block import Block
from hemline.data.acquire.described_files import columns_of, described_as
from hemline.data.acquire.described_table import misfit
from hemline.data.acquire.kaggle_files import check_header, read_blocks_of
from hemline.data.acquire.line_reader import Counted, LineReader
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.values import Unfit, as_ids, as_text, is_one_of, refuse_where
from hemline.errors import BadInput

FOLDER: Final = "deliveries"
TABLES: Final = ("transactions", "articles", "customers")
DELETED: Final = "deleted"
KEY: Final = "key"
NUMBER: Final = "delivery"
TOUCHED: Final = pa.schema([(KEY, pa.string()), (NUMBER, pa.int32())])
"""Keys whose rows in earlier deliveries are replaced or deleted by this delivery."""

_NAME: Final = re.compile(r"(\d{4,})-[0-9a-f]{12}")
_BETWEEN: Final = "\x1f"


@dataclass(frozen=True)
class DataDelivery:
    """A delivery; the export itself has the number 0.

    Attributes:
        number: later deliveries have larger ones.
        files: by table; `deleted` lists keys.
    """

    number: int
    files: dict[str, SourceFile]

    @property
    def touches_sales(self) -> bool:
        """Whether the transactions differ by it."""
        return "transactions" in self.files or DELETED in self.files


def delivery_folders(folder: Path) -> list[Path]:
    """Return the folders of the deliveries in the folder of the data, in order."""
    inside = (folder / FOLDER).iterdir() if (folder / FOLDER).is_dir() else iter(())
    named = [one for one in inside if one.is_dir() and _NAME.fullmatch(one.name)]
    return sorted(named, key=number_of)


def number_of(folder: Path) -> int:
    """Return the number of a delivery."""
    return int(folder.name.partition("-")[0])


def find_deliveries(params: SourceParams, folder: Path) -> list[DataDelivery]:
    """Return the deliveries in the folder of the data; raises BadInput as `read_delivery`."""
    return [read_delivery(params, one, number_of(one)) for one in delivery_folders(folder)]


def read_delivery(params: SourceParams, folder: Path, number: int) -> DataDelivery:
    """Return the files of a delivery; raises BadInput if one lacks a column.

    Args:
        params: the description.
        folder: of the delivery, whose files are named `<number>-<table><ending>`.
        number: of the delivery.
    """
    files = {}
    for path in sorted(folder.iterdir()):
        name = path.name.partition("-")[2].partition(".")[0]
        if name == DELETED and not params.sold.key:
            raise BadInput(
                "source.transactions.key names the columns of a file of deleted keys",
                found=f"no key, and {path.name}",
                fix="set it in params.yaml, such as key: [InvoiceNo, StockCode]",
            )
        table = params.sold if name == DELETED else getattr(params, name)
        read = list(params.sold.key) if name == DELETED else columns_of(params, name)
        if name == "transactions" and params.sold.deleted is not None:
            read.append(params.sold.deleted.column)
        part = "transactions" if name == DELETED else name
        files[name] = described_as(f"source.{part}", table, path, read)
        check_header(files[name])
    return DataDelivery(number, files)


def delivered_blocks(source: SourceFile, params: SourceParams, counted: Counted) -> Iterator[Block]:
    """Yield the blocks of a delivery's transactions without the rows marked as deleted."""
    marker = params.sold.deleted
    for block in read_blocks_of(source):
        if marker is None:
            yield block
            continue
        reader = LineReader(source, params, block)
        marks = reader.read_theirs(marker.column, lambda values: as_text(values, source.dialect))
        is_deleted = is_one_of(marks, marker.values)
        counted.deleted += int(pc.sum(is_deleted).as_py() or 0)
        yield reader.only(pc.invert(is_deleted)).block


def touched_keys(
    deliveries: Iterable[DataDelivery], params: SourceParams
) -> Iterator[pa.RecordBatch]:
    """Yield the keys that deliveries hold, as TOUCHED; raises BadInput for a row without one."""
    for delivery in deliveries:
        for name in ("transactions", DELETED):
            if name in delivery.files:
                source = delivery.files[name]
                for block in read_blocks_of(source):
                    keys = joined_keys(_key_columns(source, params, block))
                    numbers = pa.array([delivery.number] * len(keys), pa.int32())
                    yield pa.RecordBatch.from_arrays([keys, numbers], schema=TOUCHED)


def joined_keys(parts: list[pa.Array]) -> pa.Array:
    """Return the columns of a key as one text; null where one is null."""
    return pc.binary_join_element_wise(*parts, _BETWEEN)


def _key_columns(source: SourceFile, params: SourceParams, block: Block) -> list[pa.Array]:
    found = []
    for name in params.sold.key:
        values = block.rows.column(name)
        try:
            ids = as_ids(values, source.dialect)
            refuse_where(pc.is_null(ids), ids, "a value, as part of source.transactions.key")
        except Unfit as error:
            raise misfit(source, block, name, error) from None
        found.append(ids)
    return found
