"""Retrain or not, and why: pure, from verdicts, the champion's numbers, its age and past decisions.

A drift must speak in several of the last weeks, the last one included, before it is believed, and
only some signals can confirm one (`verdict.can_confirm`). After a retraining on a drift the same
verdicts go on until the recent weeks have all seen it, so for some weeks no drift retrains again.
The price: a second, different drift within these weeks waits, and the reasons say so.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from monitoring.monitor_params import MonitorParams
from monitoring.verdict import Verdict, confirming, places

_WEEK_DAYS: Final = 7
_NORMAL_95: Final = 1.96


@dataclass(frozen=True)
class Decision:
    """What is done about a week.

    Attributes:
        week_end: the first day after the week.
        retrain: whether a training is to be started.
        pages_a_person: whether somebody has to look at once.
        confirmed: "column" or "column in segment" of the confirmed drifts.
        candidates: the same of drifts of this week that are not confirmed.
        reasons: sentences with the numbers behind the above.
        version: the champion; None without.
        model_age_days: days from the champion's cut to week_end; None without a champion.
        map_at_12: of the champion on the week; None where it is not known.
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
) -> Decision:
    """Return what is done about the week before week_end; rows of later weeks are not looked at.

    Args:
        week_end: the first day after the week.
        verdicts: VERDICT_SCHEMA of it and the weeks before.
        past_decisions: DECISION_SCHEMA of earlier weeks; None or empty at first.
        performance: PERFORMANCE_SCHEMA of it and the weeks before; None or empty if not measured.
        model_age_days: from the champion's cut to week_end; None without a champion.
        params: how many weeks confirm, cool down and make a model old.
    """
    confirmed, candidates, drift_said = _drifts(week_end, verdicts, params)
    now, past = _performance_of(week_end, performance)
    fell, performance_said = _has_fallen(now, past, params.min_past_weeks)
    wanted = {
        "drift": bool(confirmed),
        "performance": fell is True,
        "age": _is_old(model_age_days, params),
    }
    resting, rest_said = _resting(week_end, past_decisions, params)
    number = None if now is None else float(now["map_at_12"])
    return Decision(
        week_end=week_end,
        retrain=any(wanted[cause] and cause not in resting for cause in wanted),
        pages_a_person=bool(confirmed) and fell is not False,
        confirmed=confirmed,
        candidates=candidates,
        reasons=(*drift_said, performance_said, _age_said(model_age_days, params), *rest_said),
        version=_version(week_end, performance),
        model_age_days=model_age_days,
        map_at_12=number,
        popularity_map_at_12=None if now is None else float(now["popularity_map_at_12"]),
    )


