"""Whether all days of a week have arrived, checked before the week is evaluated.

Late data are no drift, and somebody has to request them. Closed days inside the data are not
missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, PositiveFloat, PositiveInt

from hemline.engine.engine import Engine
from hemline.params import Section
from monitoring.daily_sales import WEEK, DailySales, read_daily_sales, year_before
from monitoring.shop_calendar import last_years_holiday, public_holidays


class FreshDataParams(Section):
    """When a day with few or no transactions counts as missing."""

    section: ClassVar[str] = "fresh_data"
    reference_weeks: PositiveInt
    min_usual_transactions: PositiveFloat
    min_day_share: Annotated[float, Field(ge=0, lt=1)]
    closed: tuple[date, ...]


@dataclass(frozen=True)
class CompletenessReport:
    """Which days of a week are missing from the transactions, and on which the shop was closed.

    Attributes:
        week_end: the first day after the week.
        missing: days of the week whose transactions have not arrived or are cut short.
        closed: days of the week without transactions that are not missing.
        closed_or_lost: those among the closed whose weekday usually sells.
        latest_day: the latest day with a transaction; None where there is none at all.
        summary: the same as a sentence.
        has_customers: whether anybody bought who is not a guest.
    """

    week_end: date
    missing: tuple[date, ...]
    closed: tuple[date, ...]
    closed_or_lost: tuple[date, ...]
    latest_day: date | None
    summary: str
    has_customers: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing of the week is still to come."""
        return not self.missing

    @property
    def is_closed(self) -> bool:
        """Whether the week is complete and no customer bought: then there is nothing to judge."""
        return self.is_complete and not self.has_customers

    @property
    def warning(self) -> str:
        """What somebody should check, as a sentence; empty where there is nothing."""
        if not self.closed_or_lost:
            return ""
        days = ", ".join(f"{day} ({day:%A})" for day in self.closed_or_lost)
        return (
            f"No transactions on {days}, although that weekday usually has some and later days "
            "have arrived: the shop was closed, or the delivery lost them."
        )


def check_completeness(
    engine: Engine,
    transactions: Path,
    week_end: date,
    params: FreshDataParams,
    country: str | None = None,
) -> CompletenessReport:
    """Return which days of [week_end - 7 days, week_end) are missing, and which are closed.

    A day is missing when

    - the transactions end before it, its weekday is one on which the shop sells, and nothing says
      that the shop is closed: it is not in params.closed, and the shop was open on the same date
      of the year before and on the day of the same public holiday, or nothing is known of that;
    - it is the last one there is and has less than params.min_day_share of the usual number, if
      that is params.min_usual_transactions or more.

    Every other day without transactions is closed; it is closed or lost where its weekday usually
    has params.min_usual_transactions or more, it is no public holiday, and nothing says that the
    shop is closed. The usual number is the median of the same weekday in the reference weeks
    before, without weeks in which nothing was sold.

    Args:
        engine: reads the tables.
        transactions: of customers; those of guests lie beside them, if there are any.
        week_end: the first day after the week.
        params: when a day counts as missing.
        country: whose public holidays the shop may close on, by its code; None: of none.
    """
    sales = read_daily_sales(engine, transactions, week_end)
    week = [week_end - timedelta(days=back) for back in range(WEEK.days, 0, -1)]
    missing = tuple(day for day in week if _is_missing(day, sales, params, country))
    closed = tuple(day for day in week if not sales.on(day) and day not in missing)
    unusual = tuple(day for day in closed if _is_doubtful(day, sales, params, country))
    has_customers = not sales.with_customers.isdisjoint(week)
    return CompletenessReport(
        week_end,
        missing,
        closed,
        unusual,
        sales.latest,
        _summary(week_end, missing, closed, sales, has_customers=has_customers),
        has_customers,
    )


def _is_missing(day: date, sales: DailySales, params: FreshDataParams, country: str | None) -> bool:
    usual = sales.usual(day, params.reference_weeks)
    if sales.latest is None or day > sales.latest:
        return (usual is None or usual > 0) and not _is_known_closed(day, sales, params, country)
    if day < sales.latest or usual is None or usual < params.min_usual_transactions:
        return False
    return sales.on(day) < params.min_day_share * usual


def _is_doubtful(
    day: date, sales: DailySales, params: FreshDataParams, country: str | None
) -> bool:
    """Return whether a day without sales before later ones may have been lost."""
    if country is not None and day in public_holidays(country, day.year):
        return False
    usual = sales.usual(day, params.reference_weeks)
    sells = usual is not None and usual >= params.min_usual_transactions
    return sells and not _is_known_closed(day, sales, params, country)


def _is_known_closed(
    day: date, sales: DailySales, params: FreshDataParams, country: str | None
) -> bool:
    before = [year_before(day), last_years_holiday(country, day)]
    return day in params.closed or any(
        one is not None and sales.was_closed(one, params.reference_weeks) for one in before
    )


def _summary(
    week_end: date,
    missing: Sequence[date],
    closed: Sequence[date],
    sales: DailySales,
    *,
    has_customers: bool,
) -> str:
    week = f"the week before {week_end}"
    if missing:
        days = ", ".join(f"{day} ({sales.on(day):,} transactions)" for day in missing)
        ends = "there are no transactions" if not sales.latest else f"they end on {sales.latest}"
        return f"{week} lacks transactions of {days}; {ends}"
    if len(closed) == WEEK.days:
        return f"{week} is closed: it has no transactions, and later days have"
    if not has_customers:
        return f"{week} is complete; only guests bought in it"
    days = ", ".join(map(str, closed))
    return f"{week} is complete; closed on {days}" if closed else f"{week} is complete"
