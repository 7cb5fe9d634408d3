"""A week near a moving holiday is like last year's week at the same distance from it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from hemline.errors import BadInput
from monitoring.monitor_params import CalendarParams, MonitorParams
from monitoring.shop_calendar import HOLIDAYS, ShopCalendar
from monitoring.windows import Span, windows_for

WEEK = timedelta(weeks=1)
CALENDAR = ShopCalendar(HOLIDAYS, {})
PARAMS = MonitorParams.load(Path("params.yaml"))
WINTER = {
    "Winter sale": (
        (date(2018, 12, 27), date(2019, 1, 13)),  # from a Thursday
        (date(2019, 12, 26), date(2020, 1, 12)),
    )
}


@pytest.mark.parametrize(
    ("week_end", "like"),
    [
        (date(2020, 3, 11), date(2019, 3, 13)),  # nothing near: 52 weeks
        (date(2020, 4, 15), date(2019, 4, 24)),  # Easter on 12 April and 21 April
        (date(2020, 4, 8), date(2019, 4, 17)),  # the week before it
        (date(2019, 12, 4), date(2018, 11, 28)),  # Black Friday on 29 and 23 November
        (date(2020, 12, 30), date(2019, 12, 25)),  # Christmas Eve fell on a Tuesday in 2019
    ],
)
def test_a_week_keeps_its_distance_from_a_holiday(week_end: date, like: date) -> None:
    assert CALENDAR.last_years_week(week_end) == like


def test_every_week_that_holds_a_holiday_is_like_one_that_held_it() -> None:
    ends = [date(2016, 1, 6) + n * WEEK for n in range(522)]  # ten years
    named = [end for end in ends if CALENDAR.holidays_in(end)]
    assert len(named) == 10 * len(HOLIDAYS)
    for end in named:
        like = CALENDAR.last_years_week(end)
        assert like is not None
        assert CALENDAR.holidays_in(like) == CALENDAR.holidays_in(end)


def test_last_years_week_is_a_whole_number_of_weeks_before() -> None:
    for n in range(200):
        end = date(2019, 1, 3) + n * timedelta(days=3)
        like = CALENDAR.last_years_week(end)
        assert like is not None
        weeks, rest = divmod(end - like, WEEK)
        assert rest == timedelta(0)
        assert 50 <= weeks <= 56


@pytest.mark.parametrize(
    ("week_end", "like"),
    [
        (date(2020, 1, 1), date(2019, 1, 2)),  # its first week, which holds the first day
        (date(2020, 1, 8), date(2019, 1, 9)),
        (date(2020, 1, 15), date(2019, 1, 16)),
        (date(2019, 1, 2), None),  # the first time that it is known of
    ],
)
def test_a_week_of_a_sale_is_like_last_years_week_of_the_same_sale(
    week_end: date, like: date | None
) -> None:
    assert ShopCalendar({}, WINTER).last_years_week(week_end) == like


def test_a_sale_that_moved_is_matched_by_its_first_day_and_a_longer_one_has_no_like() -> None:
    times = ((date(2019, 6, 20), date(2019, 6, 25)), (date(2020, 7, 9), date(2020, 7, 22)))
    moved = ShopCalendar({}, {"Summer sale": times})
    assert moved.last_years_week(date(2020, 7, 15)) == date(2019, 6, 26)
    assert moved.last_years_week(date(2020, 7, 22)) is None


def windows(week_end: date, sales: dict[str, tuple[tuple[date, date], ...]]) -> list[list[Span]]:
    calendar = PARAMS.calendar.model_copy(update={"sales": sales})
    found = windows_for(
        week_end, date(2018, 9, 20), PARAMS.model_copy(update={"calendar": calendar})
    )
    return [list(found.recent), list(found.seasonal), [found.note]]  # type: ignore[list-item]


def test_weeks_of_a_sale_are_none_of_the_recent_weeks_and_a_first_sale_has_no_season() -> None:
    after = date(2020, 2, 12)
    usual, *_ = windows(after, {})
    without, *_ = windows(after, WINTER)
    assert [span.end for span in usual] == [date(2019, 12, 25) + n * WEEK for n in range(6)]
    assert [span.end for span in without] == [
        date(2019, 12, 25),
        date(2020, 1, 22),
        date(2020, 1, 29),
    ]
    once = {"Winter sale": WINTER["Winter sale"][1:]}
    _, seasonal, [note] = windows(date(2020, 1, 8), once)
    assert not seasonal
    assert "last year had no such sale" in str(note)


def test_holidays_of_a_country_may_be_named_and_unknown_names_are_refused() -> None:
    british = CalendarParams(country="GB", holidays=("Easter", "Boxing Day"), sales={})
    calendar = ShopCalendar.of(british)
    assert calendar.holidays_in(date(2011, 12, 28)) == ("Boxing Day",)
    assert calendar.last_years_week(date(2011, 12, 28)) == date(2010, 12, 29)
    with pytest.raises(BadInput, match=r"choose of Easter, Midsummer, .*Boxing Day"):
        ShopCalendar.of(british.model_copy(update={"holidays": ("Pancake Day",)}))
    with pytest.raises(BadInput, match=r"others need monitor\.calendar\.country"):
        ShopCalendar.of(british.model_copy(update={"country": None}))
    with pytest.raises(BadInput, match="found: XX"):
        ShopCalendar.of(british.model_copy(update={"country": "XX"}))
    with pytest.raises(BadInput, match="GB-XX"):
        ShopCalendar.of(british.model_copy(update={"country": "GB-XX"}))


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    names = ("Easter Monday",)
    english = ShopCalendar.of(CalendarParams(country="GB-ENG", holidays=names, sales={}))
    assert english.holidays_in(date(2011, 4, 30)) == names
    with pytest.raises(BadInput, match="Easter Monday"):
        ShopCalendar.of(CalendarParams(country="GB", holidays=names, sales={}))


def test_a_sale_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Winter sale: its last day \(2019-12-01\) is before"):
        CalendarParams(
            country=None,
            holidays=(),
            sales={"Winter sale": ((date(2019, 12, 26), date(2019, 12, 1)),)},
        )
