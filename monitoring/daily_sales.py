"""How many transactions each day has, and how many are usual on its weekday.

A transaction is a line, of a customer or of a guest, whatever its units: what matters is whether
everything has been delivered, and one line of 80,995 units must not stand for a day. A day on which
guests alone bought is no closed day.

A day without transactions that lies before later ones is a closed day: a holiday, a strike, a
lockdown. Only the end of the data can be incomplete. The price: a day that a delivery lost cannot
be told from a closed one, so where its weekday usually sells it is called closed or lost.

What is usual is read from weeks in which the shop was open, so that data that end too early are
noticed after a lockdown as well.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import narwhals as nw

from hemline import columns
from hemline.engine.engine import Engine, Rows

WEEK: Final = timedelta(days=7)
_WEEKS_READ: Final = 53  # a longer closure counts as the first week of a new shop
_WEEKS_OF_LAST_YEAR: Final = 5  # further back: what its weekdays usually sold


@dataclass(frozen=True)
class DailySales:
    """The number of transactions of each day, in the weeks up to some day.

    Attributes:
        counts: by day; days without transactions are left out.
        latest: the latest day with a transaction, which may lie after those; None without any.
        with_customers: the days on which not only guests bought.
    """

    counts: Mapping[date, int]
    latest: date | None
    with_customers: frozenset[date]

    def on(self, day: date) -> int:
        """Return the number of transactions of a day."""
        return self.counts.get(day, 0)

    def usual(self, day: date, reference_weeks: int) -> float | None:
        """Return the median of the same weekday in the latest weeks with sales before the day.

        None where there is no such week, as in the first week of the data.
        """
        first = min(self.counts, default=day)
        starts = [day - WEEK * back for back in range(1, _WEEKS_READ + 1)]
        is_open = [start for start in starts if start >= first and self._sells_in_week(start)]
        latest = is_open[:reference_weeks]
        return median(self.on(start) for start in latest) if latest else None

    def was_closed(self, day: date, reference_weeks: int) -> bool:
        """Return whether the shop sold nothing on a day on whose weekday it did sell.

        False where that weekday was a closing day then, or the data do not reach back so far: both
        say nothing about the date.
        """
        usual = None if self.on(day) else self.usual(day, reference_weeks)
        return usual is not None and usual > 0

    def known_through(self, reference_weeks: int) -> date | None:
        """Return the latest day, or the closing days of the week that follow directly after it.

        A shop that is closed on Sundays delivers nothing for a Sunday that could be waited for.
        """
        if self.latest is None:
            return None
        day = self.latest
        while (
            self.usual(day + timedelta(days=1), reference_weeks) == 0 and day - self.latest < WEEK
        ):
            day += timedelta(days=1)
        return day

    def _sells_in_week(self, start: date) -> bool:
        return any(self.on(start + timedelta(days=days)) for days in range(WEEK.days))


def read_daily_sales(engine: Engine, transactions: Path, until: date | None = None) -> DailySales:
    """Return the days of the 59 weeks before `until`; None is the end of the data.

    Args:
        engine: reads the tables.
        transactions: of customers; those of guests lie beside them, if there are any.
        until: the first day that is not read.
    """
    places = [transactions, transactions.with_name("guest_sales.parquet")]
    tables = [engine.read(place) for place in places if place.exists()]
    latest = max((day for rows in tables if (day := _latest_day(engine, rows))), default=None)
    if latest is None:
        return DailySales({}, None, frozenset())
    end = latest + timedelta(days=1) if until is None else until
    first = end - (_WEEKS_READ + 1 + _WEEKS_OF_LAST_YEAR) * WEEK
    of_customers, *of_guests = (_count(engine, rows, first, end) for rows in tables)
    counts = sum(of_guests, start=Counter(of_customers))
    return DailySales(dict(counts), latest, frozenset(of_customers))


def _count(engine: Engine, rows: Rows, first: date, end: date) -> Counter[date]:
    """Return the number of rows of each day of [first, end) that has any."""
    day = nw.col(columns.DAY)
    within = rows.filter(day >= first, day < end)
    counts = engine.to_arrow(within.group_by(columns.DAY).agg(n_rows=nw.len()))
    return Counter(dict(zip(*(column.to_pylist() for column in counts.columns), strict=True)))


def _latest_day(engine: Engine, rows: Rows) -> date | None:
    """Return the latest day with a transaction; None where there is none at all."""
    maximum = engine.to_arrow(rows.select(nw.col(columns.DAY).max()))
    latest: date | None = maximum[columns.DAY][0].as_py()
    return latest


def year_before(day: date) -> date:
    """Return the same date a year earlier; of 29 February the 28th.

    >>> year_before(date(2020, 2, 29))
    datetime.date(2019, 2, 28)
    """
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if is_leap_day else day.day)
