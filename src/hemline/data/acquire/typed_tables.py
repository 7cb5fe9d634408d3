"""Raw rows to the typed tables, with dense int32 keys in place of ids.

Ids become keys here and nowhere else, by joins on the engine, first customers and then articles.
The tables of articles and customers are held in memory.

A value that fits its type but breaks a rule (an unknown id, a negative price, a repeated key) is
accepted here: validation checks whole tables and shows the rows at fault. So an id that occurs in
the transactions only gets a key too, after all known ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Literal

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns, tables
from hemline.data.acquire import kaggle_files
from hemline.data.acquire.source_file import UNCHANGED, KaggleFile
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput
from hemline.params import Section

_LONGEST_ID: Final = 200
_UNPRINTABLE_OR_LONG: Final = rf"[\pC\x{{2028}}\x{{2029}}]|^.{{{_LONGEST_ID + 1}}}"
_ORDER: Final = (columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.CHANNEL, columns.PRICE)


class AcquireParams(Section):
    """Where the tables come from."""

    section: ClassVar[str] = "acquire"
    source: Literal["synthetic", "kaggle"]
    keep_postal_code: bool
    feedback: bool


@dataclass(frozen=True)
class Tables:
    """The tables, with the schemas of the same names in hemline.tables.

    The transactions are rows of the engine that typed them, not ordered yet.
    """

    articles: pa.Table
    customers: pa.Table
    transactions: Rows
    article_keys: pa.Table
    customer_keys: pa.Table
    unlikes: pa.Table = field(default_factory=tables.UNLIKES.empty_table)


def read_tables(engine: Engine, sources: Mapping[str, KaggleFile]) -> Tables:
    """Return the typed tables of the files of `find_sources`; raises BadInput."""
    articles, article_keys = _type_articles(_read(sources["articles"]))
    customers, customer_keys = _type_customers(_read(sources["customers"]))
    pa.default_memory_pool().release_unused()  # 0.4 GB for Kaggle's files
    sold = sources["transactions_train"]
    transactions = engine.from_batches(kaggle_files.read_blocks(sold), sold.schema)
    transactions, customer_keys = _with_keys(engine, transactions, customer_keys)
    transactions, article_keys = _with_keys(engine, transactions, article_keys)
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
        else:
            engine.write(table, path, tables.TRANSACTIONS, order_by=_ORDER)


def _read(source: KaggleFile) -> pa.Table:
    """Return a file of articles or customers in the types of its schema."""
    return pa.Table.from_batches(kaggle_files.read_blocks(source))


def _with_keys(engine: Engine, transactions: Rows, known: pa.Table) -> tuple[Rows, pa.Table]:
    """Return the transactions with keys in place of ids, and all keys including new ones.

    Args:
        engine: joins.
        transactions: read once, so they may stream.
        known: key and id of all rows of articles or customers.
    """
    key, name = known.column_names
    is_new = nw.col(key).is_null()
    keyed = engine.persist(
        transactions.with_columns(nw.col(name).fill_null(""))
        .join(_joinable(engine, known), on=name, how="left")
        .with_columns(nw.when(is_new).then(nw.col(name)).alias(name))
    )
    names = engine.to_arrow(keyed.filter(is_new).select(name).unique().sort(name))[name]
    if not len(names):
        return keyed.drop(name), known
    _check_ids(names, name)
    numbers = pa.array(range(known.num_rows, known.num_rows + len(names)), pa.int32())
    new = pa.table({key: numbers, name: names.cast(pa.string())})
    given = _joinable(engine, new).rename({key: "given"})
    keyed = keyed.join(given, on=name, how="left")
    keyed = keyed.with_columns(nw.coalesce(key, "given").alias(key)).drop(name, "given")
    new = new.set_column(1, name, _named(new[name]))
    return keyed, pa.concat_tables([known, new.cast(known.schema)]).combine_chunks()


def _joinable(engine: Engine, keys: pa.Table) -> Rows:
    """Return the keys by id, a missing id as an empty text: nulls never match in a join."""
    name = keys.column_names[1]
    return engine.from_arrow(keys).with_columns(nw.col(name).fill_null(""))


def _from_frame(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False).select(schema.names).cast(schema)


def _type_articles(articles: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return tables.ARTICLES and ARTICLE_KEYS."""
    key, keys = _keys_of(articles[columns.ARTICLE_ID], tables.ARTICLE_KEYS)
    code = pc.utf8_lpad(articles[columns.PRODUCT_CODE], 7, "0")
    place = articles.schema.get_field_index(columns.PRODUCT_CODE)
    articles = articles.set_column(place, columns.PRODUCT_CODE, code)
    return articles.append_column(columns.ARTICLE, key).select(tables.ARTICLES.names), keys


def _type_customers(customers: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return tables.CUSTOMERS and CUSTOMER_KEYS.

    A missing FN or Active is 0, and both spellings of NONE become one.
    """
    key, keys = _keys_of(customers[columns.CUSTOMER_ID], tables.CUSTOMER_KEYS)
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


def _keys_of(ids: pa.ChunkedArray, schema: pa.Schema) -> tuple[pa.Array, pa.Table]:
    """Return the key of each id, and all keys: ids are numbered in the order of their first row."""
    encoded = _named(ids).combine_chunks().dictionary_encode(null_encoding="encode")
    _check_ids(encoded.dictionary, schema.names[1])
    numbers = pa.array(range(len(encoded.dictionary)), pa.int32())
    return encoded.indices, pa.table([numbers, encoded.dictionary], schema)


def _check_ids(ids: pa.Array | pa.ChunkedArray, name: str) -> None:
    """Refuse ids that no page, log or terminal could show; an id may be missing, though."""
    wrong = ids.filter(pc.match_substring_regex(ids, _UNPRINTABLE_OR_LONG))
    if len(wrong):
        raise BadInput(
            f"every {name} is text of at most {_LONGEST_ID} printable characters",
            found=ascii(wrong[0].as_py())[:_LONGEST_ID],
            fix=UNCHANGED,
        )


def _named(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the ids, an empty one as null, as in a csv file."""
    return pc.if_else(pc.equal(ids, ""), pa.scalar(None, pa.string()), ids)
