"""Which day of the shop's data an event belongs to.

The generated shop's data end in 2020. Its customers buy today, so the day on which the event log
was made counts as `shop.first_day`, and time runs on from there. A real shop has no first_day: its
days are those of the calendar, in UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from hemline.shop.event_log import EventLog


@dataclass(frozen=True)
class ShopClock:
    """Shop days by calendar days.

    Attributes:
        opened: the day on which the event log was made.
        first_day: what that day counts as; None: as itself.

    >>> clock = ShopClock(date(2026, 5, 1), date(2020, 9, 23))
    >>> clock.day_of(datetime(2026, 5, 2, 23, 59))
    datetime.date(2020, 9, 24)
    """

    opened: date
    first_day: date | None

    @classmethod
    def of(cls, log: EventLog, first_day: date | None) -> Self:
        """Return the clock of a log."""
        return cls(log.opened.date(), first_day)

    def day_of(self, at: datetime) -> date:
        """Return the shop day of a time in UTC."""
        if self.first_day is None:
            return at.date()
        return self.first_day + (at.date() - self.opened)
