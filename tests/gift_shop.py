"""A shop of another kind, made from the generated tiny one: SKU ids, pounds, hardly an attribute.

Nothing is known of its customers. Of its articles it knows a name and, on request, attributes under
its own names. It is closed on Saturdays, has no channel, and guests buy too.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from hemline import columns, tables
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.engine.engine import EngineParams, open_engine

POUNDS = 2000  # per unit of the generator's prices
SATURDAY = 5
GUESTS = 0.1  # of the days of purchases, share


def write_gift_tables(params: Path, folder: Path, *, has_attributes: bool = False) -> None:
    """Write the tables of the gift shop, as acquire writes them.

    Args:
        params: params.yaml with the sections synthetic and engine.
        folder: gets the tables.
        has_attributes: whether articles have a range and a weight, and customers a country.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = generate_shop(SyntheticParams.load(params))
    with open_engine(EngineParams.load(params)) as engine:
        frames = (drawn.articles, drawn.customers, drawn.transactions)
        write_tables(engine, type_tables(engine, *frames, keep_postal_code=False), folder)
    articles = tables.read_table(folder / "articles.parquet", tables.ARTICLES)
    customers = tables.read_table(folder / "customers.parquet", tables.CUSTOMERS)
    _write(_gift_articles(articles, has_attributes), folder, "articles", tables.ARTICLES)
    _write(_gift_customers(customers, has_attributes), folder, "customers", tables.CUSTOMERS)
    for noun, name_of in (("article", sku), ("customer", number)):
        schema = getattr(tables, f"{noun.upper()}_KEYS")
        keys = tables.read_table(folder / f"{noun}_keys.parquet", schema)
        keys[f"{noun}_id"] = [name_of(key) for key in keys[noun]]
        _write(keys, folder, f"{noun}_keys", schema)
    _write_sales(folder)


def sku(key: int) -> str:
    """Return the id of an article."""
    return f"{22000 + key // 2}{'AB'[key % 2]}"


def number(key: int) -> str:
    """Return the id of a customer."""
    return str(12346 + key)


def _gift_articles(articles: pd.DataFrame, has_attributes: bool) -> pd.DataFrame:
    gifts = pd.DataFrame(dict.fromkeys(tables.ARTICLES.names), index=articles.index)
    gifts[columns.ARTICLE] = articles[columns.ARTICLE]
    gifts[columns.ARTICLE_ID] = [sku(key) for key in articles[columns.ARTICLE]]
    gifts[columns.PRODUCT_CODE] = gifts[columns.ARTICLE_ID].str[:5]
    gifts["prod_name"] = (
        articles["colour_group_name"] + " " + articles["prod_name"] + " GIFT"
    ).str.upper()
    if has_attributes:
        gifts["Range (shop)"] = articles["product_group_name"].where(articles.index % 7 != 0)
        gifts["weight_g"] = articles.index.to_numpy(np.float64) % 40
    return gifts


def _gift_customers(customers: pd.DataFrame, has_attributes: bool) -> pd.DataFrame:
    people = pd.DataFrame(dict.fromkeys(tables.CUSTOMERS.names), index=customers.index)
    people[columns.CUSTOMER] = customers[columns.CUSTOMER]
    people[columns.CUSTOMER_ID] = [number(key) for key in customers[columns.CUSTOMER]]
    if has_attributes:
        people["Country"] = np.where(people.index % 5 == 0, "France", "United Kingdom")
    return people


def _write_sales(folder: Path) -> None:
    path = folder / "transactions.parquet"
    sales = tables.read_table(path, tables.TRANSACTIONS)
    sales = sales[sales[columns.DAY].dt.dayofweek != SATURDAY].reset_index(drop=True)
    sales[columns.PRICE] = (sales[columns.PRICE] * POUNDS).round(2)
    sales[columns.CHANNEL] = None
    basket = sales.groupby([columns.DAY, columns.CUSTOMER]).ngroup()
    is_guest = np.random.default_rng(5).random(basket.max() + 1)[basket] < GUESTS
    _write(sales[~is_guest], folder, "transactions", tables.TRANSACTIONS)
    guests = sales[is_guest].assign(basket=basket[is_guest], units=1)
    _write(guests, folder, "guest_sales", tables.GUEST_SALES)


def _write(rows: pd.DataFrame, folder: Path, name: str, schema: pa.Schema) -> None:
    own = [name for name in rows if name not in schema.names]
    kinds = {"O": pa.string(), "f": pa.float64()}
    beside = [] if name in {"transactions", "guest_sales"} else own
    whole = pa.schema([*schema, *((one, kinds[rows[one].dtype.kind]) for one in beside)])
    tables.write_table(rows, folder / f"{name}.parquet", whole)
