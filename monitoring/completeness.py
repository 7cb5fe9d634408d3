"""Whether a week's data are complete and keep the rules, checked before they are evaluated.

Completeness comes first: late data are no drift, and somebody has to request them. Closed days
inside the data are not missing. Then the project's rules are checked on the week alone, because in
two years of data one broken week goes unnoticed (1 % of a week's prices are 0.01 % of the rows).

A single week cannot keep every rule as it stands. The rules about the number of rows and about days
without sales in the whole span are left out; that the week reaches its last day is checked before.
Limits that are a share are widened by what chance does with this few rows. The price: rows without
a day belong to no week, and only the validation of whole tables sees them.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import narwhals as nw
import pyarrow.parquet as pq
from pydantic import Field, PositiveFloat, PositiveInt
from scipy.stats import binom

from hemline import columns, tables
from hemline.engine.engine import Engine, EngineParams, open_engine
from hemline.params import Section
from monitoring.daily_sales import WEEK, DailySales, read_daily_sales, year_before
from monitoring.shop_calendar import last_years_holiday, public_holidays

if TYPE_CHECKING:
    from hemline.data.expectations.checkpoint import Finding
    from hemline.data.expectations.rule import Rule
    from hemline.data.expectations.thresholds import ValidateParams

_GAPS: Final = "missing_days"  # what only the rule about days of the whole span reads
_BY_CHANCE: Final = 1e-4  # how often a week breaks a limit that equals its true share


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


def check_week(
    engine: EngineParams,
    table_folder: Path,
    week_end: date,
    params: "ValidateParams",
    report: Path,
    *,
    is_kaggle: bool = True,
) -> "list[Finding]":
    """Return a finding per rule about the week's transactions and the articles and customers in it.

    Writes report/index.html and report/summary.json.

    Args:
        engine: cuts the week out; DuckDB checks the rules, as a week fits on one machine.
        table_folder: the tables of acquire.
        week_end: the first day after the week, which holds transactions.
        params: section `validate`.
        report: folder, its pages replaced.
        is_kaggle: see rules.list_rules.
    """
    # Great Expectations takes seconds to import.
    from hemline.data.expectations.checkpoint import check_tables  # noqa: PLC0415
    from hemline.data.expectations.validation_report import write_report, write_summary  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        with open_engine(engine) as opened:
            n_rows = _cut_out(opened, table_folder, week_end, Path(folder))
        rules = week_rules(params, week_end, n_rows, is_kaggle=is_kaggle)
        here = engine.model_copy(update={"name": "duckdb"})
        findings = check_tables(here, Path(folder), rules, run_day=week_end)
    shutil.rmtree(report / "docs", ignore_errors=True)  # of versions that wrote Data Docs
    write_summary(findings, report / "summary.json")
    write_report(findings, report)
    return findings


def week_rules(
    params: "ValidateParams", week_end: date, n_rows: dict[str, int], *, is_kaggle: bool = True
) -> "list[Rule]":
    """Return the rules that a single week can keep; n_rows is the number of its rows by table."""
    from hemline.data.expectations.rule import reaches  # noqa: PLC0415  (as above)
    from hemline.data.expectations.rules import list_rules  # noqa: PLC0415  (as above)

    null_shares = {
        table: {name: _widened(share, n_rows[table]) for name, share in shares.items()}
        for table, shares in params.max_null_share.items()
    }
    repeated_share = _widened(params.max_repeated_share, n_rows["transactions"])
    adapted = params.model_copy(
        update={
            "min_rows": {},
            "max_null_share": null_shares,
            "max_repeated_share": repeated_share,
        }
    )
    last_day = week_end - timedelta(days=1)
    rules = list_rules(adapted, needed_through=last_day, is_kaggle=is_kaggle)
    arrived = reaches(last_day).rule
    return [rule for rule in rules if rule.rule != arrived and _GAPS not in rule.rows]


def broken_rules(findings: "Sequence[Finding]") -> list[str]:
    """Return a sentence per broken rule: the rule, how many rows break it, and an example."""
    return [_broken(finding) for finding in findings if not finding.passed]


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


def _cut_out(engine: Engine, table_folder: Path, week_end: date, folder: Path) -> dict[str, int]:
    """Write the week as a folder of tables; return the rows of articles, customers, transactions.

    The transactions are ordered, by which the rules find repeated rows.
    """
    day, first = nw.col(columns.DAY), week_end - WEEK
    week = engine.read(table_folder / "transactions.parquet").filter(day >= first, day < week_end)
    schema = tables.transactions_schema(week.collect_schema().names())
    path = folder / "transactions.parquet"
    engine.write(week, path, schema, order_by=schema.names)
    for name, (noun, schema) in _TABLES.items():
        rows = engine.read(table_folder / f"{name}.parquet").join(week, on=noun, how="semi")
        engine.write(rows, folder / f"{name}.parquet", schema, order_by=[noun])
    counted = ("articles", "customers", "transactions")
    return {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in counted}


_TABLES: Final = {
    "articles": (columns.ARTICLE, tables.ARTICLES),
    "article_keys": (columns.ARTICLE, tables.ARTICLE_KEYS),
    "customers": (columns.CUSTOMER, tables.CUSTOMERS),
    "customer_keys": (columns.CUSTOMER, tables.CUSTOMER_KEYS),
}


def _widened(limit: float, n_rows: int) -> float:
    """Return the share that n_rows of a table whose true share is the limit hardly ever exceed.

    >>> _widened(0.05, 100), _widened(0.0, 100)
    (0.15, 0.0)
    """
    if limit in {0, 1} or n_rows == 0:
        return limit
    return float(binom.ppf(1 - _BY_CHANCE, n_rows, limit)) / n_rows


def _broken(finding: "Finding") -> str:
    rule = finding.rule
    sentence = (
        f"{rule.table}.{rule.column}: {rule.rule}; "
        f"{finding.n_unexpected:,} of {finding.n_checked:,} rows break it"
    )
    example = ", ".join(
        f"{name} {value}" for row in finding.samples[:1] for name, value in row.items()
    )
    return f"{sentence}, for example {example}" if example else sentence
