"""A week as markdown, for the artifacts of the Prefect UI: the same verdicts as on its page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from monitoring.dashboard.wording import days_of_week, each_row, signal, summarise
from monitoring.verdict import Verdict, most_urgent_first


def week_artifact(
    decision: Any, verdicts: pd.DataFrame, performance: pd.DataFrame, links: Mapping[str, str]
) -> str:
    """Return the week as markdown.

    Args:
        decision: what was decided, with the fields of DECISION_SCHEMA.
        verdicts: VERDICT_SCHEMA; other weeks are passed over.
        performance: PERFORMANCE_SCHEMA; other weeks are passed over.
        links: addresses by name.
    """
    week = verdicts[verdicts["week_end"] == decision.week_end]
    reasons = "\n".join(f"- {_plain(reason)}" for reason in decision.reasons)
    where = "\n".join(f"- [{_plain(name)}]({address})" for name, address in links.items())
    return (
        f"## Week of {days_of_week(decision.week_end)}\n\n"
        f"**{_plain(summarise(week, decision))}**\n\n"
        f"{reasons}\n\n## Verdicts\n\n{_verdicts(week)}\n\n## The champion\n\n"
        f"{_performance(performance[performance['week_end'] == decision.week_end])}\n\n"
        f"## Links (available while `hemline ui` runs)\n\n{where}\n"
    )


def _verdicts(verdicts: pd.DataFrame) -> str:
    changed = verdicts[verdicts["verdict"] != Verdict.NONE]
    expected = f"{len(verdicts) - len(changed)} as expected."
    if changed.empty:
        return expected
    rows = "\n".join(_row(row) for row in each_row(most_urgent_first(changed)))
    heads = "| verdict | signal | effect | alert threshold | q | what moved |"
    return f"{heads}\n|---|---|--:|--:|--:|---|\n{rows}\n\n{expected}"


def _row(row: Any) -> str:
    numbers = (row.effect, row.threshold, row.q_value)
    written = " | ".join("" if pd.isna(number) else f"{number:.3f}" for number in numbers)
    what = _plain(signal(row.about, row.column, row.segment))
    return (
        f"| {Verdict(row.verdict).symbol} {row.verdict} | {what} | {written} "
        f"| {_plain(row.moved or '')} |"
    )


def _performance(performance: pd.DataFrame) -> str:
    if performance.empty:
        return "Not measured."
    row = next(each_row(performance))
    if pd.isna(row.map_at_12):
        return f"Not measured: {_plain(row.note)}."
    return (
        f"Version {row.version}: MAP@12 {row.map_at_12:.4f}, popularity "
        f"{row.popularity_map_at_12:.4f} (difference {row.low:+.4f} to {row.high:+.4f}, 95 %), "
        f"{row.n_buyers:,.0f} buyers."
    )


def _plain(text: str) -> str:
    """Return text that markdown shows as it is and that does not end a table's cell.

    >>> print(_plain("<b>a | b</b>"))
    &lt;b&gt;a &#124; b&lt;/b&gt;
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Intervals keep their brackets, a link needs "](": Prefect shows entities as they are.
    return escaped.replace("|", "&#124;").replace("](", "] (").replace("\n", " ")
