"""Which weeks a run evaluates, and where a dry run keeps its records.

A dry run, and a run of a week before the latest decision, has records of its own, which the next
such run replaces.
"""

import shutil
from datetime import date, timedelta
from pathlib import Path

from prefect import get_run_logger

from flows.monitor_steps import WEEK
from flows.project import Project
from hemline.data.split import DataParams
from hemline.engine.engine import open_engine
from hemline.errors import BadInput
from monitoring.completeness import FreshDataParams, check_completeness
from monitoring.daily_sales import read_daily_sales
from monitoring.monitor_params import MonitorParams
from monitoring.records import MonitorRecords, RunKind


def weeks_to_evaluate(
    project: Project, records: MonitorRecords, week_end: date | None, *, is_expected: bool
) -> list[date]:
    """Return the weeks to evaluate, oldest first; weeks in which the shop was closed are left out.

    Weeks begin on the weekday of those decided before, at first on that of data.cut.

    Raises:
        BadInput: the data hold no week that ends before week_end, or nothing was sold in it.
    """
    decided = records.decisions["week_end"].tolist()
    anchor = decided[-1] if decided else DataParams.load(project.params).cut
    latest = _latest_week(project, anchor)
    if week_end is None:
        last_decided = decided[-1] if decided else None
        due = _weeks_due(latest, last_decided, is_expected=is_expected)
        closed = _closed_weeks(project, due)
        for summary in closed.values():
            get_run_logger().warning("skipped: %s", summary)
        return [week for week in due if week not in closed]
    if week_end > latest or (latest - week_end) % WEEK:
        raise BadInput(
            "week_end is the first day after a week of the transactions, on the usual weekday",
            found=f"{week_end}, a {week_end:%A}",
            fix=f"pass a {latest:%A} up to {latest}, the first day after the last week",
        )
    for summary in _closed_weeks(project, [week_end]).values():
        raise BadInput(
            "something was sold in a week that is monitored",
            found=summary,
            fix="pass the end of another week; if the shop was open, deliver the transactions",
        )
    return [week_end]


def is_overtaken(week_end: date, records: MonitorRecords) -> bool:
    """Return whether a later week is decided, so that acting on this one would come too late."""
    return any(decided > week_end for decided in records.decisions["week_end"])


def dry_run_records(project: Project, week_end: date) -> MonitorRecords:
    """Return records for a dry run: a copy of the live ones as they were before a week."""
    folder = project.monitoring / "dry-run"
    shutil.rmtree(folder, ignore_errors=True)
    for kind in ("decisions", "verdicts", "performance"):
        (folder / kind).mkdir(parents=True)
        for record in (project.monitoring / kind).glob("*.parquet"):
            if record.stem < week_end.isoformat():
                shutil.copy(record, folder / kind)
    return MonitorRecords(folder, RunKind.DRY_RUN)


def _closed_weeks(project: Project, weeks: list[date]) -> dict[date, str]:
    """Return, by week_end, a sentence on each week without sales before later sales."""
    fresh = FreshDataParams.load(project.params)
    country = MonitorParams.load(project.params).calendar.country
    with open_engine(project.engine) as engine:
        reports = [
            check_completeness(engine, _sales(project), week, fresh, country) for week in weeks
        ]
    return {report.week_end: report.summary for report in reports if report.is_closed}


def _sales(project: Project) -> Path:
    return project.root / project.tables / "transactions.parquet"


def _latest_week(project: Project, anchor: date) -> date:
    """Return the week_end of the last week whose seven days the transactions reach.

    Closing days of the week that follow the last transactions count as reached.

    Args:
        project: whose transactions are read.
        anchor: a day on whose weekday weeks begin.

    Raises:
        BadInput: there is no transaction at all.
    """
    fresh = FreshDataParams.load(project.params)
    with open_engine(project.engine) as engine:
        sales = read_daily_sales(engine, _sales(project))
    last_day = sales.known_through(fresh.reference_weeks)
    if last_day is None:
        raise BadInput(
            f"{_sales(project)} holds transactions",
            found="none",
            fix="check the files that stage acquire reads, then run `dvc repro acquire`",
        )
    after = last_day + timedelta(days=1)
    return after - timedelta(days=(after - anchor).days % 7)


def _weeks_due(latest: date, last_decided: date | None, *, is_expected: bool) -> list[date]:
    """Return the week_end of the weeks that are due, oldest first, at least one.

    Args:
        latest: week_end of the last week of the data.
        last_decided: week_end of the latest decision; None at first: only the last week is due.
        is_expected: whether there should be an undecided week; if the data hold none, the week
            after the last decision is returned, so that its lateness is noticed.

    >>> [str(day) for day in _weeks_due(date(2020, 9, 23), date(2020, 9, 9), is_expected=True)]
    ['2020-09-16', '2020-09-23']
    """
    if last_decided is None:
        return [latest]
    n_weeks = (latest - last_decided) // WEEK
    undecided = [last_decided + number * WEEK for number in range(1, n_weeks + 1)]
    return undecided or [last_decided + WEEK if is_expected else latest]
