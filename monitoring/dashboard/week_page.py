"""The page of one week: what was decided and why, and each signal beside last year and the band.

Drawn from the records (decisions, verdicts, performance, summaries), so a page can be made again
and is the same. A page knows the week before it; when the week after it is written, that one adds
itself to this page, because nothing here runs in the browser.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hemline.files import write_text
from hemline.pages.rendering import render, write_page
from monitoring.column_names import USUAL, ColumnNames
from monitoring.dashboard.panels import chart_sections
from monitoring.dashboard.wording import (
    days_of_week,
    each_row,
    most_urgent,
    name_version,
    outcome,
    summarise,
)
from monitoring.records import RunKind
from monitoring.verdict import Verdict, most_urgent_first

_TEMPLATE: Final = Path(__file__).with_name("week.html.j2")
_REPORT: Final = "evidently.html"
_WEEK_AFTER: Final = Path(__file__).with_name("week_after.html.j2")


def write_week_page(
    folder: Path,
    week_end: date,
    *,
    decisions: pd.DataFrame,
    verdicts: pd.DataFrame,
    performance: pd.DataFrame,
    band: pd.DataFrame,
    note: str,
    links_out: Mapping[str, str],
    kind: RunKind = RunKind.LIVE,
    names: ColumnNames = USUAL,
) -> Path:
    """Write folder/<week_end>/index.html and link it from the page of the week before.

    Args:
        folder: of all pages.
        week_end: the first day after the week, one of `decisions`.
        decisions: the decision log (DECISION_SCHEMA).
        verdicts: VERDICT_SCHEMA of this week, others are passed over.
        performance: PERFORMANCE_SCHEMA of this week, others are passed over.
        band: monitoring.verdicts.expected_band as it was when the week was judged.
        note: what the windows lack, in a sentence; may be empty.
        links_out: addresses by name (Prefect, MLflow, Evidently, runbook). An evidently.html beside
            the page is linked by itself.
        kind: whether anything follows from the week; a page that is not live says so.
        names: of the columns.

    Returns:
        The path of the page.
    """
    weeks = sorted(decisions["week_end"])
    place = weeks.index(week_end)
    decision = next(each_row(decisions[decisions["week_end"] == week_end]))
    path = _page(folder, week_end)
    write_page(
        path,
        _TEMPLATE,
        before=weeks[place - 1] if place else None,
        after=weeks[place + 1] if week_end != weeks[-1] else None,
        **week_in_words(decision, verdicts, performance, kind, names),
        note=note,
        links_out={**links_out, **_report_beside(path)},
        sections=chart_sections(week_end, verdicts[verdicts["week_end"] == week_end], band, names),
    )
    if place:
        _link_from(_page(folder, weeks[place - 1]), week_end)
    return path


def week_in_words(
    decision: Any,
    verdicts: pd.DataFrame,
    performance: pd.DataFrame,
    kind: RunKind,
    names: ColumnNames,
) -> dict[str, Any]:
    """Return what the templates say of a decided week, from its rows and those of other weeks."""
    verdicts = most_urgent_first(verdicts[verdicts["week_end"] == decision.week_end])
    is_expected = verdicts["verdict"] == Verdict.NONE
    counts = verdicts["verdict"].value_counts()
    words = {**{verdict: str(verdict) for verdict in Verdict}, Verdict.NONE: "as expected"}
    measured = next(each_row(performance[performance["week_end"] == decision.week_end]), None)
    is_measured = measured is not None and pd.notna(measured.map_at_12)
    return {
        "kind": kind,
        "days": days_of_week(decision.week_end),
        "decision": decision,
        "summary": summarise(verdicts, decision, names),
        "worst": most_urgent(verdicts, decision),
        "champion": name_version(decision.version),
        "trained_before": _cut_of(measured),
        "measured": measured,
        "is_measured": is_measured,
        "outcome": outcome(measured) if is_measured else "",
        "Verdict": Verdict,
        "signal": names.signal,
        "changed": list(each_row(verdicts[~is_expected])),
        "expected": list(each_row(verdicts[is_expected])),
        "counts": ", ".join(f"{counts[one]} {words[one]}" for one in Verdict if one in counts),
    }


def _page(folder: Path, week_end: date) -> Path:
    return folder / week_end.isoformat() / "index.html"


def _cut_of(measured: Any) -> Any:
    """Return the cut of the champion; None where there is none."""
    return None if measured is None or pd.isna(measured.version_cut) else measured.version_cut


def _report_beside(page: Path) -> dict[str, str]:
    """Return a link to Evidently's page of the week, if it was written before this one."""
    return {"Distributions": _REPORT} if page.with_name(_REPORT).exists() else {}


def _link_from(page: Path, week_end: date) -> None:
    if page.exists():
        no_week, link = (render(_WEEK_AFTER, after=after) for after in (None, week_end))
        text = page.read_text(encoding="utf-8").replace(no_week, link)
        write_text(page, text)
