"""The rows of a week, read once: what was bought, by whom, and what they had bought before.

Only the days that are needed are read, and only the columns. At full size that is a year of
customer-article pairs, some hundred MB; everything after it is the week itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.errors import BadInput
from hemline.segments.attributes import MISSING, customer_attributes
from monitoring.windows import MonitorParams

ARTICLE_COLUMNS: Final = (
    "product_group_name",
    "garment_group_name",
    "index_name",
    "index_group_name",
    "colour_group_name",
    columns.PRODUCT_CODE,
)
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Coded:
    """A column of the articles: a code per article row and what the codes stand for."""

    codes: npt.NDArray[np.int64]
    names: npt.NDArray[np.object_]


@dataclass(frozen=True)
class Week:
    """What is known of a week.

    Attributes:
        lines: a row per unit sold: buyer (0 to n_buyers - 1), article (row of the articles),
            sales_channel_id, log_price, and log_change against the article's own mean in the recent
            weeks (NaN for an article that was not sold then).
        attributes: age band and club status of each buyer.
        customers: the key of each buyer.
        articles: by column; the last article row stands for all that the articles table lacks.
        past: CSR of shape (customers, article rows), 1 where bought in the history weeks; None
            while the data reach back less.
        has_prices: whether the data reach back over all reference weeks.
    """

    lines: pd.DataFrame
    attributes: pd.DataFrame
    customers: npt.NDArray[np.int64]
    articles: Mapping[str, Coded]
    past: sparse.csr_matrix | None
    has_prices: bool

    @property
    def n_buyers(self) -> int:
        """Number of customers who bought something."""
        return len(self.customers)


def read_week(tables: Path, as_of: date, params: MonitorParams) -> Week:
    """Return the seven days before as_of; raises BadInput when nothing was bought in them."""
    first = as_of - _WEEK
    reference_end = first - params.gap_weeks * _WEEK
    reference_first = reference_end - params.reference_weeks * _WEEK
    history_first = first - params.history_weeks * _WEEK
    references = {"reference_first": reference_first, "reference_end": reference_end}
    with duckdb.connect() as connection:
        for name in ("transactions", "articles", "customers"):
            connection.read_parquet(str(tables / f"{name}.parquet")).create_view(name)
        bounds = connection.execute("select min(t_dat) from transactions").fetchone()
        first_day = bounds[0] if bounds and bounds[0] else as_of
        connection.execute(_LINES, {"first": first, "end": as_of} | references)
        lines = connection.table("week").df()
        buyers = connection.execute(_BUYERS).df()
        articles = connection.table("articles").order(columns.ARTICLE).select(*ARTICLE_COLUMNS).df()
        span = {"first": history_first, "end": first}
        pairs = connection.execute(_PAIRS, span).df() if first_day <= history_first else None
    if lines.empty:
        raise BadInput(
            f"something was bought from {first} up to {as_of} (exclusive)",
            found="nothing",
            fix="monitor a week that lies in the data",
        )
    customers = buyers[columns.CUSTOMER].to_numpy(np.int64)
    lines["buyer"] = np.searchsorted(customers, lines.pop(columns.CUSTOMER).to_numpy())
    lines[columns.ARTICLE] = lines[columns.ARTICLE].clip(upper=len(articles))
    return Week(
        lines=lines,
        attributes=customer_attributes(buyers),
        customers=customers,
        articles={name: _coded(articles[name]) for name in ARTICLE_COLUMNS},
        past=None if pairs is None else _as_past(pairs, customers, len(articles) + 1),
        has_prices=first_day <= reference_first,
    )


_LINES: Final = """
    create temp table week as
    with recent as (
        select article, avg(ln(greatest(price, 1e-9))) as log_price from transactions
        where t_dat >= $reference_first and t_dat < $reference_end group by article
    )
    select customer, week.article, sales_channel_id, ln(greatest(price, 1e-9)) as log_price,
           ln(greatest(price, 1e-9)) - recent.log_price as log_change
    from transactions week left join recent using (article)
    where t_dat >= $first and t_dat < $end
    order by customer, week.article, t_dat, price, sales_channel_id
"""
_BUYERS: Final = """
    select * from (select distinct customer from week) left join customers using (customer)
    order by customer
"""
_PAIRS: Final = """
    select customer, article from transactions where t_dat >= $first and t_dat < $end
    group by all order by all
"""


def _coded(column: "pd.Series[str]") -> Coded:
    with_unknown = pd.concat([column.fillna(MISSING), pd.Series([MISSING])])
    codes, names = pd.factorize(with_unknown, sort=True)
    return Coded(codes.astype(np.int64), np.asarray(names, object))


def _as_past(
    pairs: pd.DataFrame, customers: npt.NDArray[np.int64], n_articles: int
) -> sparse.csr_matrix:
    customer, article = (pairs[name].to_numpy() for name in pairs)
    n_customers = 1 + max(int(customers.max(initial=-1)), int(customer.max(initial=-1)))
    ones = np.ones(len(customer), np.float32)
    known = (customer, np.minimum(article, n_articles - 1))
    past = sparse.csr_matrix((ones, known), shape=(n_customers, n_articles))
    past.data[:] = 1
    return past
