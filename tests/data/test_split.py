from datetime import date
from pathlib import Path

from hemline.data.split import DataParams, weeks_of


def test_the_weeks_lie_around_the_cut() -> None:
    params = DataParams(cut=date(2020, 9, 16), history_years=2, validation_days=7, test_days=7)
    weeks = weeks_of(params)
    assert weeks.history_start == date(2018, 9, 16)
    assert (weeks.validation_start, weeks.test_end) == (date(2020, 9, 9), date(2020, 9, 23))


def test_the_params_of_a_version_registered_before_the_rename_still_load(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(
        "data: {as_of: 2020-09-16, history_years: 2, validation_days: 7, test_days: 7}\n",
        encoding="utf-8",
    )
    assert DataParams.load(params).cut == date(2020, 9, 16)


def test_the_week_of_a_cut_and_the_cut_of_a_week_are_each_others_inverse() -> None:
    params = DataParams(cut=date(2020, 9, 16), history_years=2, validation_days=7, test_days=7)
    assert params.week_end == date(2020, 9, 23)
    assert params.cut_before(params.week_end) == params.cut
