"""The parquet tables the stages exchange: their schemas, and how they are read and written.

A table is written to a temporary file and then renamed, so a killed stage never leaves half a file
under the real name. Compression and row-group size are fixed: the same rows give the same bytes,
which DVC's cache depends on.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput
from hemline.files import replaced_file

if TYPE_CHECKING:
    import pandas as pd

NAME_BY_CODE: Final = {
    "product_type_no": "product_type_name",
    "graphical_appearance_no": "graphical_appearance_name",
    "colour_group_code": "colour_group_name",
    "perceived_colour_value_id": "perceived_colour_value_name",
    "perceived_colour_master_id": "perceived_colour_master_name",
    "department_no": "department_name",
    "index_code": "index_name",
    "index_group_no": "index_group_name",
    "section_no": "section_name",
    "garment_group_no": "garment_group_name",
}
"""The articles' categories: the column of the code and that of its name."""

_TYPE_NAME, *_OTHER_NAMES = NAME_BY_CODE.values()
_TEXTS: Final = ("prod_name", _TYPE_NAME, "product_group_name", *_OTHER_NAMES, "detail_desc")

ARTICLES: Final = pa.schema(
    [
        (columns.ARTICLE, pa.int32()),
        (columns.ARTICLE_ID, pa.string()),
        (columns.PRODUCT_CODE, pa.string()),
        ("index_code", pa.string()),
        *((code, pa.int32()) for code in NAME_BY_CODE if code != "index_code"),
        *((name, pa.string()) for name in _TEXTS),
    ]
)
"""Row i describes the article with key i; product_code is Kaggle's, padded to 7 digits."""

CUSTOMERS: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        (columns.CUSTOMER_ID, pa.string()),
        (columns.FN, pa.int8()),
        (columns.ACTIVE, pa.int8()),
        (columns.CLUB, pa.string()),
        (columns.NEWS, pa.string()),
        (columns.AGE, pa.int16()),
    ]
)
"""Row i describes the customer with key i; age, club and news may be null."""

POSTAL_CODE_FIELD: Final = pa.field(columns.POSTAL_CODE, pa.string())

TRANSACTIONS: Final = pa.schema(
    [
        (columns.DAY, pa.date32()),
        (columns.CUSTOMER, pa.int32()),
        (columns.ARTICLE, pa.int32()),
        (columns.PRICE, pa.float32()),
        (columns.CHANNEL, pa.int8()),
    ]
)
"""One row per unit sold, ordered by day, customer and article; price of a unit, in the currency of
the shop (Kaggle's is scaled). A shop that records quantities has UNITS_FIELD too: one row per line.
Without a price or a channel, theirs is null."""

UNITS_FIELD: Final = pa.field(columns.UNITS, pa.int32())


def transactions_schema(names: Collection[str]) -> pa.Schema:
    """Return TRANSACTIONS, with UNITS_FIELD if the names of a table's columns include it."""
    return TRANSACTIONS.append(UNITS_FIELD) if columns.UNITS in names else TRANSACTIONS


GUEST_SALES: Final = pa.schema(
    [
        (columns.DAY, pa.date32()),
        (columns.BASKET, pa.int32()),
        (columns.ARTICLE, pa.int32()),
        (columns.UNITS, pa.int32()),
        (columns.PRICE, pa.float32()),
        (columns.CHANNEL, pa.int8()),
    ]
)
"""One row per line bought by nobody known; lines of one basket were bought together, null: unknown.
The table exists only for a described source that says `guests: {policy: anonymous}`."""

CHANNELS: Final = pa.schema([(columns.CHANNEL, pa.int8()), ("name", pa.string())])
"""The name of each channel; the table exists only for a described source that names a channel."""

ARTICLE_KEYS: Final = pa.schema([(columns.ARTICLE, pa.int32()), (columns.ARTICLE_ID, pa.string())])
"""Every article_id seen in any file; keys past the articles table stand for unknown articles."""

CUSTOMER_KEYS: Final = pa.schema(
    [(columns.CUSTOMER, pa.int32()), (columns.CUSTOMER_ID, pa.string())]
)
"""Every customer_id seen in any file; keys past the customers table stand for unknown customers."""

PURCHASES: Final = pa.schema(
    [
        (columns.DAY, pa.date32()),
        (columns.CUSTOMER, pa.int32()),
        (columns.ARTICLE, pa.int32()),
        (columns.UNITS, pa.int16()),
        (columns.PRICE, pa.float32()),
        (columns.CHANNEL, pa.int8()),
    ]
)
"""One row per customer, article and day, all before the cut; price is the mean per unit."""

