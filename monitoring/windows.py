"""Which days are compared with which: the week after the cut with the weeks before it.

One reference for now, the latest weeks. The same weeks of last year join it when verdicts learn to
tell a season from a drift; until then a report says "different from last month" and no more.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Final

import duckdb
import pandas as pd
from pydantic import PositiveFloat, PositiveInt

from hemline import columns
from hemline.errors import BadInput
from hemline.params import Section
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


class MonitorParams(Section):
    """Lengths of the windows, and from which effect size on a column counts as drifted."""

    section: ClassVar[str] = "monitor"
    reference_weeks: PositiveInt
    max_rows: PositiveInt
    threshold: PositiveFloat


@dataclass(frozen=True)
class Windows:
    """Transactions with the attributes of their article and customer, NUMBERS and CATEGORIES.

    Attributes:
        current: the week from as_of on.
        reference: the weeks before as_of.
    """

    current: pd.DataFrame
    reference: pd.DataFrame


def read_windows(
    table_folder: Path, *, as_of: date, current_days: int, reference_weeks: int, max_rows: int
) -> Windows:
    """Return both windows, each an evenly drawn sample of at most max_rows transactions.

    Raises:
        BadInput: one of the windows holds no transaction.
    """
    start = as_of - timedelta(weeks=reference_weeks)
    end = as_of + timedelta(days=current_days)
    return Windows(
        current=_transactions(table_folder, as_of, end, max_rows),
        reference=_transactions(table_folder, start, as_of, max_rows),
    )


def _transactions(table_folder: Path, start: date, end: date, max_rows: int) -> pd.DataFrame:
    query = """
        with numbered as (
            select price, sales_channel_id, customer, article,
                   row_number() over (
                       order by t_dat, customer, article, price, sales_channel_id
                   ) as number,
                   count(*) over () as n_rows
            from read_parquet($transactions) where t_dat >= $start and t_dat < $end
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
    files = {name: str(table_folder / f"{name}.parquet") for name in _TABLES}
    span = {"start": start, "end": end, "max_rows": float(max_rows)}
    with duckdb.connect() as connection:
        transactions = connection.execute(query, files | span).df()
    if transactions.empty:
        raise BadInput(
            f"there are transactions from {start} up to {end} (exclusive)",
            found="none",
            fix="set data.as_of in params.yaml to a day inside the data",
        )
    described = transactions.assign(**customer_attributes(transactions))
    described[list(CATEGORIES)] = described[list(CATEGORIES)].astype(object).fillna(MISSING)
    return described[[*NUMBERS, *CATEGORIES]]


_TABLES: Final = ("transactions", "articles", "customers")
