from datetime import date

from hemline.data.split import DataParams, weeks_of


def test_the_weeks_lie_around_the_cut() -> None:
    params = DataParams(cut=date(2020, 9, 16), history_years=2, validation_days=7, test_days=7)
    weeks = weeks_of(params)
    assert weeks.history_start == date(2018, 9, 16)
    assert (weeks.validation_start, weeks.test_end) == (date(2020, 9, 9), date(2020, 9, 23))
