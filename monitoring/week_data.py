"""The data of a week: what was bought, by whom, and what these customers had bought before.

Only the columns and days needed are read: at full size some hundred MB of customer-article pairs
from the history, and the week itself. The engine filters, counts and sorts. Logarithms and means
are computed here, so that a week is the same to the last bit on every engine and number of threads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from hemline import columns
from hemline import tables as schemas
from hemline.data.article_attributes import MISSING, categories, is_number, own_columns
from hemline.engine.engine import Engine, Rows
from hemline.errors import BadInput
from hemline.segments.attributes import customer_groups
from monitoring.monitor_params import MonitorParams

ARTICLE_COLUMNS: Final = (
    "product_group_name",
    "garment_group_name",
    "index_name",
    "index_group_name",
    "colour_group_name",
)
"""The usual attributes of articles; those that vary are monitored, and the shop's own."""

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Coded:
    """A column of the articles: a code per article row, and the name of each code."""

    codes: npt.NDArray[np.int64]
    names: npt.NDArray[np.object_]


@dataclass(frozen=True)
class WeekData:
    """The data of a week.

    Attributes:
        lines: a row per line sold: buyer (0 to n_buyers - 1), article (row of the articles),
            sales_channel_id as text, units, log_price (NaN for a free article), log_change against
            the article's own mean in the recent weeks (NaN where one of the two has no price), and
            is_new: the article was not sold then.
        attributes: of each buyer, those in which the buyers differ: age band, club status, and
            the shop's own texts; "of customers" where an attribute of articles has its name.
        customers: the key of each buyer.
        articles: by column, the product's code among them; the last article row is for all
            articles missing from the table.
        has_channels: whether a line has a sales channel.
        past: CSR of shape (customers, article rows), 1 where bought in the history weeks; None
            if the data do not cover them.
        has_prices: whether the data cover all reference weeks, and something was sold in them.
    """

    lines: pd.DataFrame
    attributes: pd.DataFrame
    customers: npt.NDArray[np.int64]
    articles: Mapping[str, Coded]
    past: sparse.csr_matrix | None
    has_prices: bool
    has_channels: bool

    @property
    def n_buyers(self) -> int:
        """Number of customers who bought something."""
        return len(self.customers)


def read_week(engine: Engine, tables: Path, week_end: date, params: MonitorParams) -> WeekData:
    """Return the data of the week before week_end; raises BadInput when nothing was bought."""
    first = week_end - _WEEK
    reference_end = first - params.gap_weeks * _WEEK
    reference_first = reference_end - params.reference_weeks * _WEEK
    history_first = first - params.history_weeks * _WEEK
    transactions = engine.read(tables / "transactions.parquet")
    first_day = _first_day(engine, transactions)
    names = channel_names(tables)
    lines = _lines(engine, _between(transactions, first, week_end), names)
    if lines.empty:
        raise BadInput(
            f"something was bought from {first} up to {week_end} (exclusive)",
            found="nothing",
            fix="monitor a week that lies in the data",
        )
    usual = _mean_log_prices(engine, _between(transactions, reference_first, reference_end))
    lines["log_change"] = lines["log_price"] - usual.reindex(lines[columns.ARTICLE]).to_numpy()
    lines["is_new"] = ~lines[columns.ARTICLE].isin(usual.index)
    customers, lines["buyer"] = np.unique(lines.pop(columns.CUSTOMER), return_inverse=True)
    articles = _articles(engine, tables)
    lines[columns.ARTICLE] = lines[columns.ARTICLE].clip(upper=len(articles))
    history = _between(transactions, history_first, first)
    return WeekData(
        lines=lines,
        attributes=_apart(_groups(_people(engine, tables, customers)), map(str, articles)),
        customers=customers.astype(np.int64),
        articles={str(name): _coded(articles[name]) for name in articles},
        past=_past(engine, history, customers, len(articles) + 1)
        if first_day <= history_first
        else None,
        has_prices=first_day <= reference_first and len(usual) > 0,
        has_channels=bool(lines[columns.CHANNEL].ne(MISSING).any()),
    )


def _articles(engine: Engine, tables: Path) -> pd.DataFrame:
    """Return product code and monitored attributes, in the order of the articles' keys.

    The shop's own numbers are left out.
    """
    path = tables / "articles.parquet"
    own = own_columns(pq.read_schema(path).empty_table(), schemas.ARTICLES)
    names = (columns.PRODUCT_CODE, *ARTICLE_COLUMNS, *own)
    rows = engine.read(path).sort(columns.ARTICLE)
    articles: pd.DataFrame = engine.to_arrow(rows.select(*names)).to_pandas()
    monitored = [
        name
        for name in categories(articles, ARTICLE_COLUMNS)
        if name in ARTICLE_COLUMNS or not is_number(articles, name)
    ]
    return articles[[*monitored, columns.PRODUCT_CODE]]


def _groups(people: pd.DataFrame) -> pd.DataFrame:
    """Return the attributes that buyers are divided by, without the shop's own numbers.

    Quartiles would be those of the week, so they could not move.
    """
    own = own_columns(people, schemas.CUSTOMERS)
    numbers = [name for name in own if is_number(people, name)]
    return customer_groups(people.drop(columns=numbers))


def of_customers(name: str) -> str:
    """Return the name of a customers' attribute where one of the articles has the same."""
    return f"{name} of customers"


