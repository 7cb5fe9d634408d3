"""A retailer's files, described by section `source` of params.yaml, as the typed tables.

The files stream into lines (`delivered_lines.py`), and the engine does the rest. The files of
articles and customers are held in memory, as are the purchases that were partly returned.

Keys follow the order of the ids, so that the same shop gives the same bytes from any export.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hemline import columns, tables
from hemline.data.acquire.delivered_lines import sales_lines
from hemline.data.acquire.deliveries import DataDelivery, find_deliveries
from hemline.data.acquire.described_files import find_described
from hemline.data.acquire.described_table import (
    MOMENT,
    DescribedColumn,
    described_columns,
    from_sales,
    read_own_files,
)
from hemline.data.acquire.kaggle_files import read_blocks_of
from hemline.data.acquire.keys import check_ids, with_keys
from hemline.data.acquire.returned_units import PAIR, units_left
from hemline.data.acquire.sale_lines import IS_RETURN
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import ArticleSource, CustomerSource, SourceParams
from hemline.data.acquire.typed_tables import Tables
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput

logger = logging.getLogger(__name__)

_NUMBERED: Final = {"store": 1, "online": 2}
_FIRST_OTHER: Final = 3
_MOST_CHANNELS: Final = 127
_SALE: Final = (columns.DAY, MOMENT, columns.PRICE, columns.UNITS, columns.CHANNEL)


def read_mapped(engine: Engine, params: SourceParams, folder: Path) -> Tables:
    """Return the typed tables of the described files of a folder.

    Raises:
        BadInput: a file is missing, a value does not fit, or rows need a decision that the
            description does not make.
    """
    sources = find_described(params, folder)
    articles = described_columns(params.articles, tables.ARTICLES, columns.ARTICLE_ID)
    customers = described_columns(params.customers, tables.CUSTOMERS, columns.CUSTOMER_ID)
    carried = [*(() if "articles" in sources else articles),
               *(() if "customers" in sources else customers)]  # fmt: skip
    deliveries = find_deliveries(params, folder)
    lines = sales_lines(engine, sources["transactions"], deliveries, params, carried)
    sales = lines.filter(~nw.col(IS_RETURN))
    shop = _Shop(
        _typed(engine, sources, deliveries, "articles", params.articles, articles, sales),
        _typed(engine, sources, deliveries, "customers", params.customers, customers, sales),
    )
    return _assembled(engine, params, shop, lines)


@dataclass(frozen=True)
class _Shop:
    """Articles and customers with their ids first, in order."""

    articles: pa.Table
    customers: pa.Table


def _typed(
    engine: Engine,
    sources: dict[str, SourceFile],
    deliveries: Sequence[DataDelivery],
    name: str,
    table: ArticleSource | CustomerSource,
    described: Sequence[DescribedColumn],
    sales: Rows,
) -> pa.Table:
    """Return a table of articles or customers: id, then what is described."""
    id_name = columns.ARTICLE_ID if name == "articles" else columns.CUSTOMER_ID
    if name not in sources:
        return from_sales(engine, sales, described, id_name)
    files = [sources[name], *(one.files[name] for one in deliveries if name in one.files)]
    blocks = [(file, read_blocks_of(file)) for file in files]
    theirs = dict(table.columns.items())[id_name]
    return read_own_files(blocks, theirs, described, id_name)


def _assembled(engine: Engine, params: SourceParams, shop: _Shop, lines: Rows) -> Tables:
    channels, lines = _with_channels(engine, lines)
    fix = params.transactions and "correct it in the file, or leave it out by source.not_articles"
    known = (
        _keys(shop.articles, tables.ARTICLE_KEYS, str(fix)),
        _keys(shop.customers, tables.CUSTOMER_KEYS, str(fix)),
    )
    wanted = [columns.CUSTOMER_ID, columns.ARTICLE_ID, *_SALE, columns.BASKET, IS_RETURN]
    lines = lines.select(*wanted)
    sales, article_keys = with_keys(engine, lines.filter(~nw.col(IS_RETURN)), known[0], str(fix))
    is_guest = nw.col(columns.CUSTOMER_ID).is_null()
    sold, customer_keys = with_keys(engine, sales.filter(~is_guest), known[1], str(fix))
    has_units = columns.UNITS in params.sold.columns
    sold = sold.select(*PAIR, *_SALE)
    if params.returns and params.returns.policy == "net":
        returned = _returned(engine, lines, article_keys, customer_keys)
        sold = _netted(engine, sold, returned)
    return Tables(
        articles=_articles(params, shop.articles),
        customers=_in_schema(shop.customers, tables.CUSTOMERS),
        transactions=_cast(sold, has_units=has_units),
        article_keys=article_keys,
        customer_keys=customer_keys,
        guest_sales=_guest_sales(engine, sales.filter(is_guest))
        if params.guests and params.guests.policy == "anonymous"
        else None,
        channels=channels,
    )


def _keys(described: pa.Table, schema: pa.Schema, fix: str) -> pa.Table:
    ids = described[schema.names[1]]
    check_ids(ids, schema.names[1], fix)
    return pa.table([pa.array(range(len(ids)), pa.int32()), ids], schema).combine_chunks()


def _with_channels(engine: Engine, lines: Rows) -> tuple[pa.Table | None, Rows]:
    """Return the table of channels, and the lines with codes in place of names."""
    name = columns.CHANNEL
    named = engine.to_arrow(lines.select(name).unique().sort(name))[name].drop_null()
    names = named.to_pylist()
    if not names:
        return None, lines.with_columns(nw.lit(None).cast(nw.Int8).alias(name))
    others = [one for one in names if one not in _NUMBERED]
    code_by_name = {**{one: _NUMBERED[one] for one in names if one in _NUMBERED},
                    **{one: _FIRST_OTHER + place for place, one in enumerate(others)}}  # fmt: skip
    if max(code_by_name.values()) > _MOST_CHANNELS:
        raise BadInput(
            f"a shop has at most {_MOST_CHANNELS} channels",
            found=f"{len(names):,} names: {', '.join(names[:5])} ...",
            fix="map another column to source.transactions.columns.sales_channel_id, or none",
        )
    codes = pa.table(
        [pa.array(code_by_name.values(), pa.int8()), list(code_by_name)], tables.CHANNELS
    ).sort_by(name)
    return codes, _coded(engine, lines, codes, name)


def _coded(engine: Engine, rows: Rows, codes: pa.Table, name: str) -> Rows:
    """Return the rows with codes in place of a text column; null stays null."""
    joined = engine.from_arrow(codes.rename_columns(["code", "text"]))
    return (
        rows.join(joined, left_on=name, right_on="text", how="left")
        .drop(name)
        .rename({"code": name})
    )


def _returned(engine: Engine, lines: Rows, articles: pa.Table, customers: pa.Table) -> pd.DataFrame:
    """Return the returns of known customers and articles, with keys.

    Others took back nothing that was bought: their key is -1.
    """
    returned = lines.filter(nw.col(IS_RETURN))
    for keys in (articles, customers):
        key, name = keys.column_names
        returned = returned.join(engine.from_arrow(keys), on=name, how="left")
        returned = returned.with_columns(nw.col(key).fill_null(-1))
    rows: pd.DataFrame = engine.to_arrow(returned.select(*PAIR, *_SALE)).to_pandas()
    return rows


def _netted(engine: Engine, sold: Rows, returned: pd.DataFrame) -> Rows:
    """Return the sales without the units that were returned."""
    if returned.empty:
        return sold
    pairs = returned[PAIR].drop_duplicates()
    owed = engine.from_arrow(
        pa.Table.from_pandas(pairs, pa.schema([(one, pa.int32()) for one in PAIR]),
                             preserve_index=False).replace_schema_metadata(None)
    )  # fmt: skip
    concerned = engine.to_arrow(sold.join(owed, on=PAIR, how="semi"))
    order = [MOMENT, columns.CHANNEL, columns.PRICE]
    left, n_unmatched = units_left(concerned.to_pandas(), returned, order)
    place = concerned.schema.get_field_index(columns.UNITS)
    remaining = concerned.set_column(place, columns.UNITS, pa.array(left))
    logger.info(
        "returns: %s units took back a purchase, %s found none",
        f"{int(returned[columns.UNITS].sum()) - n_unmatched:,}", f"{n_unmatched:,}",
    )  # fmt: skip
    others = sold.join(owed, on=PAIR, how="anti")
    remaining = remaining.filter(pc.greater(remaining[columns.UNITS], 0))
    return nw.concat([others, engine.from_arrow(remaining.replace_schema_metadata(None))])


def _cast(sold: Rows, *, has_units: bool) -> Rows:
    """Return sales in the types of tables.TRANSACTIONS, with units where the shop has them."""
    units = [nw.col(columns.UNITS).cast(nw.Int32)] if has_units else []
    return sold.select(
        columns.DAY,
        *PAIR,
        nw.col(columns.PRICE).cast(nw.Float32),
        nw.col(columns.CHANNEL).cast(nw.Int8),
        *units,
    )


def _guest_sales(engine: Engine, sales: Rows) -> Rows:
    """Return tables.GUEST_SALES: the names of baskets become numbers in their order."""
    name = columns.BASKET
    baskets = engine.to_arrow(sales.select(name).unique().sort(name))[name].drop_null()
    numbers = pa.array(range(len(baskets)), pa.int32())
    codes = pa.table([numbers, baskets.combine_chunks()], names=["code", "text"])
    keyed = _coded(engine, sales.drop(columns.CUSTOMER_ID), codes, name)
    return keyed.select(
        columns.DAY,
        name,
        columns.ARTICLE,
        nw.col(columns.UNITS).cast(nw.Int32),
        nw.col(columns.PRICE).cast(nw.Float32),
        nw.col(columns.CHANNEL).cast(nw.Int8),
    )


def _articles(params: SourceParams, articles: pa.Table) -> pa.Table:
    """Return tables.ARTICLES and the attributes."""
    if columns.PRODUCT_CODE not in articles.column_names:
        codes = _product_codes(params, articles[columns.ARTICLE_ID])
        articles = articles.append_column(columns.PRODUCT_CODE, codes)
    return _in_schema(articles, tables.ARTICLES)


def _product_codes(params: SourceParams, ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the product of each article: the pattern's first group, else the id."""
    if params.product_code is None:
        return ids
    codes = ids.to_pandas().str.extract(params.product_code.pattern, expand=True)[0]
    n_without = int(codes.isna().sum())
    if n_without:
        logger.info("product_code: %s of %s article ids do not match the pattern, their product "
                    "is the article", f"{n_without:,}", f"{len(ids):,}")  # fmt: skip
    return pc.coalesce(pa.chunked_array([pa.array(codes, pa.string())]), ids)


def _in_schema(described: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the schema's columns, null where nothing is known, and the further ones by name."""
    key = schema.names[0]
    described = described.append_column(key, pa.array(range(len(described)), pa.int32()))
    ours = [
        described[field.name].cast(field.type)
        if field.name in described.column_names
        else pa.nulls(len(described), field.type)
        for field in schema
    ]
    others = sorted(set(described.column_names) - set(schema.names))
    full = pa.schema([*schema, *(described.schema.field(name) for name in others)])
    return pa.table([*ours, *(described[name] for name in others)], full)
