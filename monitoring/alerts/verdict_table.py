"""The verdicts of a week as the rows of an alert: few, the telling ones first, all text."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

import pandas as pd

from monitoring.verdict import Verdict, places

_MAX_ROWS: Final = 12
_HEADING: Final = ("column", "segment", "verdict", "effect", "threshold", "moved")


def week_of(verdicts: pd.DataFrame, week_end: date) -> pd.DataFrame:
    """Return the verdicts of one week."""
    return verdicts[pd.to_datetime(verdicts["week_end"]) == pd.Timestamp(week_end)]


def confirmed_first(week: pd.DataFrame, confirmed: Sequence[str]) -> pd.DataFrame:
    """Return the rows that were confirmed, then those that drift this week but were not yet."""
    is_confirmed = places(week).isin(list(confirmed))
    is_drift = week["verdict"] == Verdict.DRIFT
    shown = week.assign(is_confirmed=is_confirmed)[is_confirmed | is_drift]
    return shown.sort_values(["is_confirmed", "effect"], ascending=False, kind="stable")


def verdict_table(verdicts: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """Return heading and at most twelve rows as text, and a last row that counts the others."""
    if verdicts.empty:
        return ()
    rows = [
        (
            str(row["column"]),
            str(row["segment"]),
            str(row["verdict"]),
            _number(row["effect"]),
            _number(row["threshold"]),
            str(row["moved"]),
        )
        for row in verdicts.head(_MAX_ROWS).to_dict("records")
    ]
    n_more = len(verdicts) - _MAX_ROWS
    more = [(f"and {n_more} more", *[""] * (len(_HEADING) - 1))] if n_more > 0 else []
    return (_HEADING, *rows, *more)


def _number(value: float | None) -> str:
    """Return three decimals, and nothing for what could not be measured."""
    return "" if value is None or math.isnan(value) else f"{value:.3f}"
