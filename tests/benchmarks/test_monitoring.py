"""Counting is checked on weeks whose answer is known, looking on a small shop from start to end."""

import doctest
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.monitoring import outcome, plan
from benchmarks.monitoring.monitoring_notes import notes_of
from benchmarks.monitoring.monitoring_tables import rows_of
from benchmarks.monitoring.outcome import Calm, Planted, WeekOutcome
from benchmarks.monitoring.plan import WEEK, Case, Settings, list_cases, weeks_judged
from benchmarks.monitoring.shop_runs import folder_for, run_calm, run_planted
from benchmarks.monitoring.shops import PARAMS
from benchmarks.record import Row
from hemline.data.synthetic.planted_events import Event, Kind
from hemline.data.synthetic.world import ShopSize
from monitoring.evidently_workspace import plain_preset
from monitoring.monitor_params import MonitorParams
from monitoring.transactions import CATEGORIES

# Evidently 0.7.23 reaches for names that numpy and litestar have moved.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FULL = Settings.load("full")
START = date(2020, 3, 4)  # a Wednesday: the first day of a week


def seen(
    week_end: date,
    *,
    retrain: bool = False,
    confirmed: Sequence[str] = (),
    called: dict[str, tuple[str, ...]] | None = None,
) -> WeekOutcome:
    return WeekOutcome(
        week_end=week_end,
        has_last_year=True,
        retrain=retrain,
        confirmed=tuple(confirmed),
        candidates=(),
        called=called or {},
    )


def calm(weeks: Sequence[WeekOutcome], seed: int = 101) -> Calm:
    return Calm(seed=seed, weeks=tuple(weeks), preset={}, refused=())


def planted(weeks: Sequence[WeekOutcome], kind: Kind = "channel_shift") -> Planted:
    event = Event(kind=kind, date=START, until=None, size="medium")
    return Planted(seed=101, event=event, weeks=tuple(weeks), refused=())


def value(rows: Sequence[Row], case: str, model: str, metric: str) -> float:
    [row] = [row for row in rows if (row.case, row.model, row.metric) == (case, model, metric)]
    return row.value


