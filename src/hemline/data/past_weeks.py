"""Past weeks as they looked on their first day: what buyers had bought, and what they bought then.

Made from a log of purchases for the buyers of a week only, so the memory is theirs and not that of
all customers. Histories of the whole shop at one cut cannot give this: they hold an article's last
purchase, not the ones before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories, without_unliked
from hemline.data.unlikes import Unlikes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PastWeek:
    """A week's buyers, row by row.

    Attributes:
        start: the first day.
        known: their histories on that day; empty for new customers.
        bought: what they bought in the week.
    """

    start: date
    known: Histories
    bought: Histories


@dataclass(frozen=True)
class PurchaseLog:
    """All purchases before a cut.

    Attributes:
        purchases: tables.PURCHASES in order of their days, all before the cut.
        unlikes: tables.UNLIKES; may reach beyond the cut.
        cut: the first day after them.
        n_articles: number of articles there are.
        week_days: length of a week to learn from.
    """

    purchases: "pd.DataFrame"
    unlikes: "pd.DataFrame"
    cut: date
    n_articles: int
    week_days: int

    def weeks(self, n_weeks: int, *, max_buyers: int) -> Iterator[PastWeek]:
        """Yield the latest weeks in which somebody bought who had bought before, latest first.

        Args:
            n_weeks: how many, at most.
            max_buyers: of more buyers in a week an evenly spaced sample is taken.
        """
        start = self.cut
        while n_weeks and len(self._between(date.min, start)):
            start -= timedelta(days=self.week_days)
            week = self._week(start, max_buyers)
            if len(week.known.indices):
                n_weeks -= 1
                yield week

    def n_buyers(self, day: date, *, days: int) -> npt.NDArray[np.int32]:
        """Return, per article, how many customers bought it in so many days before a day."""
        latest = self._between(day - timedelta(days=days), day)
        pair = latest[columns.CUSTOMER].to_numpy(np.int64) * self.n_articles
        pair += latest[columns.ARTICLE].to_numpy(np.int64)
        counts = np.bincount(np.unique(pair) % self.n_articles, minlength=self.n_articles)
        return counts.astype(np.int32)

    def _week(self, start: date, max_buyers: int) -> PastWeek:
        end = start + timedelta(days=self.week_days)
        during, before = self._between(start, end), self._between(date.min, start)
        before = without_unliked(before, Unlikes.at(self.unlikes, start))
        buyers = np.unique(during[columns.CUSTOMER].to_numpy())
        if len(buyers) > max_buyers:
            buyers = buyers[np.linspace(0, len(buyers) - 1, max_buyers).astype(np.int64)]
        known, bought = (
            build_histories(
                _of_buyers(purchases, buyers),
                cut=cut,
                n_customers=len(buyers),
                n_articles=self.n_articles,
            )
            for purchases, cut in ((before, start), (during, end))
        )
        return PastWeek(start, known, bought)

    def _between(self, start: date, end: date) -> "pd.DataFrame":
        days = self.purchases[columns.DAY].to_numpy("datetime64[D]")
        first, last = np.searchsorted(days, np.array([start, end], "datetime64[D]"))
        return self.purchases.iloc[first:last]


def _of_buyers(purchases: "pd.DataFrame", buyers: npt.NDArray[np.integer]) -> "pd.DataFrame":
    """Return the purchases of some customers, who are numbered by their place among them."""
    customers = purchases[columns.CUSTOMER].to_numpy()
    places = np.minimum(np.searchsorted(buyers, customers), max(len(buyers) - 1, 0))
    is_buyer = buyers[places] == customers if len(buyers) else np.zeros(len(customers), bool)
    return purchases[is_buyer].assign(**{columns.CUSTOMER: places[is_buyer]})
