"""Samples of transactions with the attributes of article and customer, for Evidently.

Every n-th row is drawn, so a year costs no more than a week. The price: the sample may miss a small
group. A row is a line, whatever its units: the reports show what lines are like, and one line of
80,995 units would be the whole of a shop's week.
"""

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hemline import columns
from hemline import tables as schemas
from hemline.data.article_attributes import MISSING, is_number, own_categories
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from hemline.segments.attributes import customer_attributes
from hemline.tables import has_values
from monitoring.week_data import of_customers

NUMBERS: Final = (columns.PRICE,)
CATEGORIES: Final = (
    columns.CHANNEL,
    columns.AGE_BAND,
    columns.CLUB,
    "product_group_name",
    "index_group_name",
    "colour_group_name",
)
"""The usual ones; a shop that lacks one has no column of it, and its own texts come after them."""


def sample_transactions(
    engine: Engine, tables: Path, spans: Sequence[tuple[date, date]], *, max_rows: int
) -> pd.DataFrame:
    """Return an evenly drawn sample of the transactions of some stretches of days.

    Args:
        engine: draws it.
        tables: folder of the parquet tables.
        spans: first day and end (exclusive) of each stretch.
        max_rows: rows of the sample at most.

    Returns:
        One row per transaction with its article's and customer's attributes, without nulls: the
        columns NUMBERS, then those of CATEGORIES that the tables have, then the shop's own texts,
        those of articles first.

    Raises:
        BadInput: no transaction lies in the spans.
    """
    transactions = engine.read(tables / "transactions.parquet").filter(_in_one_of(spans))
    n_rows = engine.to_arrow(transactions.select(n_rows=nw.len()))["n_rows"][0].as_py()
    if not n_rows:
        raise BadInput(
            "there are transactions " + ", ".join(f"from {a} up to {b}" for a, b in spans),
            found="none",
            fix="choose weeks that lie inside the data",
        )
    articles = engine.read(tables / "articles.parquet")
    known = _known_categories(tables)
    described_articles = set(pq.read_schema(tables / "articles.parquet").names)
    of_articles = [name for name in known if name in described_articles]
    customers = engine.read(tables / "customers.parquet").drop(columns.CUSTOMER_ID)
    clashing = set(of_articles) & set(customers.collect_schema().names())
    customers = customers.rename({name: of_customers(name) for name in clashing})
    numbered = transactions.with_row_index(_NUMBER, order_by=_ORDER)
    # As text from here on: with nulls, numbers would come back with a decimal point.
    drawn = (
        numbered.filter((nw.col(_NUMBER) + 1) % math.ceil(n_rows / max_rows) == 0)
        .join(articles.select(columns.ARTICLE, *of_articles), on=columns.ARTICLE)
        .join(customers, on=columns.CUSTOMER)
        .sort(_NUMBER)
        .with_columns(nw.col(columns.CHANNEL).cast(nw.String))
    )
    sample: pd.DataFrame = engine.to_arrow(drawn).to_pandas()
    described = sample.assign(**customer_attributes(sample, {}))
    described[known] = described[known].astype(object).fillna(MISSING)
    return described[[*NUMBERS, *known]]


def _known_categories(tables: Path) -> list[str]:
    """Return the categories that the tables have."""
    holds = {
        columns.CHANNEL: ("transactions", columns.CHANNEL),
        columns.AGE_BAND: ("customers", columns.AGE),
        columns.CLUB: ("customers", columns.CLUB),
    }
    usual = [
        name
        for name in CATEGORIES
        if has_values(
            tables / f"{holds.get(name, ('articles', name))[0]}.parquet",
            holds.get(name, ("articles", name))[1],
        )
    ]
    articles, customers = (
        pq.read_table(tables / f"{noun}.parquet") for noun in ("articles", "customers")
    )
    own = _own_texts(articles, schemas.ARTICLES)
    theirs = _own_texts(customers, schemas.CUSTOMERS)
    return usual + own + [of_customers(name) if name in own else name for name in theirs]


def _own_texts(described: pa.Table, schema: pa.Schema) -> list[str]:
    """Return the shop's own texts that divide the rows into groups."""
    own = own_categories(described, schema)
    return [name for name in own if not is_number(described, name)]


_NUMBER: Final = "number"
_ORDER: Final = (columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.PRICE, columns.CHANNEL)


def _in_one_of(spans: Sequence[tuple[date, date]]) -> nw.Expr:
    day = nw.col(columns.DAY)
    within = [(day >= first) & (day < end) for first, end in spans]
    return nw.any_horizontal(*within, ignore_nulls=True)
