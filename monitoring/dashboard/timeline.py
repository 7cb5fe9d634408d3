"""Which signal had which verdict in which week, as a grid: a sign per verdict, a line per signal.

A table and not a picture: every sign is a link to its week and has its words beside it for those
who do not see it. On a narrow screen it scrolls, the latest week in sight.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

import pandas as pd

from monitoring.column_names import USUAL, ColumnNames
from monitoring.dashboard.wording import each_row
from monitoring.signals import ALL
from monitoring.verdict import Verdict, can_confirm

_SHOWN_WEEKS: Final = 53
_ROOM: Final = 3

Key = tuple[str, str, str]


def timeline(
    decisions: pd.DataFrame,
    verdicts: pd.DataFrame,
    out_of_weeks: int,
    names: ColumnNames = USUAL,
) -> dict[str, Sequence[Any]]:
    """Return what the template draws; signals that were always as expected have no line.

    Args:
        decisions: the decision log, oldest week first.
        verdicts: VERDICT_SCHEMA of all weeks.
        out_of_weeks: weeks within which drifts confirm each other.
        names: of the columns.

    Returns:
        - months: name (empty where there is no room) and number of weeks.
        - lines: name of a signal and, by week, its week_end, verdict (None as expected), and
          whether this very signal was confirmed. Most drifts first.
        - retrained: by week, whether a retraining was decided.
    """
    decisions = decisions.tail(_SHOWN_WEEKS)
    weeks = decisions["week_end"].tolist()
    changed = _changed(verdicts[verdicts["week_end"].isin(weeks)])
    confirmed = dict(zip(weeks, decisions["confirmed"], strict=True))
    lines = []
    for key, by_week in sorted(changed.items(), key=_most_drifts_first):
        certain = _confirmed_weeks(key, changed, confirmed, out_of_weeks)
        cells = [(week, by_week.get(week), week in certain) for week in weeks]
        lines.append((names.signal(*key), cells))
    return {"months": _months(weeks), "lines": lines, "retrained": decisions["retrain"].tolist()}


def _changed(verdicts: pd.DataFrame) -> dict[Key, dict[date, Verdict]]:
    """Return, of every signal that was not as expected, the verdict by week."""
    changed: dict[Key, dict[date, Verdict]] = {}
    for row in each_row(verdicts[verdicts["verdict"] != Verdict.NONE]):
        by_week = changed.setdefault((row.about, row.column, row.segment), {})
        by_week[row.week_end] = Verdict(row.verdict)
    return changed


def _most_drifts_first(line: tuple[Key, Mapping[date, Verdict]]) -> tuple[int, int]:
    verdicts = list(line[1].values())
    return -verdicts.count(Verdict.DRIFT), -len(verdicts)


def _confirmed_weeks(
    key: Key,
    changed: Mapping[Key, Mapping[date, Verdict]],
    confirmed: Mapping[date, Sequence[str]],
    out_of_weeks: int,
) -> set[date]:
    """Return the weeks in which this very signal was confirmed.

    A decision names the column alone. Where habits and what is bought both drift in it, what is
    bought is confirmed only if it drifted in a week shortly before, too.
    """
    about, column, segment = key
    place = column if segment == ALL else f"{column} in {segment}"
    habits = changed.get(("habits", column, segment), {})
    weeks, certain = list(confirmed), set()
    for number, week in enumerate(weeks):
        if not can_confirm(*key) or place not in confirmed[week]:
            continue
        before = weeks[max(number - out_of_weeks + 1, 0) : number]
        is_own = about == "habits" or habits.get(week) != Verdict.DRIFT
        if changed[key].get(week) == Verdict.DRIFT and (
            is_own or any(changed[key].get(one) == Verdict.DRIFT for one in before)
        ):
            certain.add(week)
    return certain


def _months(weeks: Sequence[date]) -> list[tuple[str, int]]:
    runs = [(name, len(list(run))) for name, run in groupby(f"{week:%b %Y}" for week in weeks)]
    return [(name if size >= _ROOM else "", size) for name, size in runs]