SEGMENTS: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        (columns.CLUSTER, pa.int8()),
        (columns.AGE_BAND, pa.int8()),
    ]
)
"""Row i holds the cluster and the age band of the customer with key i."""

UNLIKES: Final = pa.schema(
    [
        (columns.DAY, pa.date32()),
        (columns.CUSTOMER, pa.int32()),
        (columns.ARTICLE, pa.int32()),
        (columns.UNDONE, pa.date32()),
    ]
)
"""One row per article that a customer did not want to see from a day on, until it was undone; an
unlike that was undone on its own day has no row."""

EVENTS: Final = pa.schema(
    [
        ("sequence", pa.int64()),
        (columns.DAY, pa.date32()),
        ("at", pa.timestamp("ms", "UTC")),
        ("kind", pa.string()),
        ("visitor", pa.string()),
        (columns.ARTICLE_ID, pa.string()),
        (columns.UNITS, pa.int32()),
        (columns.PRICE, pa.float64()),
        ("context", pa.string()),
    ]
)
"""One row per event of the shop in the order of its log; visitor is `customer:` or `guest:` and the
id, price may be null, context is JSON."""

SERVED_SCORES: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        (columns.CUSTOMER_ID, pa.string()),
        ("ap_at_12", pa.float64()),
    ]
)
"""One row per buyer of the test week: AP@12 of the list served to them."""

ROWS_A_GROUP: Final = 1 << 20
"""Rows of a row group of every table, written whole or in batches."""


def write_table(table: "pa.Table | pd.DataFrame", path: Path, schema: pa.Schema) -> None:
    """Write the schema's columns of the table to path, atomically and with stable bytes."""
    if not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    table = table.select(schema.names).cast(schema).replace_schema_metadata(None)
    with replaced_file(path) as unfinished:
        pq.write_table(table, unfinished, compression="zstd", row_group_size=ROWS_A_GROUP)


def read_table(path: Path, schema: pa.Schema) -> "pd.DataFrame":
    """Return the table as a frame, days as timestamps.

    Raises:
        BadInput: the file is missing or damaged, or lacks a column.
    """
    check_schema(path, schema)
    with _damage_refused(path):
        stored = pq.read_table(path, columns=schema.names)
    # A frame of dates would hold objects: comparing 30 million of them takes 35 s.
    # Arrow frees each column once it is converted, which halves the peak memory.
    rows: pd.DataFrame = stored.to_pandas(
        date_as_object=False, self_destruct=True, use_threads=False
    )
    pa.default_memory_pool().release_unused()
    return rows


def read_described(path: Path, schema: pa.Schema) -> "pd.DataFrame":
    """Return the table as `read_table` does, with the shop's own attributes after the schema's.

    Where people live is no attribute: columns.POSTAL_CODE is left out.

    Raises:
        BadInput: as `read_table`.
    """
    check_schema(path, schema)
    fields = {field.name: field for field in pq.read_schema(path)}
    own = [field for name, field in fields.items() if name not in _NOT_OWN | {*schema.names}]
    return read_table(path, pa.schema([*schema, *own]))


_NOT_OWN: Final = frozenset({columns.POSTAL_CODE})


def has_values(path: Path, column: str) -> bool:
    """Return whether a column of a table holds anything but nulls, as the file says of itself."""
    file = pq.ParquetFile(path).metadata
    names = [file.schema.column(place).name for place in range(file.num_columns)]
    if column not in names:
        return False
    place = names.index(column)
    parts = [file.row_group(group).column(place) for group in range(file.num_row_groups)]
    return any(
        part.statistics is None or part.statistics.null_count < part.num_values for part in parts
    )


def check_schema(path: Path, schema: pa.Schema) -> None:
    """Refuse a file that is missing or damaged, or lacks a column; raises BadInput."""
    with _damage_refused(path):
        stored = pq.read_schema(path)
    missing = [name for name in schema.names if name not in stored.names]
    if missing:
        raise BadInput(
            f"{path.name} has the columns {schema.names}",
            found=f"no {', '.join(missing)}",
            fix="re-run the stage that writes it: dvc repro",
        )


@contextmanager
def _damage_refused(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{path} is a table as it was written",
            found=str(error).partition("\n")[0],
            fix="restore it: dvc checkout. If that fails, make it again: dvc repro",
        ) from error
