"""The page of all weeks: what was decided, how the champion did, and what alerts were sent.

The decision log itself, newest first, and above it two pictures of the same weeks: the champion
against popularity, and the verdicts of every signal. Alerts that were not sent are shown with the
reason, so that nothing is lost.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hemline.pages.charts import performance_chart
from hemline.pages.rendering import write_page
from monitoring.alerts.alert_delivery import StoredAlert
from monitoring.column_names import USUAL, ColumnNames
from monitoring.dashboard.timeline import timeline
from monitoring.dashboard.wording import (
    count_outcomes,
    days_of_week,
    each_row,
    joined,
    most_urgent,
    name_version,
    summarise,
)
from monitoring.records import RunKind
from monitoring.verdict import Verdict

_TEMPLATE: Final = Path(__file__).with_name("history.html.j2")
_STALE_DAYS: Final = 14


def write_history_page(
    folder: Path,
    *,
    decisions: pd.DataFrame,
    verdicts: pd.DataFrame,
    performance: pd.DataFrame,
    alerts: Sequence[StoredAlert],
    links_out: Mapping[str, str],
    out_of_weeks: int,
    today: date,
    kind: RunKind = RunKind.LIVE,
    names: ColumnNames = USUAL,
) -> Path:
    """Write folder/index.html.

    Args:
        folder: of all pages; a week's lies in folder/<week_end>/.
        decisions: the decision log (DECISION_SCHEMA).
        verdicts: VERDICT_SCHEMA of all weeks.
        performance: PERFORMANCE_SCHEMA of all weeks.
        alerts: the stored alerts.
        links_out: addresses by name.
        out_of_weeks: weeks within which drifts confirm each other.
        today: what the age of the latest week is counted from.
        kind: whether anything follows from the weeks; a page that is not live says so.
        names: of the columns.

    Returns:
        The path of the page.
    """
    decisions = decisions.sort_values("week_end", ignore_index=True)
    weeks = _weeks(decisions, verdicts, names)
    path = folder / "index.html"
    write_page(
        path,
        _TEMPLATE,
        Verdict=Verdict,
        kind=kind,
        is_live=kind == RunKind.LIVE,
        weeks=weeks,
        days_ago=max((today - weeks[0]["decision"].week_end).days, 0) if weeks else 0,
        stale_days=_STALE_DAYS,
        days_of_week=days_of_week,
        name_version=name_version,
        n_retrainings=int(decisions["retrain"].sum()),
        n_confirmed=int((decisions["confirmed"].str.len() > 0).sum()),
        **_performance(performance.sort_values("week_end", ignore_index=True)),
        timeline=timeline(decisions, verdicts, out_of_weeks, names),
        alerts=[
            (one, _state(one))
            for one in sorted(alerts, key=lambda one: (one.day, one.raised_at), reverse=True)
        ],
        links_out=links_out,
    )
    return path


def _weeks(
    decisions: pd.DataFrame, verdicts: pd.DataFrame, names: ColumnNames
) -> list[dict[str, Any]]:
    """Return every decision with its week in one sentence, newest first."""
    by_week = dict(list(verdicts.groupby("week_end")))
    weeks = []
    for decision in each_row(decisions.iloc[::-1]):
        judged = by_week.get(decision.week_end, verdicts.iloc[:0])
        worst, summary = most_urgent(judged, decision), summarise(judged, decision, names)
        weeks.append({"decision": decision, "worst": worst, "summary": summary})
    return weeks


def _performance(performance: pd.DataFrame) -> dict[str, Any]:
    """Return the chart, the latest week with a number and the weeks without one."""
    weeks = performance.dropna(subset=["map_at_12"]).reset_index(drop=True)
    outcomes = "" if weeks.empty else count_outcomes(list(each_row(weeks)))
    popularity = weeks["popularity_map_at_12"]
    weeks = weeks.assign(low=popularity + weeks["low"], high=popularity + weeks["high"])
    is_other = weeks["version"].ne(weeks["version"].shift())
    changes = [(int(n), f"version {weeks['version'][n]}") for n in weeks.index[is_other]]
    return {
        "measured": list(each_row(weeks)),
        "outcomes": outcomes,
        "unmeasured": list(each_row(performance[performance["map_at_12"].isna()])),
        "chart": None if weeks.empty else performance_chart(weeks, changes),
    }


def _state(alert: StoredAlert) -> str:
    if alert.suppressed:
        return f"held back: {alert.suppressed}"
    failed = "; ".join(f"{channel}: {why}" for channel, why in alert.failed.items())
    if alert.pending:
        waiting = f"waiting for {joined(alert.pending)}"
        return f"{waiting} ({failed})" if failed else waiting
    return f"sent to {joined(alert.sent)}"
