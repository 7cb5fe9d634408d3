"""A late week is refused by name; a quiet or closed day is not late.

The end of the data can be incomplete; days without sales before it are closed.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from hemline import columns, tables
from hemline.engine.engine import Engine
from monitoring.completeness import CompletenessReport, FreshDataParams, check_completeness
from monitoring.daily_sales import read_daily_sales
from tests.tiny_project import REPOSITORY

WEEK_END = date(2020, 9, 16)
START = WEEK_END - timedelta(weeks=1)
PARAMS = FreshDataParams.load(REPOSITORY / "params.yaml")
USUAL = 80


def completeness_of(
    engine: Engine,
    folder: Path,
    n_rows: Callable[[date], int],
    *,
    first: date = WEEK_END - timedelta(weeks=6),
    until: date = WEEK_END,
    closed: tuple[date, ...] = (),
    guests: Callable[[date], int] | None = None,
    week_end: date = WEEK_END,
    country: str | None = None,
) -> CompletenessReport:
    """Return the report on a shop with this many transactions a day, known up to `until`."""
    days = pd.date_range(first, until - timedelta(days=1)).date
    sold = [day for day in days for _ in range(n_rows(day))]
    rows = pd.DataFrame({columns.DAY: sold}, dtype=object)
    for name in (columns.CUSTOMER, columns.ARTICLE, columns.PRICE, columns.CHANNEL):
        rows[name] = 1
    path = folder / "transactions.parquet"
    tables.write_table(rows, path, tables.TRANSACTIONS)
    if guests:
        sold = [day for day in days for _ in range(guests(day))]
        of_guests = pd.DataFrame({columns.DAY: sold}, dtype=object)
        for name in tables.GUEST_SALES.names[1:]:
            of_guests[name] = 1
        tables.write_table(of_guests, folder / "guest_sales.parquet", tables.GUEST_SALES)
    params = PARAMS.model_copy(update={"closed": closed})
    return check_completeness(engine, path, week_end, params, country)


def usually(exceptions: Mapping[date, int]) -> Callable[[date], int]:
    return lambda day: exceptions.get(day, USUAL)


def test_a_week_with_sales_every_day_is_complete(on_duckdb: Engine, tmp_path: Path) -> None:
    seen = completeness_of(on_duckdb, tmp_path, usually({}))
    assert seen.is_complete
    assert seen.latest_day == WEEK_END - timedelta(days=1)
    assert seen.summary == "the week before 2020-09-16 is complete"


def test_data_that_end_before_the_week_does_are_late_and_the_sentence_says_which_days(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    seen = completeness_of(on_duckdb, tmp_path, usually({}), until=WEEK_END - timedelta(days=2))
    assert seen.missing == (date(2020, 9, 14), date(2020, 9, 15))
    assert seen.latest_day == date(2020, 9, 13)
    assert "2020-09-14 (0 transactions), 2020-09-15 (0 transactions)" in seen.summary
    assert "they end on 2020-09-13" in seen.summary


def test_a_closed_day_before_later_days_is_not_missing_and_is_named_once_as_closed_or_lost(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    hole = START + timedelta(days=2)
    seen = completeness_of(on_duckdb, tmp_path, usually({hole: 0}))
    assert seen.is_complete
    assert seen.closed == seen.closed_or_lost == (hole,)
    assert seen.summary == f"the week before 2020-09-16 is complete; closed on {hole}"
    assert f"No transactions on {hole} (Friday)" in seen.warning
    assert "closed, or the delivery lost them" in seen.warning


@pytest.mark.parametrize("weekday", range(7))
def test_a_weekday_that_is_always_closed_is_complete_without_a_warning_wherever_it_lies(
    on_duckdb: Engine, tmp_path: Path, weekday: int
) -> None:
    seen = completeness_of(
        on_duckdb, tmp_path, lambda day: 0 if day.weekday() == weekday else USUAL
    )
    assert seen.is_complete
    assert not seen.warning
    assert [day.weekday() for day in seen.closed] == [weekday]


def test_a_weekday_that_closes_from_now_on_is_doubted_until_it_is_usual(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    def doubted(n_closed: int) -> bool:
        closed = [START + timedelta(days=4) - timedelta(weeks=back) for back in range(n_closed)]
        seen = completeness_of(on_duckdb, tmp_path, usually(dict.fromkeys(closed, 0)))
        assert seen.is_complete
        return bool(seen.warning)

    assert [doubted(n_closed) for n_closed in (1, 2, 3, 4, 5)] == [True, True, False, False, False]


def test_a_closed_last_day_is_waited_for_until_later_days_arrive(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    christmas = WEEK_END - timedelta(days=1)
    before = completeness_of(on_duckdb, tmp_path, usually({}), until=christmas)
    assert before.missing == (christmas,)
    after = completeness_of(
        on_duckdb, tmp_path, usually({christmas: 0}), until=WEEK_END + timedelta(days=1)
    )
    assert after.is_complete
    assert after.closed == (christmas,)


def test_a_last_day_that_is_declared_closed_is_not_waited_for(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    christmas = WEEK_END - timedelta(days=1)
    report = completeness_of(on_duckdb, tmp_path, usually({}), until=christmas, closed=(christmas,))
    assert report.is_complete
    assert report.closed == (christmas,)
    assert not report.warning


def test_a_last_day_that_was_closed_a_year_before_is_not_waited_for(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    christmas, first = WEEK_END - timedelta(days=1), WEEK_END - timedelta(weeks=58)
    year_before = christmas.replace(year=christmas.year - 1)
    learnt = completeness_of(
        on_duckdb, tmp_path, usually({year_before: 0}), first=first, until=christmas
    )
    assert learnt.closed == (christmas,)
    assert not learnt.warning
    open_then = completeness_of(on_duckdb, tmp_path, usually({}), first=first, until=christmas)
    assert open_then.missing == (christmas,)


LABOUR_DAY = date(2020, 9, 7)  # a Monday; it was 2 September the year before


@pytest.mark.parametrize(("country", "is_doubted"), [("US", False), (None, True)])
def test_a_public_holiday_without_sales_is_closed_and_not_doubted(
    on_duckdb: Engine, tmp_path: Path, country: str | None, is_doubted: bool
) -> None:
    report = completeness_of(on_duckdb, tmp_path, usually({LABOUR_DAY: 0}), country=country,
                             week_end=LABOUR_DAY + timedelta(2), until=WEEK_END)  # fmt: skip
    assert report.closed == (LABOUR_DAY,)
    assert bool(report.warning) == is_doubted


@pytest.mark.parametrize(("closed_then", "is_waited_for"), [(True, False), (False, True)])
def test_a_public_holiday_at_the_end_is_waited_for_where_the_shop_opened_on_it_last_year(
    on_duckdb: Engine, tmp_path: Path, closed_then: bool, is_waited_for: bool
) -> None:
    year_before = date(2019, 9, 2)
    report = completeness_of(
        on_duckdb,
        tmp_path,
        usually({year_before: 0} if closed_then else {}),
        first=WEEK_END - timedelta(weeks=58),
        until=LABOUR_DAY,
        week_end=LABOUR_DAY + timedelta(days=1),
        country="US",
    )
    assert report.missing == ((LABOUR_DAY,) if is_waited_for else ())


def test_a_closing_weekday_of_last_year_says_nothing_about_the_date(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    last, first = WEEK_END - timedelta(days=1), WEEK_END - timedelta(weeks=58)
    weekday = last.replace(year=last.year - 1).weekday()
    closes = completeness_of(
        on_duckdb,
        tmp_path,
        lambda day: 0 if day.weekday() == weekday else USUAL,
        first=first,
        until=last,
    )
    assert closes.missing == (last,)


def test_a_week_without_sales_is_closed_once_later_days_have_arrived_and_late_before(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    late = completeness_of(on_duckdb, tmp_path, usually({}), until=START)
    assert len(late.missing) == 7
    assert not late.is_closed
    lockdown = {START + timedelta(days=days): 0 for days in range(7)}
    seen = completeness_of(
        on_duckdb, tmp_path, usually(lockdown), until=WEEK_END + timedelta(days=2)
    )
    assert seen.is_closed
    assert seen.is_complete
    assert "is closed: it has no transactions, and later days have" in seen.summary


def test_after_six_weeks_of_lockdown_data_that_end_too_early_are_missing_all_the_same(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    def reopened(day: date) -> int:
        return 0 if START - timedelta(weeks=6) <= day < START else USUAL

    first = WEEK_END - timedelta(weeks=14)
    whole = completeness_of(on_duckdb, tmp_path, reopened, first=first)
    assert whole.summary == "the week before 2020-09-16 is complete"
    short = completeness_of(
        on_duckdb, tmp_path, reopened, first=first, until=WEEK_END - timedelta(days=2)
    )
    assert short.missing == (date(2020, 9, 14), date(2020, 9, 15))


def test_the_closing_day_of_the_week_after_the_last_sales_is_known(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    sunday = date(2020, 9, 13)

    def known_through(n_rows: Callable[[date], int]) -> date | None:
        completeness_of(on_duckdb, tmp_path, n_rows, until=sunday)
        sales = read_daily_sales(on_duckdb, tmp_path / "transactions.parquet")
        return sales.known_through(PARAMS.reference_weeks)

    assert known_through(lambda day: 0 if day.weekday() == sunday.weekday() else USUAL) == sunday
    assert known_through(usually({})) == sunday - timedelta(days=1)


def test_of_no_data_nothing_is_known(on_duckdb: Engine, tmp_path: Path) -> None:
    completeness_of(on_duckdb, tmp_path, lambda _: 0)
    sales = read_daily_sales(on_duckdb, tmp_path / "transactions.parquet")
    assert sales.known_through(PARAMS.reference_weeks) is None


def test_a_last_day_cut_short_is_missing_but_a_slow_day_before_it_is_not(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    last, slow = WEEK_END - timedelta(days=1), START + timedelta(days=1)
    assert completeness_of(on_duckdb, tmp_path, usually({last: 7, slow: 7})).missing == (last,)
    assert completeness_of(
        on_duckdb, tmp_path, usually({last: 9})
    ).is_complete  # 8 is a tenth of 80


def test_a_day_on_which_guests_alone_bought_is_neither_closed_nor_lost(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    quiet = START + timedelta(days=2)
    report = completeness_of(on_duckdb, tmp_path, usually({quiet: 0}), guests=lambda _: 40)
    assert (report.closed, report.warning, report.is_closed) == ((), "", False)
    last = WEEK_END - timedelta(days=1)
    report = completeness_of(on_duckdb, tmp_path, usually({last: 0}), guests=lambda _: 40)
    assert report.is_complete
    assert report.latest_day == last


def test_a_week_in_which_guests_alone_bought_has_nothing_to_judge(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    week = {START + timedelta(days=day): 0 for day in range(7)}
    report = completeness_of(
        on_duckdb, tmp_path, usually(week), until=WEEK_END + timedelta(1), guests=lambda _: 40
    )
    assert report.is_closed
    assert report.summary == f"the week before {WEEK_END} is complete; only guests bought in it"


def test_the_weekday_on_which_the_shop_is_closed_is_not_waited_for(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    closed = WEEK_END - timedelta(days=1)
    assert completeness_of(
        on_duckdb, tmp_path, lambda day: 0 if day.weekday() == closed.weekday() else USUAL
    ).is_complete


def test_a_small_shop_may_sell_nothing_on_a_day(on_duckdb: Engine, tmp_path: Path) -> None:
    quiet = START + timedelta(days=3)
    assert completeness_of(on_duckdb, tmp_path, lambda day: 0 if day == quiet else 2).is_complete


def test_of_a_shop_without_data_every_day_is_missing(on_duckdb: Engine, tmp_path: Path) -> None:
    seen = completeness_of(on_duckdb, tmp_path, lambda _: 0)
    assert len(seen.missing) == 7
    assert seen.latest_day is None
    assert "there are no transactions" in seen.summary
