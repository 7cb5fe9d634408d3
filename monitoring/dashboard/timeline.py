"""Which signal spoke in which week, as a grid: a sign per verdict, a line per signal.

A table and not a picture: every sign is a link to its week and has its words beside it for those
who do not see it. On a narrow screen it scrolls, the latest week in sight.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final

import pandas as pd

from monitoring.dashboard.html_parts import html, key_to_verdicts, tone
from monitoring.dashboard.wording import DRIFT, SYMBOLS, VERDICTS, each_row, signal
from monitoring.signals import ALL
from monitoring.verdict import can_confirm

_SHOWN_WEEKS: Final = 53
_ROOM: Final = 3

Key = tuple[str, str, str]


def timeline(decisions: pd.DataFrame, verdicts: pd.DataFrame, out_of_weeks: int) -> str:
    """Return a grid of weeks and signals; only signals that spoke in these weeks have a line.

    Args:
        decisions: the decision log, oldest week first.
        verdicts: VERDICTS of all weeks.
        out_of_weeks: weeks within which drifts confirm each other.
    """
    decisions = decisions.tail(_SHOWN_WEEKS)
    weeks = decisions["week_end"].tolist()
    spoken = _spoken(verdicts[verdicts["week_end"].isin(weeks)])
    if not spoken:
        return "<p>Nothing has spoken yet.</p>"
    confirmed = dict(zip(weeks, decisions["confirmed"], strict=True))
    grounds = {key: _confirmed_weeks(key, spoken, confirmed, out_of_weeks) for key in spoken}
    lines = "".join(
        f'<tr><th scope="row">{html(signal(*key))}</th>'
        + "".join(_cell(week, by_week.get(week), week in grounds.get(key, ())) for week in weeks)
        + "</tr>"
        for key, by_week in sorted(spoken.items(), key=_loudest_first)
    )
    retrained = "".join(f"<td>{'●' if one else ''}</td>" for one in decisions["retrain"])
    return (
        f'<div class="scroll weeks"><table><thead>{_month_heads(weeks)}</thead><tbody>{lines}'
        f'<tr><th scope="row">retraining decided</th>{retrained}</tr></tbody></table></div>'
        f'{key_to_verdicts()}<p class="soft">On a coloured ground: confirmed. Every sign leads to '
        "its week.</p>"
    )


def _spoken(verdicts: pd.DataFrame) -> dict[Key, dict[date, str]]:
    """Return, of every signal that was not as expected, the verdict by week."""
    spoken: dict[Key, dict[date, str]] = {}
    for row in each_row(verdicts[verdicts["verdict"] != VERDICTS[-1]]):
        spoken.setdefault((row.about, row.column, row.segment), {})[row.week_end] = row.verdict
    return spoken


def _loudest_first(line: tuple[Key, Mapping[date, str]]) -> tuple[int, int]:
    found = list(line[1].values())
    return -found.count(DRIFT), -len(found)


def _confirmed_weeks(
    key: Key,
    spoken: Mapping[Key, Mapping[date, str]],
    confirmed: Mapping[date, Sequence[str]],
    out_of_weeks: int,
) -> set[date]:
    """Return the weeks in which this very signal was confirmed.

    A decision names the column alone. Where habits and what is bought both drift in it, what is
    bought is confirmed only if it drifted in a look shortly before, too.
    """
    about, column, segment = key
    place = column if segment == ALL else f"{column} in {segment}"
    habits = spoken.get(("habits", column, segment), {})
    weeks, found = list(confirmed), set()
    for number, week in enumerate(weeks):
        if not can_confirm(*key) or place not in confirmed[week]:
            continue
        before = weeks[max(number - out_of_weeks + 1, 0) : number]
        is_own = about == "habits" or habits.get(week) != DRIFT
        if spoken[key].get(week) == DRIFT and (
            is_own or any(spoken[key].get(one) == DRIFT for one in before)
        ):
            found.add(week)
    return found


def _cell(week: date, verdict: str | None, is_confirmed: bool) -> str:
    if verdict is None:
        return "<td></td>"
    said = f"week before {week}: {'confirmed ' if is_confirmed else ''}{verdict}"
    return (
        f'<td class="{tone(verdict)}{" confirmed" if is_confirmed else ""}"><a '
        f'href="{week}/index.html" title="{said}" aria-label="{said}">{SYMBOLS[verdict]}</a></td>'
    )


def _month_heads(weeks: Sequence[date]) -> str:
    """Return the months over the weeks, each as wide as its weeks."""
    runs = [(name, len(list(run))) for name, run in groupby(f"{week:%b %Y}" for week in weeks)]
    heads = "".join(
        f'<th scope="col" colspan="{size}">{name if size >= _ROOM else ""}</th>'
        for name, size in runs
    )
    return f"<tr><td></td>{heads}</tr>"
