"""What is told of a week: its data are late or break rules, it drifted, and the weekly digest.

Pure, and fed with plain values and the table of verdicts, so an alert can be composed for any past
week. Each says what happened, what the system has done already, and what to do first.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import pandas as pd

from monitoring.alerts.alert import Alert, AlertParams, Links, compose
from monitoring.alerts.verdict_table import confirmed_first, verdict_table, week_of
from monitoring.verdict import Verdict

_MAX_LISTED: Final = 8
_DIGESTED: Final = (Verdict.SEASONAL, Verdict.LEVEL_CHANGE, Verdict.NEW)


def data_late(
    week_end: date, *, latest_day: date | None, links: Links, params: AlertParams
) -> Alert:
    """Return the alert that a week's transactions are not all there.

    Args:
        week_end: the first day after the week.
        latest_day: the latest day that has transactions; None without any.
        links: address by name.
        params: owners and runbook.
    """
    found = "there are none at all" if latest_day is None else f"they end on {latest_day}"
    return compose(
        "data late",
        week_end,
        ["transactions"],
        title=f"The week before {week_end} has no complete data",
        happened=f"Transactions up to {week_end - timedelta(days=1)} were expected; {found}.",
        done="The week was not judged and calls for no training. The weekly training still runs "
        "and checks the tables by itself. The champion answers as before.",
        first_thing="Ask who delivers the transactions, then `dvc repro acquire` and "
        "`hemline monitor`. Nothing is lost: the week is judged when it is there.",
        links=links,
        params=params,
        is_urgent=False,
    )


def validation_failed(
    week_end: date | None, *, broken: Sequence[str], links: Links, params: AlertParams
) -> Alert:
    """Return the alert that tables break rules; broken says each rule and what was found."""
    return compose(
        "validation failed",
        week_end,
        ["tables"],
        title=f"The data break {_counted(len(broken), 'rule')}",
        happened=f"{_listed(broken)}.",
        done="Nothing was judged, and nothing that rests on the refused data was made. The weekly "
        "training still runs and checks the tables by itself. The champion answers as before.",
        first_thing=f"Open the data checks ({_checks(week_end)}) and see whether the delivery "
        "or the rule is wrong.",
        links=links,
        params=params,
        is_urgent=False,
    )


def drift_confirmed(
    week_end: date,
    *,
    confirmed: Sequence[str],
    reasons: Sequence[str],
    verdicts: pd.DataFrame,
    retrain: bool,
    pages_a_person: bool,
    links: Links,
    params: AlertParams,
) -> Alert:
    """Return the alert that the shop has changed and not by the season.

    Args:
        week_end: the first day after the week.
        confirmed: "column" or "column in segment", at least one.
        reasons: the decision's sentences.
        verdicts: the week's verdicts; rows of other weeks are left out.
        retrain: whether the decision started a training.
        pages_a_person: whether recommendations suffer already.
        links: address by name.
        params: owners and runbook.
    """
    started = f"A training on everything known before {week_end} was started by itself. "
    kept = "No training was started; the reasons say why. "
    columns = {place.partition(" in ")[0] for place in confirmed}
    return compose(
        "drift confirmed",
        week_end,
        sorted(columns),
        title=f"Not the season: {', '.join(sorted(columns))} changed in the week before {week_end}",
        happened=f"Confirmed: {_listed(confirmed)}. {_sentences(reasons)}",
        done=(started if retrain else kept)
        + "A new model goes live only if it passes the gate; until then the champion answers.",
        first_thing="See in the table which way it moved, and ask whether the shop knows why: a "
        "price round, a closed channel, a wrong export. A wrong export is the one to stop.",
        table=verdict_table(confirmed_first(week_of(verdicts, week_end), confirmed)),
        links=links,
        params=params,
        is_urgent=pages_a_person,
    )


def digest(
    week_end: date,
    *,
    verdicts: pd.DataFrame,
    held_back: Sequence[str],
    links: Links,
    params: AlertParams,
) -> Alert:
    """Return the weekly digest; a quiet week has one too, so that silence means a broken monitor.

    Args:
        week_end: the first day after the week.
        verdicts: the week's verdicts; rows of other weeks are left out.
        held_back: titles of the alerts of this week that cool-down held back.
        links: address by name.
        params: owners and runbook.
    """
    week = week_of(verdicts, week_end)
    moved = week[week["verdict"].isin(_DIGESTED)]
    counts = {verdict: int((moved["verdict"] == verdict).sum()) for verdict in _DIGESTED}
    found = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    n_drifts = int((week["verdict"] == Verdict.DRIFT).sum())
    found += [f"{n_drifts} drift"] if n_drifts else []
    quiet = "Held back by cool-down: " + _listed(held_back) if held_back else "No alert held back"
    return compose(
        "digest",
        week_end,
        ["season"],
        title=f"The season in the week before {week_end}: {', '.join(found) or 'nothing moved'}",
        happened=f"Of {len(week)} verdicts {len(moved)} moved without being drift, {n_drifts} are "
        f"drift, of which there is an alert of its own once it is confirmed. {quiet}.",
        done="Nothing: seasonal is movement along last year's step (a weak sign), a level change "
        "departs from last year only, and new departs from the recent weeks and has no last year "
        "to compare with.",
        first_thing="Nothing. What is new and large is worth a look at the season page.",
        table=verdict_table(moved.sort_values("effect", ascending=False, kind="stable")),
        links=links,
        params=params,
        is_urgent=False,
    )


def _checks(week_end: date | None) -> str:
    """Return where the page of the checks lies: a week's own, or that of the whole tables."""
    if week_end is None:
        return "`data/validation/index.html`"
    return f"`.hemline/monitoring/pages/{week_end}/checks/index.html`"


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


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
