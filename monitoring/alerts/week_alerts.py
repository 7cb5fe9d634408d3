"""Alerts about a week: its data are late or break rules, it drifted, and the weekly digest.

Pure functions of plain values and the table of verdicts, so an alert can be composed for any week.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import pandas as pd

from monitoring.alerts.alert import AlertDraft, Table
from monitoring.column_names import USUAL, ColumnNames
from monitoring.decision import Decision
from monitoring.verdict import Verdict, places

_MAX_LISTED: Final = 8
_MAX_ROWS: Final = 12
_REPORTED: Final = (Verdict.SEASONAL, Verdict.LEVEL_CHANGE, Verdict.NEW)
_HEADING: Final = ("column", "segment", "verdict", "effect", "threshold", "moved")
_STILL_RUNS: Final = (
    "The weekly training still runs and checks its tables itself. "
    "The champion keeps serving recommendations."
)
_NO_WEEK_IS_LOST: Final = "No week is lost: the monitor catches up on every missed week."


def data_late(week_end: date, latest_day: date | None) -> AlertDraft:
    """Return the alert that transactions of a week are missing.

    Args:
        week_end: the first day after the week.
        latest_day: the latest day that has transactions; None without any.
    """
    last = "There are none" if latest_day is None else f"The last ones are from {latest_day}"
    return AlertDraft(
        kind="data late",
        week_end=week_end,
        subjects=("transactions",),
        title=f"Transactions are missing for the week before {week_end}",
        happened=f"Transactions were expected up to {week_end - timedelta(days=1)}. {last}.",
        done=f"The week was not evaluated, and it started no training. {_STILL_RUNS}",
        first_thing="Ask whoever delivers the transactions when they will arrive. After that, run "
        f"`dvc repro acquire` and `hemline monitor`. {_NO_WEEK_IS_LOST}",
    )


def validation_failed(week_end: date | None, broken: Sequence[str]) -> AlertDraft:
    """Return the alert that tables break rules; broken is each rule and what was observed.

    Args:
        week_end: the first day after the week; None where the rules are those of all tables.
        broken: at least one.
    """
    page = f".hemline/monitoring/pages/{week_end}/checks" if week_end else "data/validation"
    return AlertDraft(
        kind="validation failed",
        week_end=week_end,
        subjects=("tables",),
        title=f"The data break {len(broken)} rule{'s' * (len(broken) > 1)}",
        happened=f"Broken: {_listed(broken)}.",
        done="Nothing was evaluated, and nothing was built from the rejected data. " + _STILL_RUNS,
        first_thing=f"Open the validation report (`{page}/index.html`). Decide whether the "
        "delivery or the rule is wrong, and correct it.",
    )


def tables_not_updated(message: str, *, failed: str = "Stage acquire") -> AlertDraft:
    """Return the alert that the tables are old, which need not be the fault of the data.

    Args:
        message: of what failed.
        failed: which step it was.
    """
    return AlertDraft(
        kind="validation failed",
        week_end=None,
        subjects=("tables",),
        title="The tables could not be updated",
        happened=f"{failed} failed. Error message: {message}",
        done=f"Nothing was evaluated. {_STILL_RUNS}",
        first_thing="Fix what the error message names, then run `hemline monitor`. "
        + _NO_WEEK_IS_LOST,
    )


def drift_confirmed(
    decision: Decision, verdicts: pd.DataFrame, names: ColumnNames = USUAL
) -> AlertDraft:
    """Return the alert that the shop has changed and the season does not explain it.

    Args:
        decision: with at least one confirmed drift.
        verdicts: the week's verdicts; rows of other weeks are left out.
        names: of the columns.
    """
    week_end, confirmed = decision.week_end, decision.confirmed
    columns = sorted({place.partition(" in ")[0] for place in confirmed})
    training = (
        f"A training on all data before {week_end} starts automatically. Its model goes live only "
        "if it passes the gate."
        if decision.retrain
        else "No training was started; the reasons above say why."
    )
    worse = " Recommendations may be worse already." if decision.pages_a_person else ""
    return AlertDraft(
        kind="drift confirmed",
        week_end=week_end,
        subjects=tuple(columns),
        title=f"{', '.join(map(names.label, columns))} changed more than the season explains, "
        f"week before {week_end}",
        happened=f"Drift is confirmed in: {_listed([*map(names.place, confirmed)])}.{worse} "
        + _sentences(decision.reasons),
        done=f"{training} The champion keeps serving recommendations.",
        first_thing="See in the table what moved. Find out whether the shop knows why: new prices, "
        "a closed channel, a campaign, or a wrong export. If the export is wrong, correct it and "
        "train again: otherwise the model learns from it.",
        table=_verdict_table(_confirmed_first(_of_week(verdicts, week_end), confirmed), names),
        is_urgent=decision.pages_a_person,
    )


def digest(
    week_end: date, verdicts: pd.DataFrame, held_back: Sequence[str], names: ColumnNames = USUAL
) -> AlertDraft:
    """Return the weekly digest; a quiet week has one too, so that silence means a broken monitor.

    Args:
        week_end: the first day after the week.
        verdicts: the week's verdicts; rows of other weeks are left out.
        held_back: titles of the alerts of this week that cool-down held back.
        names: of the columns.
    """
    week = _of_week(verdicts, week_end)
    counts = week["verdict"].value_counts()
    kinds = (*_REPORTED, Verdict.DRIFT)
    result = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if kind in counts)
    moved = week[week["verdict"].isin(_REPORTED)]
    held = f"Held back by cool-down: {_listed(held_back)}" if held_back else "No alert held back"
    return AlertDraft(
        kind="digest",
        week_end=week_end,
        subjects=("season",),
        title=f"Week before {week_end}: {result or 'nothing moved'}",
        happened=f"{len(week)} signals were evaluated: {result or 'nothing moved'}. A drift has an "
        f"alert of its own once it is confirmed. {held}.",
        done="Nothing: none of this starts a training. "
        + " ".join(f"{kind.capitalize()}: {kind.meaning}" for kind in _REPORTED),
        first_thing="Nothing. If something new is large, look at the dashboard.",
        table=_verdict_table(moved.sort_values("effect", ascending=False, kind="stable"), names),
    )


def _of_week(verdicts: pd.DataFrame, week_end: date) -> pd.DataFrame:
    return verdicts[verdicts["week_end"] == week_end]


def _confirmed_first(week: pd.DataFrame, confirmed: Sequence[str]) -> pd.DataFrame:
    """Return the confirmed rows, then those that drift this week without being confirmed."""
    week = week.assign(is_confirmed=places(week).isin(list(confirmed)))
    shown = week[week["is_confirmed"] | (week["verdict"] == Verdict.DRIFT)]
    return shown.sort_values(["is_confirmed", "effect"], ascending=False, kind="stable")


def _verdict_table(verdicts: pd.DataFrame, names: ColumnNames) -> Table:
    """Return heading and at most twelve rows as text, and a last row that counts the others."""
    if verdicts.empty:
        return ()
    first = verdicts.head(_MAX_ROWS)[list(_HEADING)]
    shown: Any = first.assign(column=first["column"].map(names.label)).itertuples(index=False)
    rows = [tuple(map(_cell, row)) for row in shown]
    n_more = len(verdicts) - len(rows)
    more = [(f"and {n_more} more", *[""] * (len(_HEADING) - 1))] if n_more else []
    return (_HEADING, *rows, *more)


def _cell(value: str | float) -> str:
    """Return a text as it is, a number with three decimals, nothing for what was not measured."""
    if isinstance(value, str):
        return str(value)
    return "" if math.isnan(value) else f"{value:.3f}"


def _sentences(reasons: Sequence[str]) -> str:
    """Return the reasons as sentences.

    >>> _sentences(["two of three weeks", "MAP@12 fell."])
    'Two of three weeks. MAP@12 fell.'
    """
    return " ".join(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in reasons if text)


def _listed(things: Sequence[str]) -> str:
    """Return the things in a row, the first eight of them.

    >>> _listed(["a.", "b"])
    'a; b'
    """
    more = [f"and {len(things) - _MAX_LISTED} more"] if len(things) > _MAX_LISTED else []
    return "; ".join([*(thing.rstrip(".") for thing in things[:_MAX_LISTED]), *more])
