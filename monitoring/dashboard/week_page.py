"""The page of one week: what was decided and why, and each signal beside last year and the band.

Drawn from what is kept (decisions, verdicts, performance, summaries), so a page can be made again
and is the same. A page knows the week before it; when the week after it is written, that one adds
itself to this page, because nothing here runs in the browser.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from monitoring.dashboard.html_parts import (
    RIGHT,
    WIDE,
    Html,
    badge,
    bullets,
    fact,
    html,
    key_to_verdicts,
    link,
    links,
    table,
    tone,
    write_page,
)
from monitoring.dashboard.panels import chart_sections
from monitoring.dashboard.wording import (
    DRIFT,
    VERDICTS,
    days_of_week,
    each_row,
    name_version,
    signal,
    summarise,
)
from monitoring.verdict import most_urgent_first

_REPORT: Final = "evidently.html"
_NEXT: Final = "<!-- the week after -->"
_HEADS: Final = {
    "verdict": "",
    "what": "",
    "effect": RIGHT,
    "speaks from": RIGHT,
    "to recent weeks": RIGHT,
    "to last year": RIGHT,
    "q": RIGHT,
    "what moved": WIDE,
}


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
) -> Path:
    """Write folder/<week_end>/index.html and link it from the page of the week before.

    Args:
        folder: of all pages.
        week_end: the first day after the week, one of `decisions`.
        decisions: the decision log (DECISIONS).
        verdicts: VERDICTS of this week, others are passed over.
        performance: PERFORMANCE of this week, others are passed over.
        band: what monitoring.verdicts.expected_band said when the week was judged.
        note: what the windows lack, in a sentence; may be empty.
        links_out: addresses by name (Prefect, MLflow, Evidently, runbook), shown as they come. An
            evidently.html beside the page is linked by itself.

    Returns:
        The path of the page.
    """
    known = sorted(decisions["week_end"])
    before = known[known.index(week_end) - 1] if known.index(week_end) else None
    after = known[known.index(week_end) + 1] if week_end != known[-1] else None
    week_verdicts = verdicts[verdicts["week_end"] == week_end]
    decision = next(each_row(decisions[decisions["week_end"] == week_end]))
    measured = performance[performance["week_end"] == week_end]
    path = folder / week_end.isoformat() / "index.html"
    write_page(
        path,
        f"Week {days_of_week(week_end)}",
        [
            _navigation(before, after),
            f"<h1>Week of {days_of_week(week_end)}</h1>",
            _headline(week_verdicts, decision),
            _facts(decision, measured, week_verdicts),
            links({**links_out, **_report_beside(path)}),
            f'<p class="soft">{html(note)}</p>' if note else "",
            "<h2>Verdicts</h2>",
            verdict_table(week_verdicts),
            key_to_verdicts(),
            *chart_sections(week_end, week_verdicts, band),
        ],
    )
    if before is not None:
        _link_from(folder / before.isoformat() / "index.html", week_end)
    return path


def verdict_table(verdicts: pd.DataFrame) -> str:
    """Return the week's verdicts, most urgent first; those as expected are folded away."""
    rows = [(row.verdict, _row(row)) for row in each_row(most_urgent_first(verdicts))]
    speaking = [row for verdict, row in rows if verdict != VERDICTS[-1]]
    silent = [row for verdict, row in rows if verdict == VERDICTS[-1]]
    shown = table(_HEADS, speaking) if speaking else "<p>Nothing is unlike what was expected.</p>"
    if not silent:
        return shown
    return (
        f"{shown}<details><summary>{len(silent)} as expected</summary>"
        f"{table(_HEADS, silent)}</details>"
    )


def _row(row: Any) -> list[str | Html]:
    effects = (row.effect, row.threshold, row.effect_recent, row.effect_last_year, row.q_value)
    numbers = ["" if pd.isna(number) else f"{number:.3f}" for number in effects]
    what = signal(row.about, row.column, row.segment)
    return [badge(row.verdict), what, *numbers, row.moved or ""]


def _report_beside(page: Path) -> dict[str, str]:
    """Return a link to Evidently's page of the week, if it was written before this one."""
    return {"Distributions": _REPORT} if page.with_name(_REPORT).exists() else {}


def _navigation(before: date | None, after: date | None) -> str:
    earlier = _to_week("← the week before", before) if before else "<span></span>"
    later = _to_week("the week after →", after) if after else _NEXT
    return f'<nav>{earlier}<a href="../index.html">All weeks and the decision log</a>{later}</nav>'


def _to_week(name: str, week_end: date) -> str:
    return link(name, f"../{week_end.isoformat()}/index.html")


def _headline(verdicts: pd.DataFrame, decision: Any) -> str:
    found = set(verdicts["verdict"])
    worst = next((verdict for verdict in VERDICTS if verdict in found), VERDICTS[-1])
    urgent = DRIFT if len(decision.confirmed) else worst
    return (
        f'<div class="card tone {tone(urgent)}"><p class="said">'
        f"{html(summarise(verdicts, decision))}</p>{bullets(decision.reasons)}</div>"
    )


def _facts(decision: Any, measured: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    called = "a person is called" if decision.pages_a_person else "no person is called"
    counts = verdicts["verdict"].value_counts()
    spoken = [f"{counts[one]} {one}" for one in VERDICTS[:-1] if one in counts]
    silent = f"{counts.get(VERDICTS[-1], 0)} as expected"
    cards = [
        fact("Retraining", "yes" if decision.retrain else "no", called),
        fact("Champion", name_version(decision.version), _age(decision.model_age_days)),
        _performance(measured),
        fact("Signals", str(len(verdicts)), ", ".join([*spoken, silent])),
    ]
    return f'<p></p><div class="facts">{"".join(cards)}</div>'


def _age(days: Any) -> str:
    return "" if pd.isna(days) else f"knows everything up to {int(days)} days before"


def _performance(measured: pd.DataFrame) -> str:
    if measured.empty:
        return fact("MAP@12 of the champion", "not measured")
    row = next(each_row(measured))
    if pd.isna(row.map_at_12):
        return fact("MAP@12 of the champion", "not measured", row.note)
    return fact(
        "MAP@12 of the champion",
        f"{row.map_at_12:.4f}",
        f"popularity {row.popularity_map_at_12:.4f}; difference {row.low:+.4f} to {row.high:+.4f}",
        f"{row.n_buyers:,.0f} buyers",
    )


def _link_from(page: Path, week_end: date) -> None:
    if page.exists():
        text = page.read_text(encoding="utf-8")
        later = _to_week("the week after →", week_end)
        unfinished = page.with_suffix(".unfinished")
        unfinished.write_text(text.replace(_NEXT, later), encoding="utf-8")
        unfinished.replace(page)
