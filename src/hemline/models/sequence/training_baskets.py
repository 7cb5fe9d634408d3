"""What a sequence model learns from: what customers had bought, and their next week's basket.

A week is a step of time: whoever bought something in a week is one example, whose input are the
latest articles before that week and whose targets are the articles of that week. Histories hold an
article's last purchase only, so of an article bought twice before the week only the last purchase
counts here, too. A day is the finest step: the till does not say what was picked up first.

Each week has its own catalogue: the articles sold in the days before it, by their share of recent
purchases. So the network learns what differs from that week's popularity, and nothing about gone
articles beside those that replaced them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.label_shift import decay_weights, open_window, shares

if TYPE_CHECKING:
    from hemline.data.past_weeks import PurchaseLog

Keys = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

N_AGES: Final = 10
_LOOK_BACK: Final = 2
"""So many times the window is read, to fill it where articles were bought twice."""


class OfferedWeek(NamedTuple):
    """The catalogue on the first day of a week.

    Attributes:
        articles: sorted int32 keys of the articles that were sold in the days before.
        share: float64 beside `articles`; of the decayed purchases.
    """

    articles: Keys
    share: npt.NDArray[np.float64]

    @property
    def log_share(self) -> npt.NDArray[np.float32]:
        """The logits of a network that knows popularity alone."""
        return np.log(self.share).astype(np.float32)


class Examples(NamedTuple):
    """Examples of one week, each a row.

    Attributes:
        week: number of the week; 0 is the latest.
        articles: int32 of shape (rows, window); oldest first, NO_ARTICLE after the last.
        ages: int64 of the same shape; see `age_of`.
        days: int32 of the same shape; days before the week, 0 where there is no article.
        target_row: int64; the row of each target.
        targets: int32 beside `target_row`; distinct within a row.
    """

    week: int
    articles: Keys
    ages: npt.NDArray[np.int64]
    days: npt.NDArray[np.int32]
    target_row: npt.NDArray[np.int64]
    targets: Keys


@dataclass(frozen=True)
class TrainingBaskets:
    """Purchases in order, and where the examples lie in them.

    Attributes:
        articles: int32 of shape (purchases,), by customer and day.
        days: int32 beside `articles`; days before the cut.
        first: int64 of shape (examples,); the first purchase of the customer.
        split: int64 beside `first`; the first purchase of the week.
        end: int64 beside `first`; one after the last purchase of the week.
        week: int64 beside `first`; 0 is the week before the cut.
        offered: the catalogue at the start of each week.
        week_days: length of a week.
    """

    articles: Keys
    days: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    split: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    week: npt.NDArray[np.int64]
    offered: tuple[OfferedWeek, ...]
    week_days: int

    @classmethod
    def of(
        cls,
        log: "PurchaseLog",
        n_weeks: int,
        max_customers: int,
        on_sale_days: int,
        half_life_days: float,
    ) -> Self:
        """Return the examples of the latest weeks.

        Args:
            log: purchases before a cut.
            n_weeks: how many weeks, at most.
            max_customers: of more buyers in them, an evenly spaced sample.
            on_sale_days: an article that nobody bought for so long is not on sale.
            half_life_days: of a purchase in an article's share.
        """
        first_day = log.cut - timedelta(days=n_weeks * log.week_days)
        bought = log.purchases
        days, customers = bought[columns.DAY].to_numpy(), bought[columns.CUSTOMER].to_numpy()
        buyers = np.unique(customers[_first_from(days, first_day) :])
        if len(buyers) > max_customers:
            buyers = buyers[np.linspace(0, len(buyers) - 1, max_customers).astype(np.int64)]
        rows = np.flatnonzero(np.isin(customers, buyers))
        rows = rows[np.argsort(customers[rows], kind="stable")]
        ago = (np.datetime64(log.cut, "D") - days[rows].astype("datetime64[D]")).astype(np.int32)
        places = _places_of(customers[rows], (ago - 1) // log.week_days, n_weeks)
        starts = [log.cut - timedelta(days=log.week_days * (back + 1)) for back in range(n_weeks)]
        offered = tuple(offered_at(log, start, on_sale_days, half_life_days) for start in starts)
        articles = bought[columns.ARTICLE].to_numpy()[rows].astype(np.int32)
        return cls(articles, ago, *places, offered, log.week_days)

    def before_latest(self) -> Self:
        """Return the examples without those of the latest week."""
        stays = self.week > 0
        return replace(
            self,
            first=self.first[stays],
            split=self.split[stays],
            end=self.end[stays],
            week=self.week[stays],
        )

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return len(self.split)

    def epoch(
        self, n_examples: int, batch_size: int, window: int, rng: np.random.Generator
    ) -> Iterator[Examples]:
        """Yield all examples, or as many drawn evenly, in batches of one week each.

        Args:
            n_examples: at most.
            batch_size: rows of a batch, at most.
            window: how many of the latest articles are read.
            rng: draws the examples and the order of the batches.
        """
        drawn = rng.permutation(self.n_examples)[:n_examples]
        drawn = drawn[np.argsort(self.week[drawn], kind="stable")]
        borders = np.searchsorted(self.week[drawn], np.arange(len(self.offered) + 1))
        batches = [
            drawn[start : min(start + batch_size, last)]
            for begin, last in pairwise(borders)
            for start in range(begin, last, batch_size)
        ]
        for batch in rng.permutation(len(batches)):
            yield self.examples(batches[batch], window)

    def examples(self, chosen: npt.NDArray[np.int64], window: int) -> Examples:
        """Return examples of one week by their numbers."""
        week = int(self.week[chosen[0]])
        before = week * self.week_days + self.week_days
        articles, days = self._latest(chosen, window)
        ages = np.where(articles == NO_ARTICLE, 0, age_of(np.maximum(days - before, 1)))
        row, targets = self._targets(chosen)
        since = np.where(articles == NO_ARTICLE, 0, days - before)
        return Examples(week, articles, ages, since, row, targets)

    def _latest(
        self, chosen: npt.NDArray[np.int64], window: int
    ) -> tuple[Keys, npt.NDArray[np.int32]]:
        """Return the latest distinct articles before the week, and the day of each."""
        width = _LOOK_BACK * window
        place = self.split[chosen][:, None] + np.arange(-width, 0)
        exists = place >= self.first[chosen][:, None]
        place = np.maximum(place, 0)
        articles = np.where(exists, self.articles[place], NO_ARTICLE)
        again = np.zeros(articles.shape, np.bool_)
        for ahead in range(1, width):
            again[:, :-ahead] |= articles[:, :-ahead] == articles[:, ahead:]
        stays = exists & ~again
        stays &= np.cumsum(stays[:, ::-1], axis=1)[:, ::-1] <= window
        order = np.argsort(~stays, axis=1, kind="stable")[:, :window]
        stays = np.take_along_axis(stays, order, axis=1)
        latest, days = (
            np.where(stays, np.take_along_axis(part, order, axis=1), absent).astype(np.int32)
            for part, absent in ((articles, NO_ARTICLE), (self.days[place], 0))
        )
        return latest, days

    def _targets(self, chosen: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Keys]:
        """Return the distinct articles on sale that were bought in the week, and their rows."""
        start, n_bought = self.split[chosen], self.end[chosen] - self.split[chosen]
        row = np.repeat(np.arange(len(chosen)), n_bought)
        within = np.arange(len(row)) - np.repeat(np.cumsum(n_bought) - n_bought, n_bought)
        bought = self.articles[np.repeat(start, n_bought) + within].astype(np.int64)
        n_keys = int(bought.max(initial=0)) + 1
        row, targets = np.divmod(np.unique(row * n_keys + bought), n_keys)
        on_sale = np.isin(targets, self.offered[int(self.week[chosen[0]])].articles)
        return row[on_sale], targets[on_sale].astype(np.int32)


def age_of(days: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.int64]:
    """Return the age of purchases of so many days ago: each is twice as long as the one before.

    >>> age_of(np.array([1, 2, 3, 4, 7, 8, 511, 512, 2000])).tolist()
    [0, 1, 1, 2, 2, 3, 8, 9, 9]
    """
    _, exponent = np.frexp(days.astype(np.float64))
    return np.minimum(exponent.astype(np.int64) - 1, N_AGES - 1)


def offered_at(
    log: "PurchaseLog", day: date, on_sale_days: int, half_life_days: float
) -> OfferedWeek:
    """Return the catalogue on a day, from the purchases before it."""
    days = log.purchases[columns.DAY].to_numpy()
    last = _first_from(days, day)
    latest = (np.datetime64(day, "D") - days[:last][-1:].astype("datetime64[D]")).astype(np.float32)
    first = _first_from(days, day - timedelta(days=open_window(latest, on_sale_days)))
    ago = np.datetime64(day, "D") - days[first:last].astype("datetime64[D]")
    bought = log.purchases[columns.ARTICLE].to_numpy()[first:last].astype(np.int64)
    weights = decay_weights(ago.astype(np.float32), half_life_days).astype(np.float64)
    mass = np.bincount(bought, weights, minlength=log.n_articles).astype(np.float64)
    articles = np.unique(bought).astype(np.int32)
    return OfferedWeek(articles, shares(mass[articles]))


def _first_from(days: npt.NDArray[np.datetime64], day: date) -> int:
    """Return the place of the first purchase on a day or later; no copy of the days is made."""
    return int(np.searchsorted(days, np.datetime64(day, "D").astype(days.dtype)))


def _places_of(
    customers: npt.NDArray[np.integer], week: npt.NDArray[np.int32], n_weeks: int
) -> tuple[Places, Places, Places, Places]:
    """Return first, split, end and week of the examples; purchases are by customer and day."""
    is_new = np.diff(customers, prepend=-1) != 0
    first = np.flatnonzero(is_new)[np.cumsum(is_new) - 1]
    starts = np.flatnonzero(is_new | (np.diff(week, prepend=-1) != 0))
    ends = np.append(starts[1:], len(customers))
    counts = (week[starts] < n_weeks) & (first[starts] < starts)
    starts, ends = starts[counts], ends[counts]
    return first[starts], starts, ends, week[starts].astype(np.int64)
