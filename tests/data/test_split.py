from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from hemline import columns, tables
from hemline.data.split import DataParams, latest_cut, select_purchases, weeks_of
from hemline.errors import BadInput

TRANSACTIONS = pd.DataFrame(
    [
        (date(2020, 9, 15), 1, 4, 0.2, 2),
        (date(2020, 9, 15), 1, 4, 0.4, 2),
        (date(2020, 9, 16), 0, 3, 0.1, 1),
        (date(2020, 9, 23), 0, 2, 0.1, 1),
    ],
    columns=[columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.PRICE, columns.CHANNEL],
)


@pytest.fixture
def transactions(tmp_path: Path) -> Path:
    path = tmp_path / "transactions.parquet"
    tables.write_table(TRANSACTIONS, path, tables.TRANSACTIONS)
    return path


def test_rows_of_one_day_are_units_of_one_purchase(transactions: Path) -> None:
    purchases = select_purchases(transactions, start=date(2020, 9, 1), end=date(2020, 9, 16))
    assert purchases[[columns.CUSTOMER, columns.ARTICLE, columns.UNITS]].to_numpy().tolist() == [
        [1, 4, 2]
    ]
    assert purchases[columns.PRICE].iloc[0] == pytest.approx((0.2 + 0.4) / 2)


def test_the_start_is_in_and_the_end_is_out(transactions: Path) -> None:
    purchases = select_purchases(transactions, start=date(2020, 9, 16), end=date(2020, 9, 23))
    assert purchases[columns.ARTICLE].tolist() == [3]


def test_a_span_outside_the_data_is_refused_with_the_span_of_the_data(transactions: Path) -> None:
    with pytest.raises(BadInput, match="2020-09-15 to 2020-09-23"):
        select_purchases(transactions, start=date(2021, 1, 1), end=date(2021, 1, 8))


def test_the_latest_cut_leaves_a_whole_test_week(transactions: Path) -> None:
    assert latest_cut(transactions, test_days=7) == date(2020, 9, 17)
    assert latest_cut(transactions, test_days=1) == date(2020, 9, 23)


def test_the_weeks_lie_around_the_cut() -> None:
    params = DataParams(as_of=date(2020, 9, 16), history_years=2, validation_days=7, test_days=7)
    weeks = weeks_of(params)
    assert weeks.history_start == date(2018, 9, 16)
    assert (weeks.validation_start, weeks.test_end) == (date(2020, 9, 9), date(2020, 9, 23))
