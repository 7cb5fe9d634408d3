"""Retrain or not, and why: from verdicts, the champion's performance, its age and past decisions.

A drift must occur in several of the last weeks, the last one included, and in the same direction,
before it counts: a sale and its end are two changes, not one that lasts. Only some signals can
confirm one (`verdict.can_confirm`). After a retraining because of a drift the same verdicts
continue until all recent weeks lie after the change, so for some weeks no drift causes another
retraining. The price: a second, different drift in these weeks waits, and the reasons name it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from monitoring.column_names import USUAL, ColumnNames
from monitoring.monitor_params import MonitorParams
from monitoring.records import DECISION_SCHEMA, PERFORMANCE_SCHEMA
from monitoring.verdict import Verdict, confirming, places

_WEEK_DAYS: Final = 7
_NORMAL_95: Final = 1.96
_OTHERS: Final = (Verdict.SEASONAL, Verdict.LEVEL_CHANGE, Verdict.NEW)


@dataclass(frozen=True)
class Decision:
    """What follows from a week.

    Attributes:
        week_end: the first day after the week.
        retrain: whether to start a training.
        pages_a_person: whether somebody has to act at once.
        confirmed: "column" or "column in segment" of the confirmed drifts.
        candidates: the same of drifts of this week that are not confirmed.
        reasons: sentences with the numbers behind all this.
        version: the champion; None without.
        model_age_days: days from the champion's cut to week_end; None without a champion, or with
            one whose cut lies later. In a replay it is assumed.
        map_at_12: of the champion on the week; None if unknown.
        popularity_map_at_12: of popularity on the same buyers.
    """

    week_end: date
    retrain: bool
    pages_a_person: bool
    confirmed: tuple[str, ...]
    candidates: tuple[str, ...]
    reasons: tuple[str, ...]
    version: str | None
    model_age_days: int | None
    map_at_12: float | None
    popularity_map_at_12: float | None


def decide(
    week_end: date,
    verdicts: pd.DataFrame,
    past_decisions: pd.DataFrame | None,
    performance: pd.DataFrame | None,
    model_age_days: int | None,
    params: MonitorParams,
    *,
    age_is_assumed: bool = False,
    names: ColumnNames = USUAL,
) -> Decision:
    """Return the decision about the week before week_end; rows of later weeks are ignored.

    Args:
        week_end: the first day after the week.
        verdicts: VERDICT_SCHEMA of it and the weeks before.
        past_decisions: DECISION_SCHEMA of earlier weeks; None or empty at first.
        performance: PERFORMANCE_SCHEMA of it and the weeks before; None or empty if not measured.
        model_age_days: from the champion's cut to week_end; None without a champion, or with one
            whose cut lies later.
        params: how many weeks confirm, cool down and make a model old.
        age_is_assumed: whether the age is that of a replay, and not the champion's own.
        names: of the columns, for the reasons.
    """
    drifts = _latest_drifts(week_end, verdicts, params)
    is_confirmed = drifts["n_weeks"] >= params.confirm_weeks
    confirmed = tuple(dict.fromkeys(drifts["place"][is_confirmed]))
    performance = _or_empty(performance, PERFORMANCE_SCHEMA.names)
    champion = _last(_of_week(performance, week_end))
    version = None if champion is None else champion["version"]
    measured = performance[performance["map_at_12"].notna()]
    now = _last(_of_week(measured, week_end))
    fell, performance_reason = _has_fallen(now, measured, params.min_past_weeks)
    waits = _cooling_down(week_end, _or_empty(past_decisions, DECISION_SCHEMA.names), params)
    causes = {
        "drift": bool(confirmed),
        "performance": fell is True,
        "age": model_age_days is not None and model_age_days > _max_age_days(params),
    }
    return Decision(
        week_end=week_end,
        retrain=any(holds and cause not in waits for cause, holds in causes.items()),
        pages_a_person=bool(confirmed) and fell is not False,
        confirmed=confirmed,
        candidates=tuple(dict.fromkeys(drifts["place"][~is_confirmed])),
        reasons=(
            *_drift_reasons(drifts, _of_week(verdicts, week_end), params, names),
            performance_reason,
            _age_reason(model_age_days, champion, params, is_assumed=age_is_assumed),
            *_wait_reasons(waits, params),
        ),
        version=None if version is None or pd.isna(version) else str(version),
        model_age_days=model_age_days,
        map_at_12=None if now is None else float(now["map_at_12"]),
        popularity_map_at_12=None if now is None else float(now["popularity_map_at_12"]),
    )


def _or_empty(records: pd.DataFrame | None, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=names) if records is None or records.empty else records


def _days(records: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(records["week_end"])


def _of_week(records: pd.DataFrame, week_end: date) -> pd.DataFrame:
    return records[_days(records) == pd.Timestamp(week_end)]


def _last(records: pd.DataFrame) -> "pd.Series[Any] | None":
    return None if records.empty else records.iloc[-1]


def _latest_drifts(week_end: date, verdicts: pd.DataFrame, params: MonitorParams) -> pd.DataFrame:
    """Return the latest row of each place whose family drifts this week.

    All habits are one family, for they measure one thing; any other place is its own. The column
    `n_weeks` counts in how many of the last weeks the family drifted; a week in which the same
    place moved in the other direction does not count, and is in `n_opposed`.
    """
    weeks = pd.date_range(end=week_end, periods=params.out_of_weeks, freq=f"{_WEEK_DAYS}D")
    is_drift = confirming(verdicts) & (verdicts["verdict"] == Verdict.DRIFT)
    drifts = verdicts[is_drift & _days(verdicts).isin(weeks)].assign(
        place=places,
        family=lambda rows: rows["place"].where(rows["about"] != "habits", "habits"),
    )
    today = _of_week(drifts, week_end)
    drifts = drifts[drifts["family"].isin(today["family"])]
    n_weeks_of = drifts.groupby("family")["week_end"].nunique()
    agrees = drifts[_agrees(drifts, today)]
    counted = agrees.assign(
        n_weeks=agrees.groupby("family")["week_end"].transform("nunique"),
        n_opposed=lambda rows: rows["family"].map(n_weeks_of) - rows["n_weeks"],
    ).sort_values(["week_end", "p_value"], ascending=[False, True], kind="stable")
    return counted.drop_duplicates(["family", "place"])


def _agrees(drifts: pd.DataFrame, today: pd.DataFrame) -> "pd.Series[bool]":
    """Return whether each drift moved its place as today's does, as far as that is known."""
    directions = dict(zip(today["place"], today["same_direction"], strict=True))
    weeks_today = {*_days(today)}

    def agrees(week: pd.Timestamp, place: str) -> bool:
        same = directions.get(place)
        return week in weeks_today or same is None or week.date() in same

    pairs = zip(_days(drifts), drifts["place"], strict=True)
    return pd.Series([agrees(*pair) for pair in pairs], drifts.index, bool)


