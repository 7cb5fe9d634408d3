"""From purchases to the histories at a cut: what was known before it, and nothing else.

Purchases on or after the cut are an error. Unlikes may be of any day: those that hold at the cut
are part of the histories, and purchases of unliked articles are not.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline import columns, tables
from hemline.data.histories import UNKNOWN_SEGMENT, Histories
from hemline.data.unlikes import Unlikes

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_A_TIME: Final = 1 << 19
"""Purchases sorted at a time, which bounds the memory of sorting to 100 MB."""


class _Pairs(NamedTuple):
    """One element per pair of customer and article; all arrays have the same length."""

    customers: npt.NDArray[np.int64]
    articles: npt.NDArray[np.int64]
    units: npt.NDArray[np.float32]
    days_ago: npt.NDArray[np.int64]


def build_histories(
    purchases: "pd.DataFrame",
    *,
    cut: date,
    n_customers: int,
    n_articles: int,
    unlikes: "pd.DataFrame | None" = None,
) -> Histories:
    """Return the histories at the cut from purchases; rows on or after the cut are an error.

    Purchases may be in any order. They are sorted one range of customers at a time, which bounds
    the extra memory to that of a few million rows.

    Args:
        purchases: columns customer, article, t_dat and units (tables.PURCHASES).
        cut: the first day after the history.
        n_customers: rows of the result.
        n_articles: columns of the result.
        unlikes: tables.UNLIKES of any days; None for purchases as they are.

    Raises:
        ValueError: a purchase lies on or after the cut, which would leak the future, or names a
            customer or an article outside the result.
    """
    _check(purchases, cut, n_customers, n_articles)
    unliked = Unlikes.none() if unlikes is None else Unlikes.at(unlikes, cut)
    purchases = without_unliked(purchases, unliked)
    customers = purchases[columns.CUSTOMER].to_numpy()
    articles = np.empty(len(purchases), np.int32)
    units, days_ago = np.empty((2, len(purchases)), np.float32)
    indptr = np.zeros(n_customers + 1, np.int64)
    step = max(1, n_customers * _ROWS_AT_A_TIME // max(_ROWS_AT_A_TIME, len(purchases)))
    end = 0
    for first in range(0, n_customers, step):
        is_among = customers >= first
        is_among &= customers < first + step
        pairs = _pairs(purchases.iloc[np.flatnonzero(is_among)], cut, n_articles)
        start, end = end, end + len(pairs.customers)
        articles[start:end] = pairs.articles
        units[start:end], days_ago[start:end] = pairs.units, pairs.days_ago
        indptr[1:] += np.bincount(pairs.customers, minlength=n_customers)
    starts = np.cumsum(indptr)
    if end <= np.iinfo(np.int32).max:
        starts = starts.astype(np.int32)
    unknown = np.full(n_customers, UNKNOWN_SEGMENT, np.int8)
    purchased = articles[:end], units[:end], days_ago[:end]
    return Histories(starts, *purchased, unknown, unknown, n_articles, unliked)


def _check(purchases: "pd.DataFrame", cut: date, n_customers: int, n_articles: int) -> None:
    if purchases.empty:
        return
    latest = np.datetime64(purchases[columns.DAY].to_numpy().max(), "D")
    if latest >= np.datetime64(cut, "D"):
        raise ValueError(f"histories at {cut} were given purchases up to {latest}")
    for name, n_places in ((columns.CUSTOMER, n_customers), (columns.ARTICLE, n_articles)):
        keys = purchases[name].to_numpy()
        if keys.min() < 0 or keys.max() >= n_places:
            raise ValueError(
                f"{name} is a key from 0 to {n_places - 1}, found {keys.min()} to {keys.max()}"
            )


def _pairs(purchases: "pd.DataFrame", cut: date, n_articles: int) -> _Pairs:
    """Return one element per customer and article bought, ordered by customer and article."""
    days = np.asarray(purchases[columns.DAY], "datetime64[D]")
    days_ago = (np.datetime64(cut, "D") - days).astype(np.int64)
    pair = purchases[columns.CUSTOMER].to_numpy(np.int64) * n_articles
    pair += purchases[columns.ARTICLE].to_numpy(np.int64)
    # Sorting one number is several times faster than sorting two: pair first, then latest day.
    order = np.argsort(pair * (int(days_ago.max(initial=0)) + 1) + days_ago)
    pair, days_ago = pair[order], days_ago[order]
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    units = np.add.reduceat(purchases[columns.UNITS].to_numpy(np.float32)[order], starts)
    customers, articles = np.divmod(pair[starts], n_articles)
    return _Pairs(customers, articles, units, days_ago[starts])


def read_unlikes(path: Path) -> "pd.DataFrame":
    """Return tables.UNLIKES; none where the file is absent, as beside tables of before the shop.

    Raises:
        BadInput: the file is damaged, or lacks a column.
    """
    return tables.read_table(path, tables.UNLIKES) if path.exists() else no_unlikes()


def no_unlikes() -> "pd.DataFrame":
    """Return tables.UNLIKES without a row."""
    nothing: pd.DataFrame = tables.UNLIKES.empty_table().to_pandas(date_as_object=False)
    return nothing


def without_unliked(purchases: "pd.DataFrame", unlikes: Unlikes) -> "pd.DataFrame":
    """Return the purchases without those of articles that their customers do not want to see.

    Args:
        purchases: columns customer and article.
        unlikes: by key of the customer.
    """
    if not len(unlikes):
        return purchases
    pair = columns.CUSTOMER, columns.ARTICLE
    customers, articles = (purchases[name].to_numpy() for name in pair)
    # Few customers have unlikes: the purchases of the others are not looked up.
    places = np.flatnonzero(np.isin(customers, np.unique(unlikes.rows)))
    stands = np.ones(len(purchases), bool)
    stands[places] = ~unlikes.include(customers[places].astype(np.int64), articles[places])
    return purchases[stands]
