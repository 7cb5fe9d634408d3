"""Which weeks are to be looked at, and whether a look counts or is a rehearsal.

A look that is only tried, and one at a week before the latest decision, has a log of its own, which
the next such look replaces.
"""

import shutil
from datetime import date, timedelta
from pathlib import Path

from flows.monitor_steps import WEEK, Log
from flows.project import Project
from hemline.data.split import DataParams
from hemline.engine.engine import Engine, open_engine
from hemline.errors import BadInput
from monitoring.completeness import latest_day


def weeks_wanted(
    project: Project, log: Log, week_end: date | None, *, is_expected: bool
) -> list[date]:
    """Return the weeks to look at, oldest first; BadInput where week_end is none of the data.

    Weeks begin on the weekday of those decided before, at first on that of data.cut.
    """
    decided = log.decisions["week_end"].tolist()
    anchor = decided[-1] if decided else DataParams.load(project.params).cut
    with open_engine(project.engine) as engine:
        latest = _latest_week(engine, project.root / project.tables, anchor)
    if week_end is None:
        return _weeks_due(latest, decided[-1] if decided else None, is_expected=is_expected)
    if week_end > latest or (latest - week_end) % WEEK:
        raise BadInput(
            "a week to look at lies in the transactions, and begins on the weekday of the others",
            found=f"week_end {week_end}, {week_end:%A}",
            fix=f"a {latest:%A} up to {latest}, the first day after the last week",
        )
    return [week_end]


def is_overtaken(week_end: date, log: Log) -> bool:
    """Return whether a later week is decided, so that acting on this one would come too late."""
    return any(decided > week_end for decided in log.decisions["week_end"])


def rehearsal(project: Project, week_end: date) -> Log:
    """Return a log that holds what the live one knew before a week, in place of earlier ones."""
    folder = project.monitoring / "rehearsal"
    shutil.rmtree(folder, ignore_errors=True)
    for kind in ("decisions", "verdicts", "performance"):
        (folder / kind).mkdir(parents=True)
        for record in (project.monitoring / kind).glob("*.parquet"):
            if record.stem < week_end.isoformat():
                shutil.copy(record, folder / kind)
    return Log(folder)


def _latest_week(engine: Engine, tables: Path, anchor: date) -> date:
    """Return the week_end of the last week whose seven days the transactions reach.

    Args:
        engine: what reads them.
        tables: folder of the tables.
        anchor: a day on whose weekday weeks begin.

    Raises:
        BadInput: there is no transaction at all.
    """
    last_day = latest_day(engine, tables / "transactions.parquet")
    if last_day is None:
        raise BadInput(
            f"{tables} holds transactions",
            found="none",
            fix="look at the files that stage acquire reads, then `dvc repro acquire`",
        )
    after = last_day + timedelta(days=1)
    return after - timedelta(days=(after - anchor).days % 7)


def _weeks_due(latest: date, last_decided: date | None, *, is_expected: bool) -> list[date]:
    """Return the week_end of the weeks that are to be looked at, oldest first, at least one.

    Args:
        latest: week_end of the last week of the data.
        last_decided: week_end of the latest decision; None at first: only the last week is due.
        is_expected: whether there should be a week that nobody has decided; without one that is
            the week after the last decision.

    >>> [str(day) for day in _weeks_due(date(2020, 9, 23), date(2020, 9, 9), is_expected=True)]
    ['2020-09-16', '2020-09-23']
    """
    if last_decided is None:
        return [latest]
    n_weeks = (latest - last_decided) // WEEK
    undecided = [last_decided + number * WEEK for number in range(1, n_weeks + 1)]
    return undecided or [last_decided + WEEK if is_expected else latest]
