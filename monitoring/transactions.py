"""The door to the rows of a span: transactions with the attributes of article and customer.

Evidently wants frames, not summaries. They are drawn evenly, so a year costs no more than a week;
the price is that a sample of a sample of a small group may be empty.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd

from hemline import columns
from hemline.errors import BadInput
from hemline.segments.attributes import MISSING, customer_attributes

NUMBERS: Final = (columns.PRICE,)
CATEGORIES: Final = (
    columns.CHANNEL,
    columns.AGE_BAND,
    columns.CLUB,
    "product_group_name",
    "index_group_name",
    "colour_group_name",
)


def sample_transactions(
    tables: Path, spans: Sequence[tuple[date, date]], *, max_rows: int
) -> pd.DataFrame:
    """Return an evenly drawn sample of the transactions of some stretches of days.

    Args:
        tables: folder of the parquet tables.
        spans: first day and end (exclusive) of each stretch.
        max_rows: at most so many rows come back.

    Returns:
        One row per transaction with its article's and customer's attributes: the columns NUMBERS
        and CATEGORIES, without nulls.

    Raises:
        BadInput: no transaction lies in the spans.
    """
    query = """
        with numbered as (
            select price, sales_channel_id, customer, article,
                   row_number() over (
                       order by t_dat, customer, article, price, sales_channel_id
                   ) as number,
                   count(*) over () as n_rows
            from read_parquet($transactions)
            where t_dat between $first and $last and list_contains($days::date[], t_dat)
        )
        select numbered.price, sales_channel_id::varchar as sales_channel_id,
               product_group_name, index_group_name, colour_group_name,
               customers.* exclude (customer, customer_id)
        from numbered
        join read_parquet($articles) articles using (article)
        join read_parquet($customers) customers using (customer)
        where number % ceil(n_rows / $max_rows) = 0
        order by number
    """
    days = [first + timedelta(days=n) for first, end in spans for n in range((end - first).days)]
    files = {name: str(tables / f"{name}.parquet") for name in _TABLES}
    wanted = {"days": days, "first": min(days), "last": max(days), "max_rows": float(max_rows)}
    with duckdb.connect() as connection:
        transactions = connection.execute(query, files | wanted).df()
    if transactions.empty:
        raise BadInput(
            "there are transactions " + ", ".join(f"from {a} up to {b}" for a, b in spans),
            found="none",
            fix="ask for weeks that lie inside the data",
        )
    described = transactions.assign(**customer_attributes(transactions))
    described[list(CATEGORIES)] = described[list(CATEGORIES)].astype(object).fillna(MISSING)
    return described[[*NUMBERS, *CATEGORIES]]


_TABLES: Final = ("transactions", "articles", "customers")