def _drift_reasons(
    drifts: pd.DataFrame, week: pd.DataFrame, params: MonitorParams, names: ColumnNames
) -> list[str]:
    if not drifts.empty:
        rows: Any = drifts.itertuples()
        return [_drift_reason(row, params, names) for row in rows]
    tested = week[confirming(week)]
    if tested.empty:
        return ["No drift could be tested: the data hold too few earlier weeks."]
    counts = tested["verdict"].value_counts()
    others = [f"{counts[name]} {name}" for name in _OTHERS if name in counts]
    listed = f" ({', '.join(others)})" if others else ""
    return [f"No drift in purchases or habits: {len(tested)} signals were tested{listed}."]


def _drift_reason(row: Any, params: MonitorParams, names: ColumnNames) -> str:
    state = "confirmed" if row.n_weeks >= params.confirm_weeks else "not confirmed yet"
    opposed = f" and in {row.n_opposed} in the other" if row.n_opposed else ""
    return (
        f"Drift in {names.place(row.place)} ({row.about}) is {state}: detected in {row.n_weeks} of "
        f"the last {params.out_of_weeks} weeks in this direction{opposed}, {params.confirm_weeks} "
        "are needed. In the week before "
        f"{pd.Timestamp(row.week_end):%Y-%m-%d} it differs from the forecast by {row.effect:.3f}, "
        f"above the threshold of {row.threshold:.3f} (q = {row.q_value:.2g}; {row.moved})."
    )


