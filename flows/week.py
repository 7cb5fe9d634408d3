"""What looking at one week comes to, live or replayed: verdicts, performance, decision, pages.

Everything is made of what was known before the week's as_of, so a week replayed gives what it gave
then. Records go where they are told to (`Log`); summaries and the champion's answers, which depend
on nothing but the data and are kept under their fingerprint, are shared.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flows.project import Project
from hemline.engine.engine import open_engine
from hemline.registry.versions import CHAMPION, load_champion, version_by_alias
from hemline.storefront import FORM
from monitoring.alerts.outbox import read_outbox
from monitoring.answers import Champion
from monitoring.dashboard.history import write_history_page
from monitoring.dashboard.week import write_week_page
from monitoring.decision import decide
from monitoring.journal import (
    DECISIONS,
    PERFORMANCE,
    VERDICTS,
    append_decision,
    read_all,
    write_once,
)
from monitoring.performance import measure_performance
from monitoring.recommendations import summarise_recommendations
from monitoring.season import expected_band, judge_week
from monitoring.summaries import kept_summaries
from monitoring.windows import MonitorParams, Windows, windows_for

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Log:
    """The records of the weeks that were looked at, in a folder of their own.

    Attributes:
        folder: holds decisions, verdicts, performance and pages.
    """

    folder: Path

    @property
    def decisions(self) -> pd.DataFrame:
        """Return every decision (DECISIONS), oldest week first."""
        return read_all(self.folder / "decisions", DECISIONS)

    @property
    def verdicts(self) -> pd.DataFrame:
        """Return every verdict (VERDICTS), oldest week first."""
        return read_all(self.folder / "verdicts", VERDICTS)

    @property
    def performance(self) -> pd.DataFrame:
        """Return the champion's number for every week (PERFORMANCE), oldest week first."""
        return read_all(self.folder / "performance", PERFORMANCE)

    @property
    def pages(self) -> Path:
        """Return the folder of the pages."""
        return self.folder / "pages"

    def page_of(self, as_of: date) -> Path:
        """Return where the page of a week is, or will be."""
        return self.pages / as_of.isoformat() / "index.html"

    def decision_of(self, as_of: date) -> Any:
        """Return the decision about a week as a row, or None where there is none yet."""
        decisions = self.decisions
        return next(decisions[decisions["as_of"] == as_of].itertuples(), None)


def champion_of_today() -> Champion | None:
    """Return the champion, or None where there is none that today's code reads."""
    version = version_by_alias(CHAMPION)
    return None if version is None or version.form != FORM else load_champion()


def summarise(project: Project, as_of: date, champion: Champion | None) -> pd.DataFrame:
    """Return SUMMARIES of all weeks up to this one, the champion's lists for the latest of them.

    A champion that was fitted on the week is not asked: it would answer from memory.
    """
    params = MonitorParams.load(project.params)
    tables = project.root / project.tables
    with open_engine(project.engine) as engine:
        kept = project.monitoring / "summaries"
        summaries = kept_summaries(engine, tables, kept, as_of, params)
        if champion is None or champion[0].as_of > as_of - WEEK:
            return summaries
        windows = windows_of(summaries, as_of, params)
        weeks = [span.end for span in (*windows.recent, windows.current)]
        answers = project.monitoring / "recommendations"
        asked = summarise_recommendations(engine, tables, weeks, champion, project.params, answers)
    return pd.concat([summaries, asked], ignore_index=True)


def windows_of(summaries: pd.DataFrame, as_of: date, params: MonitorParams) -> Windows:
    """Return which weeks the week is held against, as far as the summaries reach back."""
    return windows_for(as_of, summaries["as_of"].min() - WEEK, params)


def judge(project: Project, log: Log, as_of: date, summaries: pd.DataFrame) -> None:
    """Put the week's verdicts on record."""
    verdicts = judge_week(summaries, as_of, MonitorParams.load(project.params))
    write_once(log.folder / "verdicts", as_of, verdicts, VERDICTS)


def measure(project: Project, log: Log, as_of: date, champion: Champion | None) -> None:
    """Put the champion's number for the week on record."""
    tables, answers = project.root / project.tables, project.monitoring / "recommendations"
    with open_engine(project.engine) as engine:
        row = measure_performance(engine, tables, as_of, champion, project.params, answers)
    unread = version_by_alias(CHAMPION) if champion is None else None
    if unread is not None:
        note = f"champion {unread.number} has form {unread.form}, this code reads {FORM}: train"
        row = row.assign(note=note)
    write_once(log.folder / "performance", as_of, row, PERFORMANCE)


def conclude(
    project: Project, log: Log, as_of: date, summaries: pd.DataFrame, model_age_days: int | None
) -> Any:
    """Decide about the week from what is on record, and return the decision that counts.

    That is the first one: a second look at the same week never changes it. Weeks before it that
    nobody looked at are judged for the purpose, from what was known at their own time.
    """
    params = MonitorParams.load(project.params)
    kept = log.verdicts
    before = [as_of - weeks * WEEK for weeks in range(params.out_of_weeks - 1, 0, -1)]
    missing = [week for week in before if week not in set(kept["as_of"])]
    judged = [_judged_then(summaries, week, params) for week in missing]
    decision = decide(
        as_of,
        pd.concat([kept, *judged], ignore_index=True),
        log.decisions,
        log.performance,
        model_age_days,
        params,
    )
    append_decision(log.folder / "decisions", asdict(decision), decided_at=datetime.now(tz=UTC))
    return log.decision_of(as_of)


def draw(
    project: Project,
    log: Log,
    as_of: date,
    summaries: pd.DataFrame,
    *,
    links: Mapping[str, str],
    today: date,
) -> None:
    """Write the week's page and the page of all weeks."""
    params = MonitorParams.load(project.params)
    decisions, verdicts, performance = log.decisions, log.verdicts, log.performance
    summaries = summaries[summaries["as_of"] <= as_of]
    write_week_page(
        log.pages,
        as_of,
        decisions=decisions,
        verdicts=verdicts,
        performance=performance,
        band=expected_band(summaries, as_of, params),
        note=windows_of(summaries, as_of, params).note,
        links_out=links,
    )
    write_history_page(
        log.pages,
        decisions=decisions,
        verdicts=verdicts,
        performance=performance,
        alerts=read_outbox(log.folder / "alerts"),
        links_out=links,
        today=today,
    )


def _judged_then(summaries: pd.DataFrame, as_of: date, params: MonitorParams) -> pd.DataFrame:
    known = summaries[summaries["as_of"] <= as_of]
    if known.empty or known["as_of"].max() < as_of:
        return pd.DataFrame(columns=VERDICTS.names)
    return judge_week(known, as_of, params)
