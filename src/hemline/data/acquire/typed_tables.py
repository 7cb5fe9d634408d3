"""Raw rows to the typed tables, with dense int32 keys in place of ids.

Ids become keys by joins on the engine, first customers and then articles (`keys.py`). The tables of
articles and customers are held in memory.

A value that fits its type but breaks a rule (an unknown id, a negative price, a repeated key) is
accepted here: validation checks whole tables and shows the rows at fault. So an id that occurs in
the transactions only gets a key too, after all known ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns, tables
from hemline.data.acquire import kaggle_files
from hemline.data.acquire.keys import number_ids, with_keys
from hemline.data.acquire.source_file import UNCHANGED, SourceFile
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput
from hemline.params import Section

_ORDER: Final = (columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.CHANNEL, columns.PRICE)


class AcquireParams(Section):
    """Where the tables come from."""

    section: ClassVar[str] = "acquire"
    source: Literal["synthetic", "kaggle", "mapped"]
    keep_postal_code: bool
    feedback: bool


@dataclass(frozen=True)
class Tables:
    """The tables, with the schemas of the same names in hemline.tables.

    The transactions and the guests' sales are rows of the engine that typed them, not ordered yet.
    Articles and customers of a described source have its attributes as further columns, and its
    transactions the column units where it records quantities.
    """

    articles: pa.Table
    customers: pa.Table
    transactions: Rows
    article_keys: pa.Table
    customer_keys: pa.Table
    unlikes: pa.Table = field(default_factory=tables.UNLIKES.empty_table)
    guest_sales: Rows | None = None
    channels: pa.Table | None = None


def read_tables(engine: Engine, sources: Mapping[str, SourceFile]) -> Tables:
    """Return the typed tables of the files of `find_sources`; raises BadInput."""
    articles, article_keys = _type_articles(_read(sources["articles"]))
    customers, customer_keys = _type_customers(_read(sources["customers"]))
    pa.default_memory_pool().release_unused()  # 0.4 GB for Kaggle's files
    sold = sources["transactions_train"]
    transactions = engine.from_batches(kaggle_files.read_blocks(sold), sold.schema)
    transactions, customer_keys = with_keys(engine, transactions, customer_keys)
    transactions, article_keys = with_keys(engine, transactions, article_keys)
    return Tables(articles, customers, transactions, article_keys, customer_keys)


def type_tables(
    engine: Engine,
    articles: pd.DataFrame,
    customers: pd.DataFrame,
    transactions: pd.DataFrame,
    *,
    keep_postal_code: bool,
) -> Tables:
    """Return the typed tables of generated frames.

    Args:
        engine: orders the transactions when they are written.
        articles: Kaggle's columns; the row number is the key.
        customers: Kaggle's columns; the row number is the key.
        transactions: the columns of tables.TRANSACTIONS.
        keep_postal_code: whether the customers keep that quasi-identifier.
    """
    postal_code = [tables.POSTAL_CODE_FIELD] if keep_postal_code else []
    people = pa.schema([*kaggle_files.CUSTOMERS, *postal_code])
    typed_articles, article_keys = _type_articles(_from_frame(articles, kaggle_files.ARTICLES))
    typed_customers, customer_keys = _type_customers(_from_frame(customers, people))
    sold = engine.from_arrow(_from_frame(transactions, tables.TRANSACTIONS))
    return Tables(typed_articles, typed_customers, sold, article_keys, customer_keys)


def write_tables(engine: Engine, written: Tables, folder: Path) -> None:
    """Write the parquet files of the tables to the folder.

    Transactions are ordered by day, customer, article, channel and price, so the order is total up
    to equal rows.
    """
    for name, table in vars(written).items():
        path = folder / f"{name}.parquet"
        if isinstance(table, pa.Table):
            tables.write_table(table, path, table.schema)
        elif name == "guest_sales" and table is not None:
            engine.write(table, path, tables.GUEST_SALES, order_by=tables.GUEST_SALES.names)
        elif table is not None:
            schema = tables.transactions_schema(table.collect_schema().names())
            units = [columns.UNITS] * (columns.UNITS in schema.names)
            engine.write(table, path, schema, order_by=[*_ORDER, *units])


def _read(source: SourceFile) -> pa.Table:
    """Return a file of articles or customers in the types of its schema."""
    return pa.Table.from_batches(kaggle_files.read_blocks(source))


def _from_frame(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False).select(schema.names).cast(schema)


def _type_articles(articles: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return tables.ARTICLES and ARTICLE_KEYS."""
    key, keys = number_ids(articles[columns.ARTICLE_ID], tables.ARTICLE_KEYS)
    code = pc.utf8_lpad(articles[columns.PRODUCT_CODE], 7, "0")
    place = articles.schema.get_field_index(columns.PRODUCT_CODE)
    articles = articles.set_column(place, columns.PRODUCT_CODE, code)
    return articles.append_column(columns.ARTICLE, key).select(tables.ARTICLES.names), keys


def _type_customers(customers: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return tables.CUSTOMERS and CUSTOMER_KEYS.

    A missing FN or Active is 0, and both spellings of NONE become one.
    """
    key, keys = number_ids(customers[columns.CUSTOMER_ID], tables.CUSTOMER_KEYS)
    news = customers[columns.NEWS]
    typed = {
        columns.CUSTOMER: key,
        columns.CUSTOMER_ID: customers[columns.CUSTOMER_ID],
        columns.FN: _whole(customers, columns.FN, pa.int8()).fill_null(0),
        columns.ACTIVE: _whole(customers, columns.ACTIVE, pa.int8()).fill_null(0),
        columns.CLUB: customers[columns.CLUB],
        columns.NEWS: pc.if_else(pc.equal(news, "None"), "NONE", news),
        columns.AGE: _whole(customers, columns.AGE, pa.int16()),
    }
    if columns.POSTAL_CODE in customers.column_names:
        typed[columns.POSTAL_CODE] = customers[columns.POSTAL_CODE]
    return pa.table(typed), keys


def _whole(customers: pa.Table, name: str, dtype: pa.DataType) -> pa.ChunkedArray:
    """Return the column as whole numbers; Kaggle writes 21 as 21.0."""
    try:
        return customers[name].cast(dtype)
    except pa.ArrowInvalid as error:
        rule = f"every {name} of the customers is a whole number"
        raise BadInput(rule, found=str(error), fix=UNCHANGED) from None