def _apart(attributes: pd.DataFrame, of_articles: Iterable[str]) -> pd.DataFrame:
    """Return attributes of customers under names that no attribute of articles has."""
    clashing = {str(name) for name in attributes} & set(of_articles)
    return attributes.rename(columns={name: of_customers(name) for name in clashing})


def _between(transactions: Rows, first: date, end: date) -> Rows:
    return transactions.filter(nw.col(columns.DAY) >= first, nw.col(columns.DAY) < end)


def _first_day(engine: Engine, transactions: Rows) -> date:
    """Return the day of the earliest transaction; without any, the last day there is."""
    earliest = engine.to_arrow(transactions.select(nw.col(columns.DAY).min()))
    return earliest[columns.DAY][0].as_py() or date.max


def _lines(engine: Engine, transactions: Rows, names: Mapping[int, str]) -> pd.DataFrame:
    """Return the lines of a week with the customer's key, fully ordered."""
    transactions = with_units(transactions)
    order = [columns.CUSTOMER, columns.ARTICLE, columns.DAY, columns.PRICE, columns.CHANNEL,
             columns.UNITS]  # fmt: skip
    lines = engine.to_arrow(transactions.sort(*order).select(*order)).to_pandas()
    return pd.DataFrame(
        {
            columns.CUSTOMER: lines[columns.CUSTOMER],
            columns.ARTICLE: lines[columns.ARTICLE],
            columns.CHANNEL: _channel_names(lines[columns.CHANNEL], names),
            columns.UNITS: lines[columns.UNITS].astype(np.float64),
            "log_price": _logarithm(lines[columns.PRICE]),
        }
    )


def with_units(transactions: Rows) -> Rows:
    """Return the transactions with their units, one a row where none are recorded."""
    if columns.UNITS in transactions.collect_schema().names():
        return transactions
    return transactions.with_columns(nw.lit(1).cast(nw.Int32).alias(columns.UNITS))


def channel_names(tables: Path) -> dict[int, str]:
    """Return the names of sales channels besides store and online, by code."""
    path = tables / "channels.parquet"
    if not path.exists():
        return {}
    codes, names = (column.to_pylist() for column in pq.read_table(path).columns[:2])
    return {code: name for code, name in zip(codes, names, strict=True) if code not in _USUAL}


_USUAL: Final = frozenset({1, 2})  # which the pages name in their own words


def _channel_names(channels: "pd.Series[Any]", names: Mapping[int, str]) -> "pd.Series[str]":
    """Return each line's channel as text: its code, or its name where it has one of its own."""
    codes = channels.astype("Int16").astype(object)
    return codes.map(lambda code: MISSING if pd.isna(code) else names.get(code, str(code)))


def _mean_log_prices(engine: Engine, transactions: Rows) -> "pd.Series[float]":
    """Return, by article sold, the mean logarithm of its prices; NaN for one that was only free."""
    key = [columns.ARTICLE, columns.PRICE]
    n_sold = nw.col(columns.UNITS).sum().cast(nw.Int64).alias("n_sold")
    counted = with_units(transactions).group_by(*key).agg(n_sold).sort(*key)
    prices = engine.to_arrow(counted).to_pandas()
    logarithm = _logarithm(prices[columns.PRICE])
    n_priced = prices["n_sold"].where(~np.isnan(logarithm), 0)
    sums = pd.DataFrame({"total": logarithm * prices["n_sold"], "n_priced": n_priced})
    by_article = sums.groupby(prices[columns.ARTICLE]).sum()
    return by_article["total"] / by_article["n_priced"].where(by_article["n_priced"] > 0)


def _logarithm(prices: "pd.Series[float]") -> npt.NDArray[np.float64]:
    """Return the logarithm of each price; NaN for a free article, which has none."""
    paid = prices.to_numpy(np.float64)
    return np.log(np.where(np.isfinite(paid) & (paid > 0), paid, np.nan))


def _people(engine: Engine, tables: Path, customers: npt.NDArray[np.integer[Any]]) -> pd.DataFrame:
    """Return the row of each customer; empty where the customers table has none."""
    keys = pa.table({columns.CUSTOMER: pa.array(customers, pa.int32())})
    people = engine.read(tables / "customers.parquet")
    buyers = people.join(engine.from_arrow(keys), on=columns.CUSTOMER)
    rows: pd.DataFrame = engine.to_arrow(buyers).to_pandas()
    return rows.set_index(columns.CUSTOMER).reindex(customers).reset_index()


def _coded(column: "pd.Series[str]") -> Coded:
    with_unknown = pd.concat([column.fillna(MISSING), pd.Series([MISSING])])
    codes, names = pd.factorize(with_unknown, sort=True)
    return Coded(codes.astype(np.int64), np.asarray(names, object))


def _past(
    engine: Engine, transactions: Rows, customers: npt.NDArray[np.integer[Any]], n_articles: int
) -> sparse.csr_matrix:
    pairs = engine.to_arrow(transactions.select(columns.CUSTOMER, columns.ARTICLE))
    customer, article = (pairs[name].to_numpy() for name in pairs.column_names)
    n_customers = 1 + max(int(customers.max(initial=-1)), int(customer.max(initial=-1)))
    ones = np.ones(len(customer), np.float32)
    places = (customer, np.minimum(article, n_articles - 1))
    past = sparse.csr_matrix((ones, places), shape=(n_customers, n_articles))
    past.data[:] = 1
    return past
