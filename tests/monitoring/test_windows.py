"""The weeks that a week is compared with, and the note when some are missing."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from monitoring.monitor_params import MonitorParams
from monitoring.windows import Span, windows_for

PARAMS = MonitorParams.load(Path("params.yaml"))
WEEK = timedelta(weeks=1)
WEEK_END = date(2020, 3, 4)
LONG_AGO = date(2018, 1, 1)
FIRST_YEAR = "the data hold less than a year of history, so seasons are unknown"


def test_the_recent_weeks_leave_out_the_last_one() -> None:
    windows = windows_for(WEEK_END, LONG_AGO, PARAMS)
    assert windows.current == Span(date(2020, 2, 26), WEEK_END)
    assert len(windows.recent) == PARAMS.reference_weeks
    assert windows.recent[-1].end == WEEK_END - (1 + PARAMS.gap_weeks) * WEEK
    assert not windows.note


def test_the_season_is_the_same_week_of_last_year_and_its_neighbours() -> None:
    seasonal = windows_for(WEEK_END, LONG_AGO, PARAMS).seasonal
    assert [span.end for span in seasonal] == [WEEK_END - weeks * WEEK for weeks in (53, 52, 51)]


def test_a_holiday_is_compared_with_itself_alone() -> None:
    after_easter = windows_for(date(2020, 4, 15), LONG_AGO, PARAMS)
    assert [span.end for span in after_easter.seasonal] == [date(2019, 4, 24)]


def test_a_neighbour_that_holds_a_holiday_is_left_out() -> None:
    ends = [span.end for span in windows_for(date(2020, 4, 8), LONG_AGO, PARAMS).seasonal]
    assert ends == [date(2019, 4, 10), date(2019, 4, 17)]


@pytest.mark.parametrize(
    ("first_day", "note"),
    [
        (
            WEEK_END - 3 * WEEK,
            f"the data hold 1 of the 6 recent weeks; {FIRST_YEAR}",
        ),
        (WEEK_END - 20 * WEEK, FIRST_YEAR),
        (WEEK_END - 56 * WEEK, "67% of last year's weeks lie before the data"),
    ],
)
def test_missing_history_is_noted(first_day: date, note: str) -> None:
    windows = windows_for(WEEK_END, first_day, PARAMS)
    assert windows.note == note
    known = [*windows.recent, *windows.seasonal, *windows.seasonal_recent]
    assert all(span.first >= first_day for span in known)


def test_a_plain_week_is_not_compared_with_last_years_easter() -> None:
    seasonal = windows_for(date(2020, 4, 22), date(2018, 9, 20), PARAMS).seasonal
    assert seasonal
    assert not any(span.first <= date(2019, 4, 21) < span.end for span in seasonal)


def test_more_weeks_to_confirm_than_are_evaluated_are_refused() -> None:
    with pytest.raises(ValueError, match="confirm_weeks"):
        MonitorParams(**{**PARAMS.model_dump(), "confirm_weeks": 4, "out_of_weeks": 3})


def test_no_window_reaches_into_the_week_or_past_it() -> None:
    windows = windows_for(WEEK_END, LONG_AGO, PARAMS)
    for span in (*windows.recent, *windows.seasonal, *windows.seasonal_recent):
        assert span.end <= windows.current.first
