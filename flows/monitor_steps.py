"""What looking at one week comes to, live or replayed: verdicts, performance, decision, pages.

Everything is made of what was known before week_end, so a week replayed gives what it gave then.
Records go where they are told to (`Log`); summaries and the champion's answers, which depend
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
from hemline.storefront import FORMAT_VERSION
from monitoring.alerts.alert_delivery import read_alerts
from monitoring.champion_lists import Champion
from monitoring.dashboard.history_page import write_history_page
from monitoring.dashboard.week_page import write_week_page
from monitoring.decision import decide
from monitoring.monitor_params import MonitorParams
from monitoring.performance import measure_performance
from monitoring.recommendations import summarise_recommendations
from monitoring.records import (
    DECISION_SCHEMA,
    PERFORMANCE_SCHEMA,
    VERDICT_SCHEMA,
    append_decision,
    read_all,
    write_once,
)
from monitoring.summary_cache import cached_summaries
from monitoring.verdicts import expected_band, judge_week
from monitoring.windows import Windows, windows_for

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
        """Return every decision (DECISION_SCHEMA), oldest week first."""
        return read_all(self.folder / "decisions", DECISION_SCHEMA)

    @property
    def verdicts(self) -> pd.DataFrame:
        """Return every verdict (VERDICT_SCHEMA), oldest week first."""
        return read_all(self.folder / "verdicts", VERDICT_SCHEMA)

    @property
    def performance(self) -> pd.DataFrame:
        """Return the champion's number for every week (PERFORMANCE_SCHEMA), oldest week first."""
        return read_all(self.folder / "performance", PERFORMANCE_SCHEMA)

    @property
    def pages(self) -> Path:
        """Return the folder of the pages."""
        return self.folder / "pages"

    def page_of(self, week_end: date) -> Path:
        """Return where the page of a week is, or will be."""
        return self.pages / week_end.isoformat() / "index.html"

    def decision_of(self, week_end: date) -> Any:
        """Return the decision about a week as a row, or None where there is none yet."""
        decisions = self.decisions
        return next(decisions[decisions["week_end"] == week_end].itertuples(), None)


def champion_of_today() -> Champion | None:
    """Return the champion, or None where there is none that today's code reads."""
    version = version_by_alias(CHAMPION)
    return load_champion() if version is not None and version.is_readable else None


def summarise(project: Project, week_end: date, champion: Champion | None) -> pd.DataFrame:
    """Return SUMMARIES of all weeks up to this one, the champion's lists for the latest of them.

    A champion that was fitted on the week is not asked: it would answer from memory.
    """
    params = MonitorParams.load(project.params)
    tables = project.root / project.tables
    with open_engine(project.engine) as engine:
        kept = project.monitoring / "summaries"
        summaries = cached_summaries(engine, tables, kept, week_end, params)
        if champion is None or champion[0].cut > week_end - WEEK:
            return summaries
        windows = windows_of(summaries, week_end, params)
        weeks = [span.end for span in (*windows.recent, windows.current)]
        answers = project.monitoring / "recommendations"
        asked = summarise_recommendations(engine, tables, weeks, champion, project.params, answers)
    return pd.concat([summaries, asked], ignore_index=True)


def windows_of(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> Windows:
    """Return which weeks the week is held against, as far as the summaries reach back."""
    return windows_for(week_end, summaries["week_end"].min() - WEEK, params)


def judge(project: Project, log: Log, week_end: date, summaries: pd.DataFrame) -> None:
    """Put the week's verdicts on record."""
    verdicts = judge_week(summaries, week_end, MonitorParams.load(project.params))
    write_once(log.folder / "verdicts", week_end, verdicts, VERDICT_SCHEMA)


def measure(project: Project, log: Log, week_end: date, champion: Champion | None) -> None:
    """Put the champion's number for the week on record."""
    tables, answers = project.root / project.tables, project.monitoring / "recommendations"
    with open_engine(project.engine) as engine:
        row = measure_performance(engine, tables, week_end, champion, project.params, answers)
    unread = version_by_alias(CHAMPION) if champion is None else None
    if unread is not None:
        note = (
            f"champion {unread.number} has format version {unread.format_version}, this code reads "
            f"{FORMAT_VERSION}: train a new version"
        )
        row = row.assign(note=note)
    write_once(log.folder / "performance", week_end, row, PERFORMANCE_SCHEMA)


def conclude(
    project: Project, log: Log, week_end: date, summaries: pd.DataFrame, model_age_days: int | None
) -> Any:
    """Decide about the week from what is on record, and return the decision that counts.

    That is the first one: a second look at the same week never changes it. Weeks before it that
    nobody looked at are judged for the purpose, from what was known at their own time.
    """
    params = MonitorParams.load(project.params)
    kept = log.verdicts
    before = [week_end - weeks * WEEK for weeks in range(params.out_of_weeks - 1, 0, -1)]
    missing = [week for week in before if week not in set(kept["week_end"])]
    judged = [_judged_then(summaries, week, params) for week in missing]
    decision = decide(
        week_end,
        pd.concat([kept, *judged], ignore_index=True),
        log.decisions,
        log.performance,
        model_age_days,
        params,
    )
    append_decision(log.folder / "decisions", asdict(decision), decided_at=datetime.now(tz=UTC))
    return log.decision_of(week_end)


def draw(
    project: Project,
    log: Log,
    week_end: date,
    summaries: pd.DataFrame,
    *,
    links: Mapping[str, str],
    today: date,
) -> None:
    """Write the week's page and the page of all weeks."""
    params = MonitorParams.load(project.params)
    decisions, verdicts, performance = log.decisions, log.verdicts, log.performance
    summaries = summaries[summaries["week_end"] <= week_end]
    write_week_page(
        log.pages,
        week_end,
        decisions=decisions,
        verdicts=verdicts,
        performance=performance,
        band=expected_band(summaries, week_end, params),
        note=windows_of(summaries, week_end, params).note,
        links_out=links,
    )
    write_history_page(
        log.pages,
        decisions=decisions,
        verdicts=verdicts,
        performance=performance,
        alerts=read_alerts(log.folder / "alerts"),
        links_out=links,
        out_of_weeks=params.out_of_weeks,
        today=today,
    )


def _judged_then(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> pd.DataFrame:
    known = summaries[summaries["week_end"] <= week_end]
    if known.empty or known["week_end"].max() < week_end:
        return pd.DataFrame(columns=VERDICT_SCHEMA.names)
    return judge_week(known, week_end, params)