def _drifts(
    week_end: date, verdicts: pd.DataFrame, params: MonitorParams
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return confirmed drifts, those of this week alone, and sentences about both."""
    weeks = [week_end - timedelta(days=_WEEK_DAYS * back) for back in range(params.out_of_weeks)]
    lately = verdicts[_days(verdicts["week_end"]).isin(_days(pd.Series(weeks, dtype=object)))]
    drifts = lately[confirming(lately) & (lately["verdict"] == Verdict.DRIFT)].assign(
        place=places, family=_families
    )
    n_weeks: Any = drifts.groupby("family")["week_end"].nunique().to_dict()
    today = drifts.loc[_days(drifts["week_end"]) == pd.Timestamp(week_end), "family"]
    latest = drifts[drifts["family"].isin(today)].sort_values(
        ["week_end", "p_value"], ascending=[False, True], kind="stable"
    )
    latest = latest.drop_duplicates(["family", "place"])
    is_confirmed = latest["family"].map(n_weeks) >= params.confirm_weeks
    confirmed = tuple(dict.fromkeys(latest["place"][is_confirmed]))
    candidates = tuple(dict.fromkeys(latest["place"][~is_confirmed]))
    rows: Any = latest.itertuples()
    said = [_said(row, n_weeks[row.family], params) for row in rows]
    return confirmed, candidates, said or [_silence(lately, week_end)]


def _days(days: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(days)


def _families(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return what is confirmed together: all habits, which tell of one thing, or one place."""
    return places(rows).where(rows["about"] != "habits", "habits")


def _said(row: Any, n_weeks: int, params: MonitorParams) -> str:
    state = "is confirmed" if n_weeks >= params.confirm_weeks else "is a candidate"
    return (
        f"A drift of {row.place} ({row.about}) {state}: in {n_weeks} of the last "
        f"{params.out_of_weeks} weeks, where {params.confirm_weeks} confirm; the week before "
        f"{_days(pd.Series([row.week_end]))[0]:%Y-%m-%d} misses what was expected by "
        f"{row.effect:.3f}, where {row.threshold:.3f} is noticed (q = {row.q_value:.2g}; "
        f"{row.moved})."
    )


def _silence(lately: pd.DataFrame, week_end: date) -> str:
    is_today = _days(lately["week_end"]) == pd.Timestamp(week_end)
    today = lately[is_today & confirming(lately)]
    if today.empty:
        return "Nothing that is bought could be compared: there are too few weeks before this one."
    counts = today["verdict"].value_counts()
    others = [f"{counts[name]} {name}" for name in _OTHERS if name in counts]
    known = f" ({', '.join(others)})" if others else ""
    return f"No drift of what is bought among {len(today)} signals of the week{known}."


def _performance_of(
    week_end: date, performance: pd.DataFrame | None
) -> tuple["pd.Series[Any] | None", pd.DataFrame]:
    """Return the week's row, None without a number, and earlier rows of the same champion."""
    if performance is None or performance.empty:
        return None, pd.DataFrame()
    measured = performance[performance["map_at_12"].notna()]
    days = _days(measured["week_end"])
    today = measured[days == pd.Timestamp(week_end)]
    if today.empty:
        return None, pd.DataFrame()
    now = today.iloc[-1]
    earlier = (days < pd.Timestamp(week_end)) & (measured["version"] == now["version"])
    return now, measured[earlier]


def _has_fallen(
    now: "pd.Series[Any] | None", past: pd.DataFrame, min_past_weeks: int
) -> tuple[bool | None, str]:
    """Return whether the champion does worse, None where it is not known, and a sentence."""
    if now is None:
        return None, "How the champion did on the week is not known."
    lead, low, high = (float(now[name]) for name in ("difference", "low", "high"))
    said = (
        f"The champion's MAP@12 is {now['map_at_12']:.4f} against "
        f"{now['popularity_map_at_12']:.4f} of popularity, a lead of "
        f"{lead:+.4f} [{low:+.4f}, {high:+.4f}]"
    )
    if low <= 0:
        return True, f"{said}: not above popularity beyond luck."
    if len(past) < min_past_weeks:
        return False, f"{said}; {len(past)} earlier weeks of it are too few to compare with."
    leads = past["difference"].to_numpy(np.float64)
    usual = float(np.median(leads))
    error = (high - low) / (2 * _NORMAL_95)
    spread = float(np.hypot(error, max(float(leads.std()), error / np.sqrt(len(leads)))))
    if lead < usual - _NORMAL_95 * spread:
        return True, f"{said}: fallen from {usual:+.4f} in its {len(past)} earlier weeks."
    return False, f"{said}, as in its {len(past)} earlier weeks ({usual:+.4f})."


def _version(week_end: date, performance: pd.DataFrame | None) -> str | None:
    if performance is None or performance.empty:
        return None
    today = performance[_days(performance["week_end"]) == pd.Timestamp(week_end)]
    version = today["version"].iloc[-1] if len(today) else None
    return None if version is None or pd.isna(version) else str(version)


def _is_old(model_age_days: int | None, params: MonitorParams) -> bool:
    return model_age_days is not None and model_age_days > _WEEK_DAYS * params.max_model_age_weeks


def _age_said(model_age_days: int | None, params: MonitorParams) -> str:
    limit = _WEEK_DAYS * params.max_model_age_weeks
    if model_age_days is None:
        return "There is no champion whose age counts."
    state = "older than" if model_age_days > limit else "within"
    return f"The champion is {model_age_days} days old, {state} the {limit} days it may become."


def _resting(
    week_end: date, past_decisions: pd.DataFrame | None, params: MonitorParams
) -> tuple[frozenset[str], list[str]]:
    """Return what cannot call for a retraining so soon after another, and a sentence about it.

    A drift waits for the references to move past the drift that was trained on; a weak or an old
    champion, until what was trained for any reason has had its weeks.
    """
    if past_decisions is None or past_decisions.empty:
        return frozenset(), []
    ago = (pd.Timestamp(week_end) - _days(past_decisions["week_end"])).dt.days
    since = ago[past_decisions["retrain"].astype(bool) & (ago > 0)]
    for_drift = past_decisions.loc[since.index, "confirmed"].map(len) > 0
    rest_days = _WEEK_DAYS * params.cool_down_weeks
    rests = {
        cause: min(days)
        for cause, days in (("drift", since[for_drift]), ("performance", since), ("age", since))
        if len(days) and min(days) <= rest_days
    }
    said = [
        f"A retraining was decided {days} days ago; another for {cause} waits until more than "
        f"{rest_days} days have passed."
        for cause, days in rests.items()
    ]
    return frozenset(rests), said


_OTHERS: Final = (Verdict.SEASONAL, Verdict.LEVEL_CHANGE, Verdict.NEW, Verdict.DRIFT)
