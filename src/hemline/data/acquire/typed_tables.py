"""Raw rows to the five typed tables, with dense int32 keys in place of ids.

Ids become keys here and nowhere else. Of a transaction only 17 bytes are kept, so the 3.5 GB file
never lies in memory; the price is a dictionary of all ids (0.3 GB for 1.37 million customers).

What has a type but breaks a rule (an unknown id, a negative price, a repeated key) passes:
validation sees whole tables and shows the rows at fault. So an id that only transactions know gets
a key too, after all known ones.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns, tables
from hemline.data.acquire import kaggle_files
from hemline.data.acquire.kaggle_files import Source
from hemline.errors import BadInput
from hemline.params import Section

_Keys = dict[str | None, int]


class AcquireParams(Section):
    """Where the tables come from."""

    section: ClassVar[str] = "acquire"
    source: Literal["synthetic", "kaggle"]
    keep_postal_code: bool


@dataclass(frozen=True)
class Tables:
    """The five tables, with the schemas of the same names in hemline.tables."""

    articles: pa.Table
    customers: pa.Table
    transactions: pa.Table
    article_keys: pa.Table
    customer_keys: pa.Table


def read_tables(sources: Mapping[str, Source]) -> Tables:
    """Return the typed tables of the files that `find_sources` found; raises BadInput."""
    article_keys: _Keys = {}
    customer_keys: _Keys = {}
    articles = _type_articles(_read(sources["articles"]), article_keys)
    customers = _type_customers(_read(sources["customers"]), customer_keys)
    n_articles, n_customers = len(article_keys), len(customer_keys)
    blocks = [
        pa.record_batch(
            {
                columns.DAY: block[columns.DAY],
                columns.CUSTOMER: _as_keys(block[columns.CUSTOMER_ID], customer_keys),
                columns.ARTICLE: _as_keys(block[columns.ARTICLE_ID], article_keys),
                columns.PRICE: block[columns.PRICE],
                columns.CHANNEL: block[columns.CHANNEL],
            }
        )
        for block in kaggle_files.read_blocks(sources["transactions_train"])
    ]
    transactions = pa.Table.from_batches(blocks).combine_chunks()
    transactions = _rekey(transactions, columns.ARTICLE, _sort_unknown(article_keys, n_articles))
    transactions = _rekey(transactions, columns.CUSTOMER, _sort_unknown(customer_keys, n_customers))
    return Tables(
        articles,
        customers,
        _ordered(transactions, len(customer_keys), len(article_keys)),
        _key_table(article_keys, tables.ARTICLE_KEYS),
        _key_table(customer_keys, tables.CUSTOMER_KEYS),
    )


def type_tables(
    articles: pd.DataFrame,
    customers: pd.DataFrame,
    transactions: pd.DataFrame,
    *,
    keep_postal_code: bool,
) -> Tables:
    """Return the typed tables of generated frames.

    Args:
        articles: Kaggle's columns; the row number is the key.
        customers: Kaggle's columns; the row number is the key.
        transactions: the columns of tables.TRANSACTIONS.
        keep_postal_code: whether the customers keep that quasi-identifier.
    """
    article_keys: _Keys = {}
    customer_keys: _Keys = {}
    postal_code = [tables.POSTAL_CODE_FIELD] if keep_postal_code else []
    return Tables(
        _type_articles(_from_frame(articles, kaggle_files.ARTICLES), article_keys),
        _type_customers(
            _from_frame(customers, pa.schema([*kaggle_files.CUSTOMERS, *postal_code])),
            customer_keys,
        ),
        _ordered(
            _from_frame(transactions, tables.TRANSACTIONS), len(customer_keys), len(article_keys)
        ),
        _key_table(article_keys, tables.ARTICLE_KEYS),
        _key_table(customer_keys, tables.CUSTOMER_KEYS),
    )


def write_tables(written: Tables, folder: Path) -> None:
    """Write the five parquet files of the tables to the folder."""
    for name, table in vars(written).items():
        tables.write_table(table, folder / f"{name}.parquet", table.schema)


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty sibling that takes the folder's place once the body has succeeded."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    outdated = folder.with_name(f"{folder.name}.outdated")
    for leftover in (unfinished, outdated):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    if folder.exists():
        folder.rename(outdated)
    unfinished.rename(folder)
    shutil.rmtree(outdated, ignore_errors=True)


def _read(source: Source) -> pa.Table:
    return pa.Table.from_batches(kaggle_files.read_blocks(source))


def _from_frame(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False).select(schema.names).cast(schema)


def _type_articles(articles: pa.Table, keys: _Keys) -> pa.Table:
    key = _as_keys(articles[columns.ARTICLE_ID].combine_chunks(), keys)
    code = pc.utf8_lpad(articles[columns.PRODUCT_CODE], 7, "0")
    place = articles.schema.get_field_index(columns.PRODUCT_CODE)
    articles = articles.set_column(place, columns.PRODUCT_CODE, code)
    return articles.append_column(columns.ARTICLE, key).select(tables.ARTICLES.names)


def _type_customers(customers: pa.Table, keys: _Keys) -> pa.Table:
    """Return tables.CUSTOMERS: no FN or Active means 0, and both spellings of NONE are one."""
    news = customers[columns.NEWS]
    typed = {
        columns.CUSTOMER: _as_keys(customers[columns.CUSTOMER_ID].combine_chunks(), keys),
        columns.CUSTOMER_ID: customers[columns.CUSTOMER_ID],
        columns.FN: _whole(customers, columns.FN, pa.int8()).fill_null(0),
        columns.ACTIVE: _whole(customers, columns.ACTIVE, pa.int8()).fill_null(0),
        columns.CLUB: customers[columns.CLUB],
        columns.NEWS: pc.if_else(pc.equal(news, "None"), "NONE", news),
        columns.AGE: _whole(customers, columns.AGE, pa.int16()),
    }
    if columns.POSTAL_CODE in customers.column_names:
        typed[columns.POSTAL_CODE] = customers[columns.POSTAL_CODE]
    return pa.table(typed)


def _whole(customers: pa.Table, name: str, dtype: pa.DataType) -> pa.ChunkedArray:
    """Return the column as whole numbers; Kaggle writes 21 as 21.0."""
    try:
        return customers[name].cast(dtype)
    except pa.ArrowInvalid as error:
        rule = f"every {name} of the customers is a whole number"
        raise BadInput(rule, found=str(error), fix=kaggle_files.UNCHANGED) from None


def _as_keys(ids: pa.Array, keys: _Keys) -> pa.Array:
    """Return the key of each id; ids seen for the first time are added to keys."""
    encoded = ids.dictionary_encode(null_encoding="encode")
    distinct = encoded.dictionary.to_pylist()
    known = np.fromiter((keys.setdefault(name, len(keys)) for name in distinct), np.int32)
    return pa.array(known[encoded.indices.to_numpy()])


def _sort_unknown(keys: _Keys, n_known: int) -> npt.NDArray[np.int32]:
    """Order the ids past n_known by name; return the new key at the place of each old one."""
    unknown = sorted(list(keys)[n_known:], key=lambda name: name or "")
    new_keys = np.arange(len(keys), dtype=np.int32)
    for new, name in enumerate(unknown, n_known):
        new_keys[keys[name]] = new
    keys.update(zip(unknown, range(n_known, len(keys)), strict=True))
    return new_keys


def _rekey(transactions: pa.Table, name: str, new_keys: npt.NDArray[np.int32]) -> pa.Table:
    place = transactions.schema.get_field_index(name)
    return transactions.set_column(place, name, pa.array(new_keys[transactions[name].to_numpy()]))


def _ordered(transactions: pa.Table, n_customers: int, n_articles: int) -> pa.Table:
    """Return the rows by day, customer and article; equal ones stay in the order they came."""
    day = transactions[columns.DAY].cast(pa.int32()).fill_null(0).to_numpy().astype(np.int64)
    order = (day * n_customers + transactions[columns.CUSTOMER].to_numpy()) * n_articles
    order += transactions[columns.ARTICLE].to_numpy()
    return transactions.take(np.argsort(order, kind="stable"))


def _key_table(keys: _Keys, schema: pa.Schema) -> pa.Table:
    by_key = sorted(keys, key=keys.__getitem__)
    return pa.table([pa.array(range(len(keys)), pa.int32()), pa.array(by_key, pa.string())], schema)
