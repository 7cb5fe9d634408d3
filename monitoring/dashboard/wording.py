"""Names, numbers, dates and verdicts as pages and alerts show them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from hemline import columns
from monitoring.column_names import USUAL, ColumnNames
from monitoring.verdict import Verdict, confirming

ABOUT: Final = {
    "transactions": "What is bought, and by whom",
    "habits": "Whether customers buy what their own past predicts",
    "shop": "The shop as a whole",
    "recommendations": "What is recommended",
}

_SHARES: Final = frozenset({"new_articles", "newcomers", "coverage"})
_THOUSAND: Final = 1000


def days_of_week(week_end: date) -> str:
    """Return the days of a week in words.

    >>> days_of_week(date(2020, 9, 16)), days_of_week(date(2020, 1, 4))
    ('9 to 15 September 2020', '28 December 2019 to 3 January 2020')
    """
    first, last = week_end - timedelta(days=7), week_end - timedelta(days=1)
    parts = [(str(first.day), str(last.day)), (f"{first:%B}", f"{last:%B}")]
    parts.append((f"{first:%Y}", f"{last:%Y}"))
    while len(parts) > 1 and parts[-1][0] == parts[-1][1]:
        parts.pop()
    return f"{' '.join(one for one, _ in parts)} to {last.day} {last:%B} {last:%Y}"


def name_version(version: Any) -> str:
    """Return the display name of a version; a null, however it was stored, is none.

    >>> name_version("3"), name_version(None), name_version(float("nan"))
    ('version 3', 'none', 'none')
    """
    return "none" if pd.isna(version) else f"version {version}"


def write_value(column: str, category: str, value: float) -> str:
    """Return a signal's value as short as it can be read.

    >>> write_value("index_name", "Sport", 0.1234), write_value("volume", "", 12345.6)
    ('12.3 %', '12,346')
    >>> write_value("price", "", 0.0488), write_value("index_name", "", 0.01234)
    ('+5.0 %', '0.0123')
    >>> write_value("coverage", "", -0.0001)
    '0.0 %'
    """
    if pd.isna(value):
        return "unknown"
    if category or is_share(column):
        return f"{round(100 * value, 1) + 0.0:.1f} %"  # of -0.04 no minus is left
    if column == columns.PRICE:  # the mean log change against the recent weeks
        return f"{100 * np.expm1(value):+.1f} %"
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.3g}"


def is_share(column: str) -> bool:
    """Return whether the only number of a signal is a share, which lies between 0 and 1.

    >>> is_share("newcomers"), is_share("repeat_share"), is_share("volume")
    (True, True, False)
    """
    return column in _SHARES or column.endswith("_share")


def outcome(measured: Any) -> str:
    """Return what a week's scores tell of the champion against popularity.

    Args:
        measured: a row of PERFORMANCE_SCHEMA with a MAP@12.
    """
    if measured.note:
        return str(measured.note)
    if measured.low > 0:
        return "significantly better than popularity"
    if measured.high < 0:
        return "significantly worse than popularity"
    return "is not significantly different from popularity"


def count_outcomes(measured: Sequence[Any]) -> str:
    """Return in how many weeks the champion differed significantly from popularity, as a sentence.

    Args:
        measured: rows of PERFORMANCE_SCHEMA with a MAP@12.
    """
    counts = Counter("inconclusive" if one.note else outcome(one) for one in measured)
    parts = [f"{words} in {n}" for words, n in counts.most_common()]
    weeks = "week" if len(measured) == 1 else "weeks"
    return f"Of {len(measured)} {weeks} with a number, by the interval of each: {', '.join(parts)}."


def each_row(rows: pd.DataFrame) -> Iterator[Any]:
    """Yield every row as an object with the columns as attributes."""
    yield from rows.itertuples(index=False)


def joined(names: Iterable[str], *, most: int = 4) -> str:
    """Return names as a list in a sentence, each once; of more than `most` the rest is counted.

    >>> joined(["price", "colour", "price"]), joined("abcdef")
    ('price and colour', 'a, b, c, d and 2 more')
    """
    once = list(dict.fromkeys(names))
    if len(once) > most:
        return f"{', '.join(once[:most])} and {len(once) - most} more"
    return " and ".join([", ".join(once[:-1]), once[-1]] if len(once) > 1 else once)


def summarise(verdicts: pd.DataFrame, decision: Any, names: ColumnNames = USUAL) -> str:
    """Return the result of a week in one sentence.

    Args:
        verdicts: of this week.
        decision: what was decided, with the fields of DECISION_SCHEMA.
        names: of the columns.
    """
    if len(decision.confirmed):
        outcome = "a retraining was decided" if decision.retrain else "no retraining was decided"
        return f"Drift is confirmed in {joined(map(names.place, decision.confirmed))}: {outcome}."
    if decision.retrain:
        return "A retraining was decided without a confirmed drift."
    return _unconfirmed(verdicts, names)


def most_urgent(verdicts: pd.DataFrame, decision: Any) -> Verdict:
    """Return the most urgent verdict of a week: drift where one is confirmed."""
    return Verdict.DRIFT if len(decision.confirmed) else _most_urgent(verdicts)


def _most_urgent(verdicts: pd.DataFrame) -> Verdict:
    return next(verdict for verdict in Verdict if verdict in {*verdicts["verdict"], Verdict.NONE})


def _unconfirmed(verdicts: pd.DataFrame, names: ColumnNames) -> str:
    worst = _most_urgent(verdicts)
    rows = verdicts[verdicts["verdict"] == worst].sort_values("q_value", kind="stable")
    sentence = _SENTENCES[worst].format(
        joined(names.signal(row.about, row.column, row.segment) for row in each_row(rows))
    )
    return f"{sentence} {_weight(rows, names)}" if worst == Verdict.DRIFT else sentence


_SENTENCES: Final = {
    Verdict.DRIFT: "Drift in {}, not confirmed.",
    Verdict.NEW: "Unlike the recent weeks: {}. Without data of last year the season cannot be "
    "ruled out.",
    Verdict.LEVEL_CHANGE: "Like the recent weeks, although last year changed at this time: {}.",
    Verdict.SEASONAL: "Only seasonal changes, as last year: {}.",
    Verdict.NONE: "A week as expected.",
}


def _weight(drifts: pd.DataFrame, names: ColumnNames) -> str:
    """Return whether another week could confirm these drifts."""
    decides = confirming(drifts)
    if decides.all():
        return "It takes more than one week to confirm a drift."
    if not decides.any():
        return "Signals of this kind never confirm a drift."
    never = joined(
        names.signal(row.about, row.column, row.segment) for row in each_row(drifts[~decides])
    )
    return f"It takes more than one week to confirm a drift, and {never} never can."
