"""The page of all weeks: what was decided, how the champion did, and what alerts went out.

The decision log itself, newest first, and above it two pictures of the same weeks: the champion
against popularity, and which signal spoke when. Alerts held back are shown with the reason, because
what nobody was told should still be found.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from monitoring.alerts.alert_delivery import StoredAlert
from monitoring.dashboard.charts import performance_chart
from monitoring.dashboard.html_parts import (
    RIGHT,
    UNBROKEN,
    WIDE,
    Html,
    fact,
    html,
    link,
    links,
    table,
    write_page,
)
from monitoring.dashboard.timeline import timeline
from monitoring.dashboard.wording import days_of_week, each_row, joined, name_version, summarise

_STALE_DAYS: Final = 14
_HEADS: Final = {
    "week before": UNBROKEN,
    "in one sentence": WIDE,
    "retrain": "",
    "why": WIDE,
    "champion": "",
    "MAP@12": RIGHT,
    "popularity": RIGHT,
}
_ALERT_HEADS: Final = {
    "week before": UNBROKEN,
    "what": "",
    "title": WIDE,
    "state": WIDE,
    "owner": "",
}


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
) -> Path:
    """Write folder/index.html.

    Args:
        folder: of all pages; a week's lies in folder/<week_end>/.
        decisions: the decision log (DECISIONS).
        verdicts: VERDICTS of all weeks.
        performance: PERFORMANCE of all weeks.
        alerts: the outbox.
        links_out: addresses by name, shown as they come.
        out_of_weeks: weeks within which drifts confirm each other.
        today: what the age of the latest look is counted from.

    Returns:
        The path of the page.
    """
    decisions = decisions.sort_values("week_end", ignore_index=True)
    performance = performance.sort_values("week_end", ignore_index=True)
    path = folder / "index.html"
    write_page(
        path,
        "Hemline: all weeks",
        [
            "<h1>All weeks</h1>",
            _look(decisions, today),
            _facts(decisions, performance, alerts),
            links(links_out),
            "<h2>The champion against popularity</h2>",
            _performance(performance),
            "<h2>Which signal spoke when</h2>",
            timeline(decisions, verdicts, out_of_weeks),
            "<h2>Alerts</h2>",
            _alerts(alerts),
            "<h2>Decision log</h2>",
            _log(decisions, verdicts),
        ],
    )
    return path


def _look(decisions: pd.DataFrame, today: date) -> str:
    if decisions.empty:
        return '<p class="said">No week has been looked at yet: make monitor.</p>'
    week_end = decisions["week_end"].iloc[-1]
    days = (today - week_end).days
    week = link(f"the week of {days_of_week(week_end)}", f"{week_end}/index.html")
    late = (
        '<p class="card tone new"><b>No newer week has been looked at for more than two weeks.</b> '
        "Are the data late, or does the schedule not run?</p>"
        if days >= _STALE_DAYS
        else ""
    )
    return (
        f'<p class="said">The latest week looked at is {week}, which ended {max(days, 0)} '
        f"days ago.</p>{late}"
    )


def _facts(
    decisions: pd.DataFrame, performance: pd.DataFrame, alerts: Sequence[StoredAlert]
) -> str:
    latest: Any = next(reversed(list(decisions.itertuples())), None)
    measured: Any = next(
        reversed(list(performance.dropna(subset=["map_at_12"]).itertuples())), None
    )
    pending = sum(bool(one.pending) for one in alerts)
    held_back = sum(bool(one.suppressed) for one in alerts)
    cards = [
        fact("Weeks decided", f"{len(decisions):,}"),
        fact(
            "Retrainings decided",
            str(int(decisions["retrain"].sum())),
            f"{int((decisions['confirmed'].str.len() > 0).sum())} weeks with a confirmed drift",
        ),
        fact("Champion", name_version(latest.version) if latest else "none"),
        fact(
            "Its latest MAP@12",
            f"{measured.map_at_12:.4f}" if measured else "not measured",
            f"popularity {measured.popularity_map_at_12:.4f}" if measured else "",
        ),
        fact("Alerts waiting", str(pending), f"{held_back} held back of {len(alerts)}"),
    ]
    return f'<div class="facts">{"".join(cards)}</div>'


def _last(rows: pd.DataFrame) -> Any:
    return next(each_row(rows.tail(1)), None)


def _performance(performance: pd.DataFrame) -> str:
    weeks = performance.dropna(subset=["map_at_12"]).reset_index(drop=True)
    unmeasured = _unmeasured(performance[performance["map_at_12"].isna()])
    if weeks.empty:
        return f"<p>No week has a number yet.</p>{unmeasured}"
    popularity = weeks["popularity_map_at_12"]
    weeks = weeks.assign(low=popularity + weeks["low"], high=popularity + weeks["high"])
    is_other = weeks["version"].ne(weeks["version"].shift())
    changes = [(int(n), f"version {weeks['version'][n]}") for n in weeks.index[is_other]]
    last = _last(weeks)
    describe = (
        f"MAP@12 of {len(weeks)} weeks; in the latest {last.map_at_12:.4f}, "
        f"popularity {last.popularity_map_at_12:.4f}"
    )
    return (
        f'<figure class="card chart"><div class="scroll wide">'
        f"{performance_chart(weeks, changes, describe)}</div><figcaption>Solid: the champion on "
        "the week that had just ended, before it had seen it. Dashed: last weeks' best sellers, "
        "fitted at the same day. Shaded: popularity plus the 95 % interval of the difference over "
        "buyers, so where it keeps clear of the dashed line the champion is measurably better. "
        f"Upright lines: another version answers.</figcaption></figure>{unmeasured}"
    )


def _unmeasured(weeks: pd.DataFrame) -> str:
    """Return how many weeks have no number, and why the latest has none."""
    if weeks.empty:
        return ""
    last = _last(weeks)
    said = f"Weeks without a number: {len(weeks)}; the week before {last.week_end}: {last.note}."
    return f'<p class="soft">{html(said)}</p>'


def _alerts(alerts: Sequence[StoredAlert]) -> str:
    if not alerts:
        return "<p>No alert was ever raised.</p>"
    rows = [
        [
            one.day.isoformat(),
            one.alert.kind,
            one.alert.title,
            _state(one),
            one.alert.owner,
        ]
        for one in sorted(alerts, key=lambda one: (one.day, one.raised_at), reverse=True)
    ]
    return table(_ALERT_HEADS, rows)


def _state(kept: StoredAlert) -> str:
    if kept.suppressed:
        return f"held back: {kept.suppressed}"
    failed = "; ".join(f"{channel}: {why}" for channel, why in kept.failed.items())
    if kept.pending:
        waiting = f"waits for {joined(kept.pending)}"
        return f"{waiting} ({failed})" if failed else waiting
    return f"taken by {joined(kept.sent)}"


def _log(decisions: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    by_week = dict(list(verdicts.groupby("week_end")))
    nothing = verdicts.iloc[:0]
    rows: list[list[str | Html]] = []
    for week in each_row(decisions.iloc[::-1]):
        numbers = (week.map_at_12, week.popularity_map_at_12)
        rows.append(
            [
                Html(link(str(week.week_end), f"{week.week_end}/index.html")),
                summarise(by_week.get(week.week_end, nothing), week),
                "yes" if week.retrain else "no",
                " ".join(week.reasons),
                "" if pd.isna(week.version) else str(week.version),
                *("" if pd.isna(number) else f"{number:.4f}" for number in numbers),
            ]
        )
    return table(_HEADS, rows)
