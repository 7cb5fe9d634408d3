"""A week near a moving holiday is like last year's week at the same distance from it."""

from datetime import date, timedelta

import pytest

from monitoring.holidays import HOLIDAYS, holidays_in, last_years_week

WEEK = timedelta(weeks=1)


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
    assert last_years_week(week_end) == like


def test_every_week_that_holds_a_holiday_is_like_one_that_held_it() -> None:
    ends = [date(2016, 1, 6) + n * WEEK for n in range(522)]  # ten years
    named = [end for end in ends if holidays_in(end)]
    assert len(named) == 10 * len(HOLIDAYS)
    for end in named:
        assert holidays_in(last_years_week(end)) == holidays_in(end)


def test_last_years_week_is_a_whole_number_of_weeks_before() -> None:
    for n in range(200):
        end = date(2019, 1, 3) + n * timedelta(days=3)
        weeks, rest = divmod(end - last_years_week(end), WEEK)
        assert rest == timedelta(0)
        assert 50 <= weeks <= 56
