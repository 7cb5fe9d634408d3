"""The parquet tables the stages exchange: their schemas, and how they are read and written.

A table is written whole to a temporary file and then renamed, so a killed stage never leaves half
a file under the real name. Compression and row-group size are fixed: the same rows give the same
bytes, which is what DVC's cache lives on.
"""

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput

_TEXT_COLUMNS: Final = (
    "prod_name",
    "product_type_name",
    "product_group_name",
    "graphical_appearance_name",
    "colour_group_name",
    "perceived_colour_value_name",
    "perceived_colour_master_name",
    "department_name",
    "index_name",
    "index_group_name",
    "section_name",
    "garment_group_name",
    "detail_desc",
)
_NUMBER_COLUMNS: Final = (
    "product_type_no",
    "graphical_appearance_no",
    "colour_group_code",
    "perceived_colour_value_id",
    "perceived_colour_master_id",
    "department_no",
    "index_group_no",
    "section_no",
    "garment_group_no",
)

ARTICLES: Final = pa.schema(
    [
        (columns.ARTICLE, pa.int32()),
        (columns.ARTICLE_ID, pa.string()),
        (columns.PRODUCT_CODE, pa.string()),
        ("index_code", pa.string()),
        *((name, pa.int32()) for name in _NUMBER_COLUMNS),
        *((name, pa.string()) for name in _TEXT_COLUMNS),
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
"""One row per unit sold, ordered by day, customer and article; price in Kaggle's scaled unit."""

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

SERVED_SCORES: Final = pa.schema(
    [
        (columns.CUSTOMER, pa.int32()),
        (columns.CUSTOMER_ID, pa.string()),
        ("ap_at_12", pa.float64()),
    ]
)
"""One row per buyer of the test week: AP@12 of the list served to them."""


def write_table(table: pa.Table | pd.DataFrame, path: Path, schema: pa.Schema) -> None:
    """Write the schema's columns of the table to path, atomically and with stable bytes."""
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    table = table.select(schema.names).cast(schema).replace_schema_metadata(None)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(table, unfinished, compression="zstd", row_group_size=1 << 20)
    unfinished.replace(path)


def read_table(path: Path, schema: pa.Schema) -> pd.DataFrame:
    """Return the table as a frame; raises BadInput when its columns are not the schema's."""
    stored = pq.read_schema(path)
    missing = [name for name in schema.names if name not in stored.names]
    if missing:
        raise BadInput(
            f"{path.name} has the columns {schema.names}",
            found=f"no {', '.join(missing)}",
            fix="re-run the stage that writes it: dvc repro",
        )
    return pd.read_parquet(path, columns=schema.names)
