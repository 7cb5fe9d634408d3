"""The windows of weeks that a week is compared with.

A week is named by its week_end, the first day after it. It is compared with the recent weeks,
without the very last one and without weeks of a sale, so that the first week of a drift does not
hide the second, and with how last year changed at the same time. The price: only part of a slow
trend shows, and in a shop's first year a change cannot be distinguished from the season.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from monitoring.monitor_params import MonitorParams
from monitoring.shop_calendar import ShopCalendar

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, order=True)
class Span:
    """Days from first up to end (exclusive)."""

    first: date
    end: date


@dataclass(frozen=True)
class Windows:
    """The weeks that a week is compared with.

    Attributes:
        week_end: the first day after the week.
        current: the week itself.
        recent: the reference weeks, oldest first.
        seasonal: last year's weeks like the current one; none for a sale that last year lacked.
        seasonal_recent: last year's weeks like the recent ones, one group after another; a week may
            occur more than once, and counts as often.
        note: which of these weeks the data lack; empty when none.
    """

    week_end: date
    current: Span
    recent: tuple[Span, ...]
    seasonal: tuple[Span, ...]
    seasonal_recent: tuple[Span, ...]
    note: str


def windows_for(week_end: date, first_day: date, params: MonitorParams) -> Windows:
    """Return the windows of the week before week_end, without weeks that the data lack.

    Args:
        week_end: the first day after the week.
        first_day: the first day of the data; weeks that begin before it are left out.
        params: reference_weeks and gap_weeks.
    """
    calendar = ShopCalendar.of(params.calendar)
    back = range(params.gap_weeks + params.reference_weeks, params.gap_weeks, -1)
    before = [week_end - weeks * _WEEK for weeks in back]
    recent_ends = [end for end in before if not calendar.is_in_sale(end)] or before
    matched = [week for end in recent_ends for week in _like(end, calendar)]
    like = _like(week_end, calendar)
    recent, seasonal, seasonal_recent = (
        _in_data(ends, first_day) for ends in (recent_ends, like, matched)
    )
    share = len(seasonal_recent) / len(matched) if seasonal else 0.0
    note = "; ".join(
        [
            *_missing(len(recent), len(recent_ends), 1.0 if not like else share),
            *(["last year had no such sale, so the season is unknown"] if not like else []),
        ]
    )
    current = Span(week_end - _WEEK, week_end)
    return Windows(week_end, current, recent, seasonal, seasonal_recent, note)


def _like(week_end: date, calendar: ShopCalendar) -> list[date]:
    """Return last year's weeks like this one: the same and its usual neighbours."""
    same = calendar.last_years_week(week_end)
    if same is None:
        return []
    if calendar.holidays_in(week_end) or calendar.is_in_sale(week_end):
        return [same]
    around = [same - _WEEK, same, same + _WEEK]
    usual = [
        end for end in around if not calendar.holidays_in(end) and not calendar.is_in_sale(end)
    ]
    return usual or [same]


def _in_data(ends: list[date], first_day: date) -> tuple[Span, ...]:
    spans = (Span(end - _WEEK, end) for end in ends)
    return tuple(span for span in spans if span.first >= first_day)


def _missing(n_recent: int, n_reference: int, share_last_year: float) -> list[str]:
    missing = []
    if n_recent < n_reference:
        missing.append(f"the data hold {n_recent} of the {n_reference} recent weeks")
    if share_last_year == 0:
        missing.append("the data hold less than a year of history, so seasons are unknown")
    elif share_last_year < 1:
        missing.append(f"{1 - share_last_year:.0%} of last year's weeks lie before the data")
    return missing
