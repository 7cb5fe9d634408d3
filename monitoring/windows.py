"""Which weeks are compared with which.

A week is known by its week_end, the first day after it. It is held against the weeks just before it
(the recent weeks, but for the very last, so that the first week of a drift does not hide the
second) and against last year: what the same step of the year changed then. The price: a slow trend
looks like half a change, and of a shop's first year nothing can be said but that it differs.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from monitoring.holidays import holidays_in, last_years_week
from monitoring.monitor_params import MonitorParams

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, order=True)
class Span:
    """Days from first up to end; end is not among them."""

    first: date
    end: date


@dataclass(frozen=True)
class Windows:
    """The weeks a week is held against.

    Attributes:
        week_end: the first day after the week.
        current: the week itself.
        recent: the reference weeks, oldest first.
        seasonal: last year's weeks like the current one.
        seasonal_recent: last year's weeks like the recent ones, group by group; a week may occur
            more than once, and counts as often.
        note: what is missing of all this, in a sentence; empty when nothing is.
    """

    week_end: date
    current: Span
    recent: tuple[Span, ...]
    seasonal: tuple[Span, ...]
    seasonal_recent: tuple[Span, ...]
    note: str


def windows_for(week_end: date, first_day: date, params: MonitorParams) -> Windows:
    """Return the windows of the week before week_end, as far as the data reach back.

    Args:
        week_end: the first day after the week.
        first_day: the first day of the data; weeks that begin before it are left out.
        params: reference_weeks and gap_weeks count.
    """
    back = range(params.gap_weeks + params.reference_weeks, params.gap_weeks, -1)
    wanted = [week_end - weeks * _WEEK for weeks in back]
    recent = _known(wanted, first_day)
    seasonal = _known(_like(week_end), first_day)
    matched = [week for end in wanted for week in _like(end)]
    seasonal_recent = _known(matched, first_day)
    note = _missing(len(recent), len(wanted), seasonal, len(seasonal_recent) / len(matched))
    current = Span(week_end - _WEEK, week_end)
    return Windows(week_end, current, recent, seasonal, seasonal_recent, note)


def _like(week_end: date) -> list[date]:
    """Return last year's weeks like this one: the same and its neighbours, holidays apart."""
    same = last_years_week(week_end)
    if holidays_in(week_end):
        return [same]
    around = [same - _WEEK, same, same + _WEEK]
    return [end for end in around if not holidays_in(end)] or [same]


def _known(ends: list[date], first_day: date) -> tuple[Span, ...]:
    spans = (Span(end - _WEEK, end) for end in ends)
    return tuple(span for span in spans if span.first >= first_day)


def _missing(n_recent: int, n_wanted: int, seasonal: tuple[Span, ...], share: float) -> str:
    missing = []
    if n_recent < n_wanted:
        missing.append(f"{n_recent} of {n_wanted} recent weeks lie in the data")
    if not seasonal or share == 0:
        missing.append("less than a year of history: no season to compare with")
    elif share < 1:
        missing.append(f"{1 - share:.0%} of last year's weeks lie before the data")
    return "; ".join(missing)
