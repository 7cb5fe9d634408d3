"""Holidays that change what is bought, and that fall into different weeks each year.

A week is compared with the week 52 weeks earlier. Around a holiday that is the wrong week: Easter
was almost three weeks later in 2019 than in 2018. So the week of a holiday and the one before it
are compared with last year's week at the same distance from the holiday. The price: the list holds
for Sweden and online shops only, and some weeks of last year are used twice or not at all.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from dateutil.easter import easter

_WEEK: Final = timedelta(days=7)
_JUNE, _NOVEMBER, _DECEMBER = 6, 11, 12
_FRIDAY: Final = 4


def midsummer_eve(year: int) -> date:
    """Return the Friday from 19 to 25 June.

    >>> midsummer_eve(2020)
    datetime.date(2020, 6, 19)
    """
    return _first_friday_from(date(year, _JUNE, 19))


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November.

    >>> black_friday(2019)
    datetime.date(2019, 11, 29)
    """
    return _first_friday_from(date(year, _NOVEMBER, 23))


def christmas_eve(year: int) -> date:
    """Return 24 December: the date is fixed, its week is not."""
    return date(year, _DECEMBER, 24)


HOLIDAYS: Final[dict[str, Callable[[int], date]]] = {
    "Easter": easter,
    "Midsummer": midsummer_eve,
    "Black Friday": black_friday,
    "Christmas": christmas_eve,
}


def holidays_in(week_end: date) -> tuple[str, ...]:
    """Return the names of the holidays in the seven days before week_end.

    >>> holidays_in(date(2020, 4, 15))
    ('Easter',)
    """
    days = (week_end - _WEEK, week_end)
    return tuple(
        name
        for name, day_of in HOLIDAYS.items()
        if any(days[0] <= day_of(day.year) < days[1] for day in days)
    )


def last_years_week(week_end: date) -> date:
    """Return the end of last year's week that a week is compared with: mostly 52 weeks earlier.

    The week of a holiday is matched with last year's week of that holiday, and the week before it
    with the week before that.

    >>> last_years_week(date(2020, 4, 15)), last_years_week(date(2020, 3, 11))
    (datetime.date(2019, 4, 24), datetime.date(2019, 3, 13))
    """
    for day_of in HOLIDAYS.values():
        for year in {(week_end - _WEEK).year, (week_end + _WEEK).year}:
            weeks_ahead = (day_of(year) - week_end).days // 7 + 1
            if weeks_ahead in {0, 1}:
                weeks_back = (day_of(year - 1) - week_end).days // 7 + 1 - weeks_ahead
                return week_end + weeks_back * _WEEK
    return week_end - 52 * _WEEK


def _first_friday_from(day: date) -> date:
    return day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
