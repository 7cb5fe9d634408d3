"""What makes a shop's weeks unlike their neighbours: moving holidays, and sales that it announces.

A week is compared with the week 52 weeks earlier. Around a holiday that is the wrong week: Easter
was almost three weeks later in 2019 than in 2018. So the week of a holiday and the one before it
are compared with last year's week at the same distance from the holiday, and so is each week of a
sale with last year's week of the same sale. A week of a sale tells nothing about the weeks after
it, so it is none of the recent weeks that another week is compared with. The price: some weeks of
last year are used twice or not at all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final, Self

from dateutil.easter import easter

from hemline.errors import BadInput
from monitoring.monitor_params import CalendarParams, SaleDays

_WEEK: Final = timedelta(days=7)
_JUNE, _NOVEMBER, _DECEMBER = 6, 11, 12
_FRIDAY: Final = 4
_YEARS_TRIED: Final = range(2020, 2023)  # in which a holiday's name has to occur


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


DayOfYear = Callable[[int], date | None]
HOLIDAYS: Final[dict[str, DayOfYear]] = {
    "Easter": easter,
    "Midsummer": midsummer_eve,
    "Black Friday": black_friday,
    "Christmas": christmas_eve,
}
"""Those that need no country."""


@dataclass(frozen=True)
class ShopCalendar:
    """A shop's holidays and sales.

    Attributes:
        holidays: the day of each in a year, None in years without it.
        sales: first and last day of each time, by name.
    """

    holidays: Mapping[str, DayOfYear]
    sales: Mapping[str, tuple[SaleDays, ...]]

    @classmethod
    def of(cls, params: CalendarParams) -> Self:
        """Return the calendar of the parameters.

        Raises:
            BadInput: the package `holidays` knows no such country, or the country no such holiday.
        """
        return cls({name: _holiday(name, params.country) for name in params.holidays}, params.sales)

    def holidays_in(self, week_end: date) -> tuple[str, ...]:
        """Return the names of the holidays in the seven days before week_end.

        >>> ShopCalendar(HOLIDAYS, {}).holidays_in(date(2020, 4, 15))
        ('Easter',)
        """
        days = (week_end - _WEEK, week_end)
        return tuple(
            name
            for name, day_of in self.holidays.items()
            if any(
                (day := day_of(year)) is not None and days[0] <= day < days[1]
                for year in {end.year for end in days}
            )
        )

    def is_in_sale(self, week_end: date) -> bool:
        """Return whether a sale is on in the seven days before week_end."""
        return next(self._sales_in(week_end), None) is not None

    def last_years_week(self, week_end: date) -> date | None:
        """Return the end of last year's week that a week is compared with: mostly 52 weeks earlier.

        A week of a sale is matched with last year's week of it as long after its first day; None
        where that sale is not known of last year, or was over by then. The week of a holiday is
        matched with last year's week of that holiday, the week before it with the week before that.

        >>> calendar = ShopCalendar(HOLIDAYS, {})
        >>> calendar.last_years_week(date(2020, 4, 15)), calendar.last_years_week(date(2020, 3, 11))
        (datetime.date(2019, 4, 24), datetime.date(2019, 3, 13))
        """
        sale = next(self._sales_in(week_end), None)
        if sale is not None:
            return self._week_of_last_sale(week_end, *sale)
        for day_of in self.holidays.values():
            for year in sorted({(week_end - _WEEK).year, (week_end + _WEEK).year}):
                day, before = day_of(year), day_of(year - 1)
                if day is None or before is None:
                    continue
                weeks_ahead = (day - week_end).days // 7 + 1
                if weeks_ahead in {0, 1}:
                    weeks_back = (before - week_end).days // 7 + 1 - weeks_ahead
                    return week_end + weeks_back * _WEEK
        return week_end - 52 * _WEEK

    def _sales_in(self, week_end: date) -> Iterator[tuple[str, SaleDays]]:
        """Yield name and days of the sales in the week before week_end."""
        for name, times in self.sales.items():
            for days in times:
                if days[0] < week_end and days[1] >= week_end - _WEEK:
                    yield name, days

    def _week_of_last_sale(self, week_end: date, name: str, days: SaleDays) -> date | None:
        earlier = [one for one in self.sales[name] if one[0] < days[0]]
        if not earlier:
            return None
        first, last = max(earlier)
        weeks_back = (first - week_end).days // 7 - (days[0] - week_end).days // 7
        end = week_end + weeks_back * _WEEK
        return end if end - _WEEK <= last else None


@cache
def public_holidays(country: str, year: int) -> dict[date, str]:
    """Return the public holidays of a country in a year, named in English where it can be.

    >>> public_holidays("GB-ENG", 2011)[date(2011, 8, 29)]
    'Late Summer Bank Holiday'

    Args:
        country: its code, such as SE, or that of a part of it, such as GB-ENG.
        year: the year.

    Raises:
        BadInput: the package `holidays` knows no such country.
    """
    import holidays  # noqa: PLC0415  (0.3 s, for those who name a country)

    whole, _, part = country.partition("-")
    try:
        known = holidays.country_holidays(whole, part or None, years=year, language="en_US")
        return dict(known)
    except NotImplementedError:
        raise BadInput(
            "monitor.calendar.country is the code of a country or of a part of one (ISO 3166)",
            found=country,
            fix="correct it in params.yaml; SE and GB-ENG are such codes",
        ) from None


def last_years_holiday(country: str | None, day: date) -> date | None:
    """Return the day of the same public holiday a year earlier; None where a day is none.

    >>> last_years_holiday("GB", date(2011, 5, 30)), last_years_holiday("GB", date(2011, 5, 29))
    (datetime.date(2010, 5, 31), None)
    """
    name = None if country is None else public_holidays(country, day.year).get(day)
    if country is None or name is None:
        return None
    return _day_of(name, country, day.year - 1)


def _day_of(name: str, country: str, year: int) -> date | None:
    """Return the first day of a public holiday in a year; None in years without it."""
    days = public_holidays(country, year)
    return min((day for day, found in days.items() if found == name), default=None)


def _holiday(name: str, country: str | None) -> DayOfYear:
    if name in HOLIDAYS:
        return HOLIDAYS[name]
    known = (
        set()
        if country is None
        else {one for year in _YEARS_TRIED for one in public_holidays(country, year).values()}
    )
    if country is None or name not in known:
        of_country = ", ".join(sorted(known)) or "others need monitor.calendar.country"
        raise BadInput(
            "monitor.calendar.holidays names holidays that are known",
            found=name,
            fix=f"choose of {', '.join(HOLIDAYS)}; {of_country}",
        )
    return lambda year: _day_of(name, country, year)


def _first_friday_from(day: date) -> date:
    return day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
