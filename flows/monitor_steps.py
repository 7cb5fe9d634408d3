"""The steps of evaluating one week, live or replayed: verdicts, performance, decision, pages.

Everything is made from what was known before week_end, so replaying a week gives the same result.
The records go into the folder that is passed in. Summaries and the champion's lists depend on the
data only, so all runs share their caches.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any, Final

import pandas as pd

from flows.project import Project
from hemline.clock import now
from hemline.engine.engine import open_engine
from hemline.files import locked
from hemline.registry.versions import CHAMPION, load_champion, version_by_alias
from hemline.serving.version_files import FORMAT_VERSION
from monitoring.alerts.alert_delivery import read_alerts
from monitoring.champion_lists import Champion, ChampionLists
from monitoring.column_names import ColumnNames
from monitoring.dashboard.history_page import write_history_page
from monitoring.dashboard.week_page import write_week_page
from monitoring.decision import decide
from monitoring.monitor_params import MonitorParams
from monitoring.performance import measure_performance
from monitoring.recommendations import summarise_recommendations
from monitoring.records import (
    PERFORMANCE_SCHEMA,
    VERDICT_SCHEMA,
    MonitorRecords,
    RunKind,
    append_decision,
    write_once,
)
from monitoring.summary_cache import cached_summaries
from monitoring.verdicts import expected_band, judge_week
from monitoring.windows import Span, Windows, windows_for

WEEK: Final = timedelta(days=7)


def champion_of_today() -> Champion | None:
    """Return the champion, or None where there is none that today's code reads."""
    version = version_by_alias(CHAMPION)
    return load_champion() if version is not None and version.is_readable else None


def summarise(project: Project, week_end: date, champion: Champion | None) -> pd.DataFrame:
    """Return SUMMARIES of all weeks up to this one, the champion's lists for the latest of them.

    A champion that was fitted on the week is left out: it has seen what the buyers bought.
    """
    params = MonitorParams.load(project.params)
    cache = project.monitoring / "summaries"
    with open_engine(project.engine) as engine:
        summaries = cached_summaries(engine, project.root / project.tables, cache, week_end, params)
    if champion is None:
        return summaries
    windows = windows_of(summaries, week_end, params)
    weeks = [span.end for span in with_sales((*windows.recent, windows.current), summaries)]
    with _lists_of(champion, project) as champion_lists:
        if champion_lists.has_seen(week_end):
            return summaries
        recommended = summarise_recommendations(weeks, champion_lists, params)
    return pd.concat([summaries, recommended], ignore_index=True)


def windows_of(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> Windows:
    """Return which weeks the week is compared with, as far as the summaries reach back."""
    return windows_for(week_end, summaries["week_end"].min() - WEEK, params)


def with_sales(spans: Sequence[Span], summaries: pd.DataFrame) -> tuple[Span, ...]:
    """Return the weeks in which something was sold, which are those with summaries."""
    sold = set(summaries["week_end"])
    return tuple(span for span in spans if span.end in sold)


def judge(
    project: Project, records: MonitorRecords, week_end: date, summaries: pd.DataFrame
) -> None:
    """Record the week's verdicts."""
    verdicts = judge_week(summaries, week_end, MonitorParams.load(project.params))
    write_once(records.folder / "verdicts", week_end, verdicts, VERDICT_SCHEMA)


def measure(
    project: Project, records: MonitorRecords, week_end: date, champion: Champion | None
) -> None:
    """Record the champion's performance in the week."""
    if champion is None:
        row = measure_performance(week_end, None)
        unread = version_by_alias(CHAMPION)
        if unread is not None:
            row["note"] = (
                f"champion {unread.number} has format version {unread.format_version}, this code "
                f"reads {FORMAT_VERSION}: train a new version"
            )
    else:
        with _lists_of(champion, project) as champion_lists:
            row = measure_performance(week_end, champion_lists)
    write_once(records.folder / "performance", week_end, row, PERFORMANCE_SCHEMA)


def age_days(champion: Champion | None, week_end: date) -> int | None:
    """Return the champion's age at the end of a week; None where it was trained on later data."""
    days = None if champion is None else (week_end - champion[0].cut).days
    return None if days is None or days < 0 else days


def conclude(
    project: Project,
    records: MonitorRecords,
    week_end: date,
    summaries: pd.DataFrame,
    model_age_days: int | None,
    *,
    warning: str = "",
) -> Any:
    """Decide about the week from its records, and return the decision that counts.

    A warning about the week's data is recorded beside the reasons.

    That is the first one: evaluating a week again never changes it. Earlier weeks without verdicts
    are judged for this purpose, from what was known at their time.
    """
    params = MonitorParams.load(project.params)
    recorded = records.verdicts
    before = [week_end - weeks * WEEK for weeks in range(params.out_of_weeks - 1, 0, -1)]
    missing = [week for week in before if week not in set(recorded["week_end"])]
    judged = [_judged_then(summaries, week, params) for week in missing]
    decision = decide(
        week_end,
        pd.concat([recorded, *judged], ignore_index=True),
        records.decisions,
        records.performance,
        model_age_days,
        params,
        age_is_assumed=records.kind == RunKind.REPLAY,
        names=ColumnNames.of(project.params),
    )
    if warning:
        decision = replace(decision, reasons=(*decision.reasons, warning))
    append_decision(records.folder / "decisions", asdict(decision), decided_at=now())
    return records.decision_of(week_end)


def draw_week(
    project: Project,
    records: MonitorRecords,
    week_end: date,
    summaries: pd.DataFrame,
    links: Mapping[str, str],
) -> None:
    """Write the week's page."""
    params = MonitorParams.load(project.params)
    summaries = summaries[summaries["week_end"] <= week_end]
    with locked(records.pages):  # another run may draw the same page
        write_week_page(
            records.pages,
            week_end,
            decisions=records.decisions,
            verdicts=records.verdicts,
            performance=records.performance,
            band=expected_band(summaries, week_end, params),
            note=windows_of(summaries, week_end, params).note,
            links_out=_links_of(records, links),
            kind=records.kind,
            names=ColumnNames.of(project.params),
        )


def draw_history(project: Project, records: MonitorRecords, links: Mapping[str, str]) -> None:
    """Write the page of all weeks, with the alerts as they are now."""
    with locked(records.pages):  # another run may draw the same page
        write_history_page(
            records.pages,
            decisions=records.decisions,
            verdicts=records.verdicts,
            performance=records.performance,
            alerts=read_alerts(records.folder / "alerts"),
            links_out=_links_of(records, links),
            out_of_weeks=MonitorParams.load(project.params).out_of_weeks,
            today=now().date(),
            kind=records.kind,
            names=ColumnNames.of(project.params),
        )


def _links_of(records: MonitorRecords, links: Mapping[str, str]) -> dict[str, str]:
    """Return links as a page shows them; one that is not live says that the dashboard is."""
    renamed = {} if records.kind == RunKind.LIVE else {"dashboard": "live dashboard"}
    return {renamed.get(name, name): address for name, address in links.items()}


@contextmanager
def _lists_of(champion: Champion, project: Project) -> Iterator[ChampionLists]:
    tables, cache = project.root / project.tables, project.monitoring / "recommendations"
    with open_engine(project.engine) as engine:
        yield ChampionLists.of(engine, tables, champion, project.params, cache)


def _judged_then(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> pd.DataFrame:
    known = summaries[summaries["week_end"] <= week_end]
    if known.empty or known["week_end"].max() < week_end:
        return pd.DataFrame(columns=VERDICT_SCHEMA.names)
    return judge_week(known, week_end, params)
