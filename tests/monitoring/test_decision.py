"""Every branch of the decision, as a table of small worlds."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from monitoring.column_names import ColumnNames
from monitoring.decision import Decision, decide
from monitoring.monitor_params import MonitorParams

PARAMS = MonitorParams.load(Path("params.yaml"))
WEEK_END = date(2020, 3, 18)
WEEK = timedelta(weeks=1)


def verdicts(*weeks: dict[str, str], about: str = "transactions") -> pd.DataFrame:
    """Return VERDICT_SCHEMA of the last weeks, the latest last; a week is {column: verdict}."""
    rows = [
        {
            "week_end": WEEK_END - (len(weeks) - 1 - place) * WEEK,
            "about": about,
            "column": column.partition("@")[0],
            "segment": column.partition("@")[2] or "all",
            "n": 900,
            "effect": 0.12,
            "effect_recent": 0.12,
            "effect_last_year": 0.1,
            "threshold": 0.05,
            "p_value": 1e-6,
            "q_value": 1e-4,
            "verdict": verdict,
            "moved": "2: 71 % -> 83 %",
            "same_direction": None,  # as in records of earlier code
        }
        for place, week in enumerate(weeks)
        for column, verdict in week.items()
    ]
    return pd.DataFrame(rows)


def performance(*leads: float, half: float = 0.005) -> pd.DataFrame:
    """Return PERFORMANCE_SCHEMA of version 3 in the last weeks, the latest last."""
    return pd.DataFrame(
        {
            "week_end": [WEEK_END - back * WEEK for back in range(len(leads) - 1, -1, -1)],
            "version": "3",
            "map_at_12": [0.02 + lead for lead in leads],
            "popularity_map_at_12": 0.02,
            "difference": list(leads),
            "low": [lead - half for lead in leads],
            "high": [lead + half for lead in leads],
            "note": "",
        }
    )


def past(week_end: date, confirmed: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame([{"week_end": week_end, "retrain": True, "confirmed": confirmed}])


def decided(
    seen: pd.DataFrame,
    *,
    before: pd.DataFrame | None = None,
    measured: pd.DataFrame | None = None,
    age: int | None = 14,
    params: MonitorParams = PARAMS,
) -> Decision:
    return decide(WEEK_END, seen, before, measured, age, params)


DRIFT, QUIET = {"price": "drift"}, {"price": "none"}


@pytest.mark.parametrize(
    ("weeks", "confirmed", "candidates"),
    [
        ((QUIET, QUIET, QUIET), (), ()),
        ((QUIET, QUIET, DRIFT), (), ("price",)),
        ((QUIET, DRIFT, DRIFT), ("price",), ()),
        ((DRIFT, QUIET, DRIFT), ("price",), ()),
        ((DRIFT, DRIFT, QUIET), (), ()),
        (({"price": "seasonal"}, {"price": "new"}, {"price": "level change"}), (), ()),
        (
            (QUIET, {"price@Menswear": "drift"}, {"price@Menswear": "drift"}),
            ("price in Menswear",),
            (),
        ),
    ],
)
def test_two_of_three_weeks_confirm_a_drift(
    weeks: tuple[dict[str, str], ...], confirmed: tuple[str, ...], candidates: tuple[str, ...]
) -> None:
    decision = decided(verdicts(*weeks))
    assert decision.confirmed == confirmed
    assert decision.candidates == candidates
    assert decision.retrain == bool(confirmed)


BOTH_BEFORE = [WEEK_END - 2 * WEEK, WEEK_END - WEEK]


@pytest.mark.parametrize(
    ("same_direction", "n_weeks", "n_opposed"),
    [(BOTH_BEFORE, 3, 0), (BOTH_BEFORE[:1], 2, 1), ([], 1, 2)],
)
def test_only_weeks_that_moved_the_same_way_confirm_a_drift(
    same_direction: list[date], n_weeks: int, n_opposed: int
) -> None:
    seen = verdicts(DRIFT, DRIFT, DRIFT)
    seen["same_direction"] = [[], [], same_direction]
    decision = decided(seen)
    assert decision.confirmed == (("price",) if n_weeks > 1 else ())
    opposed = f" and in {n_opposed} in the other" if n_opposed else ""
    found = f"detected in {n_weeks} of the last 3 weeks in this direction{opposed}, 2 are needed"
    assert found in decision.reasons[0]


def test_habits_confirm_each_other_and_all_that_broke_are_named() -> None:
    seen = verdicts({"taste": "drift"}, {"index_name": "drift", "taste": "drift"}, about="habits")
    assert set(decided(seen).confirmed) == {"taste", "index_name"}
    by_turns = verdicts({"index_name": "drift"}, {"taste": "drift"}, about="habits")
    assert set(decided(by_turns).confirmed) == {"taste", "index_name"}


@pytest.mark.parametrize("about", ["shop", "recommendations"])
def test_what_follows_from_purchases_confirms_nothing(about: str) -> None:
    decision = decided(verdicts(DRIFT, DRIFT, DRIFT, about=about))
    assert (decision.confirmed, decision.candidates, decision.retrain) == ((), (), False)


def test_weeks_before_the_last_three_are_forgotten() -> None:
    assert decided(verdicts(DRIFT, QUIET, QUIET, DRIFT)).confirmed == ()


@pytest.mark.parametrize(("weeks_ago", "retrains"), [(1, False), (8, False), (9, True)])
def test_after_a_retraining_on_a_drift_none_follows_for_some_weeks(
    weeks_ago: int, *, retrains: bool
) -> None:
    before = past(WEEK_END - weeks_ago * WEEK, ("sales_channel_id",))
    decision = decided(verdicts(DRIFT, DRIFT), before=before)
    assert decision.confirmed == ("price",)
    assert decision.retrain == retrains
    assert any("waits" in reason for reason in decision.reasons) != retrains


def test_a_retraining_for_age_does_not_hold_back_one_for_a_drift() -> None:
    assert decided(verdicts(DRIFT, DRIFT), before=past(WEEK_END - WEEK, ())).retrain


@pytest.mark.parametrize(("age", "retrains"), [(56, False), (57, True), (None, False)])
def test_an_old_model_is_retrained(age: int | None, *, retrains: bool) -> None:
    decision = decided(verdicts(QUIET), age=age)
    assert decision.retrain == retrains
    assert not decision.pages_a_person


@pytest.mark.parametrize(("weeks_ago", "retrains"), [(4, False), (5, True)])
def test_age_waits_no_longer_than_a_model_may_be_old(weeks_ago: int, *, retrains: bool) -> None:
    params = PARAMS.model_copy(update={"max_model_age_weeks": 4})
    before = past(WEEK_END - weeks_ago * WEEK, ("price",))
    decision = decided(verdicts(DRIFT, DRIFT), age=35, before=before, params=params)
    assert decision.retrain == retrains
    waits = [reason for reason in decision.reasons if "waits" in reason]
    assert any("because of drift or performance waits until more than 56" in one for one in waits)
    assert any("because of age waits until more than 28" in one for one in waits) != retrains


def test_a_week_that_can_tell_nothing_is_no_evidence_against_the_champion() -> None:
    told_nothing = performance(0.02, half=0.9).assign(note="inconclusive: fewer than 50")
    decision = decided(verdicts(QUIET), measured=told_nothing)
    assert not decision.retrain
    assert any("inconclusive: fewer than 50: MAP@12 0.0400" in one for one in decision.reasons)


def test_a_champion_no_better_than_popularity_is_retrained() -> None:
    decision = decided(verdicts(QUIET), measured=performance(0.004))
    assert decision.retrain
    assert any("not significantly better than popularity" in reason for reason in decision.reasons)
    assert decision.map_at_12 == pytest.approx(0.024)
    assert decision.version == "3"


def test_a_champion_that_fell_against_its_own_weeks_is_retrained() -> None:
    fallen = decided(verdicts(QUIET), measured=performance(0.03, 0.031, 0.029, 0.01))
    assert fallen.retrain
    assert not decided(verdicts(QUIET), measured=performance(0.03, 0.031, 0.029, 0.028)).retrain
    assert not decided(verdicts(QUIET), measured=performance(0.03, 0.01)).retrain


def test_a_weak_champion_waits_after_any_retraining() -> None:
    decision = decided(
        verdicts(QUIET), measured=performance(0.004), before=past(WEEK_END - WEEK, ())
    )
    assert not decision.retrain


@pytest.mark.parametrize(
    ("leads", "pages"), [((0.03, 0.03, 0.03, 0.03), False), ((0.004,), True), ((), True)]
)
def test_a_person_is_paged_when_a_confirmed_drift_hurts_or_might(
    leads: tuple[float, ...], *, pages: bool
) -> None:
    decision = decided(verdicts(DRIFT, DRIFT), measured=performance(*leads))
    assert decision.pages_a_person == pages
    assert any("is unknown" in reason for reason in decision.reasons) == (not leads)


def test_a_fallen_champion_without_a_drift_pages_nobody() -> None:
    assert not decided(verdicts(QUIET), measured=performance(0.004)).pages_a_person


def test_reasons_carry_the_numbers() -> None:
    reasons = decided(verdicts(DRIFT, DRIFT), measured=performance(0.03)).reasons
    text = " ".join(reasons)
    for number in ("0.120", "0.050", "2 of the last 3", "71 % -> 83 %", "0.0500", "14 days"):
        assert number in text


def test_product_groups_within_an_index_group_say_where_and_confirm_nothing() -> None:
    week = {"product_group_name@Menswear": "drift", "price@Menswear": "drift"}
    decision = decided(verdicts(week, week))
    assert decision.confirmed == ("price in Menswear",)
    assert decision.candidates == ()


def test_reasons_call_a_column_as_the_shop_does() -> None:
    week = {"product_group_name@France": "none", "index_name": "drift"}
    names = ColumnNames({"index_name": "Range"})
    decided = decide(WEEK_END, verdicts(week, week), None, None, 14, PARAMS, names=names)
    assert decided.confirmed == ("index_name",)
    assert decided.reasons[0].startswith(
        "Drift in Range (transactions) is confirmed: detected in 2"
    )