@pytest.mark.parametrize("module", [outcome, plan])
def test_examples_in_docstrings_hold(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0


def test_two_alarms_in_half_a_year_are_four_a_year_and_seeds_are_averaged() -> None:
    weeks = [seen(START + n * WEEK, retrain=n in {3, 20}) for n in range(26)]
    quiet = [seen(START + n * WEEK) for n in range(26)]
    rows = rows_of([calm(weeks), calm(quiet, seed=102)], [], FULL)
    case, model = "nothing planted: weeks a year", "a drift alarm"
    assert value(rows, case, model, "a year") == (52 * 2 / 26 + 0) / 2
    assert value(rows, case, model, "with last year") == (52 * 2 / 26 + 0) / 2
    assert not [row for row in rows if row.metric == "before last year"]


@pytest.mark.parametrize(("n_weeks", "in_time"), [(1, 1.0), (2, 1.0), (3, 0.0)])
def test_an_event_is_seen_in_time_up_to_the_end_of_its_second_week(
    n_weeks: int, in_time: float
) -> None:
    confirmed = START + n_weeks * WEEK
    weeks = [
        seen(end, confirmed=["sales_channel_id in Menswear"] if end >= confirmed else [])
        for end in (START + n * WEEK for n in range(1, 5))
    ]
    rows = rows_of([calm(weeks)], [planted(weeks)], FULL)
    case = "planted channel_shift, confirmed"
    assert value(rows, case, "medium", "in 2 weeks") == in_time
    assert value(rows, case, "medium", "in 3 weeks") == 1
    assert value(rows, case, "medium", "wait") == n_weeks


def test_another_column_confirms_nothing_and_is_counted_apart() -> None:
    weeks = [seen(START + WEEK, retrain=True, confirmed=["price", "price in Divided", "club"])]
    rows = rows_of([calm(weeks)], [planted(weeks)], FULL)
    case = "planted channel_shift, confirmed"
    assert value(rows, case, "medium", "in 2 weeks") == 0
    assert value(rows, case, "medium", "any column") == 1
    assert value(rows, case, "medium", "besides") == len({"price", "club"})
    assert value(rows, case, "medium", "retrained") == 1
    assert not [row for row in rows if row.metric == "wait"]


def test_a_season_counts_only_when_it_returns_and_only_without_a_drift() -> None:
    again = date(2021, 3, 10)
    seasonal = {"seasonal": ("product_group_name",)}
    case = "planted season_change, its second year"
    detected = planted([seen(again, called=seasonal)], "season_change")
    too_early = planted([seen(START + WEEK, called=seasonal)], "season_change")
    also_drift = planted(
        [seen(again, called=seasonal), seen(again + WEEK, confirmed=["garment_group_name"])],
        "season_change",
    )
    cases = {"detected": (detected, 1), "too early": (too_early, 0), "drift": (also_drift, 0)}
    for shop, share in cases.values():
        rows = rows_of([calm([seen(again)])], [shop], FULL)
        assert value(rows, case, "medium", "seasonal and no drift") == share
        assert value(rows, case, "medium", "seasonal without it") == 0
        assert value(rows, case, "medium", "drift without it") == 0


def test_retrainings_after_an_event_stand_beside_those_without_it() -> None:
    ends = [START + n * WEEK for n in range(1, FULL.loop_weeks + 1)]
    with_event = planted([seen(end, retrain=end in {ends[1], ends[9]}) for end in ends])
    without = calm([seen(end, retrain=end == ends[4]) for end in ends])
    rows = rows_of([without], [with_event], FULL)
    case = f"retrainings in the {FULL.loop_weeks} weeks after an event"
    assert value(rows, case, "channel_shift, medium", "with the event") == 2
    assert value(rows, case, "channel_shift, medium", "without it") == 1


def test_notes_name_the_false_alarms() -> None:
    weeks = [seen(START, retrain=True, confirmed=["price"]), seen(START + WEEK, confirmed=["x"])]
    assert "False alarms named: price 1." in notes_of([calm(weeks)], [], FULL)


def test_every_seed_has_a_day_of_its_own_and_half_of_them_lie_inside_a_week() -> None:
    cases = [case for case in list_cases(FULL) if case.event.size == "small"]
    for kind in FULL.kinds:
        days = [case.event.date for case in cases if case.event.kind == kind]
        assert len(set(days)) == FULL.n_seeds
        assert sum(day + WEEK in FULL.weeks for day in days) == FULL.n_seeds / 2


def test_every_event_leaves_the_weeks_it_is_judged_by() -> None:
    for case in list_cases(FULL):
        weeks = weeks_judged(case.event, FULL)
        assert weeks[0] > case.event.date
        judged_from = case.event.date.replace(year=case.event.date.year + 1)
        start = judged_from if case.event.kind == "season_change" else case.event.date
        assert weeks[-1] >= start + 3 * WEEK


def test_a_case_goes_from_its_shop_to_its_outcome_once(tmp_path: Path) -> None:
    size = ShopSize(
        n_customers=1500, n_articles=400, first_day=date(2020, 6, 24), last_day=date(2020, 9, 22)
    )
    event = Event(kind="broken_column", date=date(2020, 9, 9), until=None, size="medium")
    settings = FULL.model_copy(update={"shop": size, "preset": {}, "follow_weeks": 1})
    params = MonitorParams.load(PARAMS).model_copy(update={"replicates": 20, "history_weeks": 4})
    folder = folder_for(tmp_path, settings, params)
    quiet = run_calm(101, settings, params, folder)
    broken = run_planted(Case(101, event), settings, params, folder)

    assert [week.week_end for week in broken.weeks] == [date(2020, 9, 16)]
    assert any("price lies between" in rule for rule in broken.refused)
    assert not quiet.refused
    assert not any(week.confirmed for week in quiet.weeks)
    for stored in folder.glob("*.parquet"):  # what a second run would need
        stored.unlink()
    assert run_calm(101, settings, params, folder) == quiet
    assert run_planted(Case(101, event), settings, params, folder) == broken


def test_other_numbers_have_another_folder(tmp_path: Path) -> None:
    params = MonitorParams.load(PARAMS)
    other = params.model_copy(update={"seed": params.seed + 1})
    assert folder_for(tmp_path, FULL, params) == folder_for(tmp_path, FULL, params)
    assert folder_for(tmp_path, FULL, params) != folder_for(tmp_path, FULL, other)


def test_the_plain_preset_names_what_changed_and_half_of_the_columns_are_the_dataset() -> None:
    week = pd.DataFrame({"price": [0.01, 0.02, 0.03, 0.04] * 300})
    week = week.assign(**dict.fromkeys(CATEGORIES, ["a", "b", "a", "c"] * 300))
    other = dict.fromkeys(CATEGORIES[:2], "b")
    assert plain_preset(week, week) == (False, ())
    assert plain_preset(week.assign(**other), week) == (False, CATEGORIES[:2])
    all_other = dict.fromkeys(CATEGORIES, "b")
    assert plain_preset(week.assign(**all_other), week) == (True, CATEGORIES)
