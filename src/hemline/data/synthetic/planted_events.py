"""Events that can be planted: what changes on which day, by how much, and how to respond to it.

Events are applied day by day while purchases are drawn, and every day has its own random stream, so
the days before an event are the same bytes with and without it. The price: an event that changes
what is bought also affects the days after it ends, through repeat purchases.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

Kind = Literal[
    "taste_shift",
    "price_change",
    "channel_shift",
    "closed_stores",
    "season_change",
    "broken_column",
]
Size = Literal["small", "medium", "large"]

STRENGTHS: Final[dict[Kind, dict[Size, float]]] = {
    "taste_shift": {"small": 0.15, "medium": 0.35, "large": 0.7},  # share of customers who move
    "price_change": {"small": 0.05, "medium": 0.15, "large": 0.3},  # share of the price added
    "channel_shift": {"small": 0.1, "medium": 0.3, "large": 0.6},  # share of store visits online
    "closed_stores": {"small": 0.5, "medium": 0.8, "large": 1.0},  # share of stores closed
    "season_change": {"small": 21, "medium": 42, "large": 63},  # days the season runs ahead
    "broken_column": {"small": 0.01, "medium": 0.2, "large": 1.0},  # share of rows damaged
}

COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    "taste_shift": ("garment_group_name", "product_group_name", "index_name"),
    "price_change": ("price",),
    "channel_shift": ("sales_channel_id",),
    "closed_stores": ("sales_channel_id",),
    "season_change": ("garment_group_name", "product_group_name"),
    "broken_column": ("price",),
}
"""The columns in which a monitor should detect an event (articles' columns joined to sales)."""

EXPECTED_VERDICTS: Final[dict[Kind, str]] = {
    "taste_shift": "drift",
    "price_change": "drift",
    "channel_shift": "drift",
    "closed_stores": "drift",
    "season_change": "season",
    "broken_column": "broken",
}
"""The correct verdict on an event: retrain (drift), ignore it (season) or refuse the data."""

_SEASON_DAYS: Final = 60  # how long a season_change without `until` lasts


class Event(BaseModel):
    """A planted change: its kind, first day, last day (null: for good) and size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    date: dt.date
    until: dt.date | None
    size: Size

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until < self.date:
            raise ValueError(f"until ({self.until}) lies before date ({self.date})")
        return self

    @property
    def strength(self) -> float:
        """The size as a number, in the unit given in STRENGTHS."""
        return STRENGTHS[self.kind][self.size]

    def is_active_on(self, day: dt.date) -> bool:
        """Return whether the event is active on the day; a season_change recurs every year."""
        if self.kind == "season_change":
            return day >= self.date and (day - self._latest_start(day)).days < self._n_days()
        return self.date <= day and (self.until is None or day <= self.until)

    def _n_days(self) -> int:
        until = self.until or self.date + dt.timedelta(days=_SEASON_DAYS - 1)
        return (until - self.date).days + 1

    def _latest_start(self, day: dt.date) -> dt.date:
        start = _in_year(self.date, day.year)
        return start if start <= day else _in_year(self.date, day.year - 1)


def strength_on(events: Iterable[Event], kind: Kind, day: dt.date) -> float:
    """Return the summed strength of the events of a kind that are active on the day."""
    return sum(event.strength for event in events if event.kind == kind and event.is_active_on(day))


def _in_year(start: dt.date, year: int) -> dt.date:
    # A 29 February begins on the 28th of common years.
    is_leap_day = f"{start:%m-%d}" == "02-29"
    return start.replace(year=year, day=28) if is_leap_day else start.replace(year=year)