def _has_fallen(
    now: "pd.Series[Any] | None", measured: pd.DataFrame, min_past_weeks: int
) -> tuple[bool | None, str]:
    """Return whether the champion does worse, None if unknown, and the reason.

    It does worse if it is not significantly better than popularity, or if its lead fell
    significantly below the median of its own earlier weeks. Weeks that can tell nothing, by their
    note, are no evidence and no past.
    """
    if now is None:
        return None, "The champion's MAP@12 on the week is unknown."
    lead, low, high = (float(now[name]) for name in ("difference", "low", "high"))
    numbers = (
        f"MAP@12 {now['map_at_12']:.4f} against {now['popularity_map_at_12']:.4f}, difference "
        f"{lead:+.4f} [{low:+.4f}, {high:+.4f}]"
    )
    if now["note"]:
        return None, f"Of the champion {now['note']}: {numbers}."
    if low <= 0:
        return True, f"The champion is not significantly better than popularity: {numbers}."
    is_past = (_days(measured) < pd.Timestamp(now["week_end"])) & (
        (measured["version"] == now["version"]) & (measured["note"] == "")
    )
    leads = measured.loc[is_past, "difference"].to_numpy(np.float64)
    better = f"The champion is significantly better than popularity: {numbers}"
    if len(leads) < min_past_weeks:
        return False, f"{better}. A fall is tested from {min_past_weeks} earlier weeks on."
    usual = float(np.median(leads))
    error = (high - low) / (2 * _NORMAL_95)
    spread = float(np.hypot(error, max(float(leads.std()), error / np.sqrt(len(leads)))))
    past = f"than in its {len(leads)} earlier weeks (median difference {usual:+.4f})"
    if lead < usual - _NORMAL_95 * spread:
        return True, f"The champion is significantly worse {past}: {numbers}."
    return False, f"{better}, and it is not significantly worse {past}."


def _max_age_days(params: MonitorParams) -> int:
    return _WEEK_DAYS * params.max_model_age_weeks


def _age_reason(
    model_age_days: int | None,
    champion: "pd.Series[Any] | None",
    params: MonitorParams,
    *,
    is_assumed: bool,
) -> str:
    if model_age_days is None:
        if champion is None or pd.isna(champion["version"]):
            return "There is no champion."
        cut = champion["version_cut"]
        return f"The champion was trained on later data (its cut is {cut}), so it has no age yet."
    limit = _max_age_days(params)
    state = f"{model_age_days} days old, {'above' if model_age_days > limit else 'within'}"
    subject = "In this replay the model counts as" if is_assumed else "The champion is"
    return f"{subject} {state} the limit of {limit} days."


def _cooling_down(
    week_end: date, past_decisions: pd.DataFrame, params: MonitorParams
) -> dict[str, int]:
    """Return the causes that cannot lead to a retraining yet, with the days since the last one.

    After a retraining because of a drift, drifts wait until the windows lie after that drift.
    Performance and age wait after any retraining, until its effect has been measured. Age waits no
    longer than a model may be old: what it trains is young, unless the gate refused it.
    """
    ago = (pd.Timestamp(week_end) - _days(past_decisions)).dt.days
    since = ago[past_decisions["retrain"].astype(bool) & (ago > 0)]
    since_drift = since[past_decisions.loc[since.index, "confirmed"].map(len) > 0]
    by_cause = {"drift": since_drift, "performance": since, "age": since}
    return {
        cause: int(days.min())
        for cause, days in by_cause.items()
        if not days.empty and days.min() <= _waiting_days(cause, params)
    }


def _waiting_days(cause: str, params: MonitorParams) -> int:
    """Return how many days after a retraining a cause leads to no other."""
    cool_down = _WEEK_DAYS * params.cool_down_weeks
    return min(cool_down, _max_age_days(params)) if cause == "age" else cool_down


def _wait_reasons(waits: Mapping[str, int], params: MonitorParams) -> list[str]:
    causes: dict[tuple[int, int], list[str]] = {}
    for cause, days in waits.items():
        causes.setdefault((days, _waiting_days(cause, params)), []).append(cause)
    return [
        f"A retraining was decided {days} days ago: another because of {' or '.join(names)} waits "
        f"until more than {limit} days have passed."
        for (days, limit), names in causes.items()
    ]
