from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from hemline.errors import BadInput
from hemline.experiments.assignment import EXPOSURE
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.observations import Observations, observe
from hemline.experiments.readout import LookPlan, Readout, read_out

START = datetime(2020, 9, 1, tzinfo=UTC)
LAST_LOOK = LookPlan((0.5, 1.0), is_look=True, is_last=True, planned_error=0.05, alpha=0.05)
BETWEEN = LookPlan((0.7,), is_look=False, is_last=False, planned_error=0.05, alpha=0.05)


def event(
    hours: float,
    visitor: str,
    kind: str,
    *,
    units: int = 1,
    price: float | None = None,
    arm: str = "",
) -> dict[str, object]:
    context = {"experiment": "prices", "arm": arm} if arm else {}
    at = np.datetime64((START + timedelta(hours=hours)).replace(tzinfo=None), "ms")
    return {
        "at": at, "kind": kind, "visitor": visitor, "units": units, "price": price,
        "context": context,
    }  # fmt: skip


def seen_of(control: np.ndarray, treatment: np.ndarray, **others: np.ndarray) -> Observations:
    """Units with these revenues, who were exposed three weeks ago."""
    n = len(control) + len(treatment)
    revenue = np.concatenate([control, treatment])
    values = {
        "orders": np.ones(n), "unlikes": np.zeros(n), "returns": np.zeros(n),
        "units_bought": np.ones(n), "baskets": np.ones(n), "came_back": np.zeros(n),
        "early_revenue": revenue / 3, **others,
    }  # fmt: skip
    return Observations(
        unit=np.arange(n).astype(str).astype(object),
        is_treated=np.repeat([False, True], [len(control), len(treatment)]),
        exposed_at=np.full(n, np.datetime64("2020-09-01T00:00", "ms")),
        revenue=revenue,
        early_days=np.full(n, 7.0),
        days=np.full(n, 21.0),
        **values,
    )


def drawn(lift: float, n: int = 2000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.exponential(1.0, n), rng.exponential(1.0 + lift, n)


def verdict(lift: float, plan: LookPlan = LAST_LOOK, seed: int = 1) -> Readout:
    return read_out(seen_of(*drawn(lift, seed=seed)), plan, Guardrails())


def test_a_unit_counts_from_its_first_exposure_to_now() -> None:
    events = pd.DataFrame(
        [
            event(-1, "customer:a", "purchase", price=50.0),
            event(0, "customer:a", EXPOSURE, arm="treatment"),
            event(1, "customer:a", "purchase", price=10.0, units=2),
            event(2, "customer:a", "unlike"),
            event(3, "customer:a", EXPOSURE, arm="treatment"),
            event(24 * 8, "customer:a", "return", price=10.0),
            event(5, "customer:b", EXPOSURE, arm="control"),
            event(6, "customer:stranger", "purchase", price=99.0),
            event(24 * 10, "customer:b", "purchase", price=70.0),
            event(24 * 30, "customer:b", "purchase", price=5.0),
        ]
    ).sort_values("at")
    seen = observe(events, "prices", until=START + timedelta(days=20), cap=40.0)
    assert seen.unit.tolist() == ["customer:a", "customer:b"]
    assert seen.is_treated.tolist() == [True, False]
    assert seen.revenue.tolist() == [20.0 - 10.0, 40.0]  # the second was capped
    assert seen.early_revenue.tolist() == [20.0, 0.0]
    assert seen.orders.tolist() == [1.0, 1.0]
    assert seen.unlikes.tolist() == [1.0, 0.0]
    assert seen.returns.tolist() == [1.0, 0.0]
    assert seen.days.tolist() == pytest.approx([20.0, 20.0 - 5 / 24])


def test_an_experiment_without_units_or_with_mixed_arms_is_refused() -> None:
    nobody = pd.DataFrame([event(0, "customer:a", "view")])
    with pytest.raises(BadInput, match="somebody was exposed"):
        observe(nobody, "prices", until=START + timedelta(days=1), cap=None)
    both = pd.DataFrame(
        [event(0, "customer:a", EXPOSURE, arm=arm) for arm in ("treatment", "control")]
    )
    with pytest.raises(BadInput, match="in one arm"):
        observe(both, "prices", until=START + timedelta(days=1), cap=None)


def test_the_few_who_met_both_arms_are_left_out_and_counted() -> None:
    exposures = [event(0, f"customer:{n}", EXPOSURE, arm="control") for n in range(30)]
    crossed = event(1, "customer:7", EXPOSURE, arm="treatment")
    seen = observe(
        pd.DataFrame([*exposures, crossed]), "prices", until=START + timedelta(days=1), cap=None
    )
    assert (len(seen), seen.n_crossed) == (29, 1)
    assert "customer:7" not in seen.unit
    few = seen_of(*drawn(0.0, 200))
    crossed_too = replace(few, n_crossed=1)
    assert read_out(crossed_too, BETWEEN, Guardrails()).n_crossed == 1


def test_a_clear_lift_is_called_better_and_a_loss_worse() -> None:
    better = verdict(0.3)
    assert (better.decision, better.boundary) == ("better", pytest.approx(1.9686, abs=1e-3))
    assert better.sentence.startswith("The treatment is better: +")
    assert verdict(-0.3).decision == "worse"


def test_no_lift_is_not_shown_at_the_last_look_and_still_runs_between_looks() -> None:
    assert verdict(0.0).decision == "not shown"
    assert "Keep the control" in verdict(0.0).sentence
    between = verdict(0.0, BETWEEN)
    assert (between.decision, between.boundary) == ("running", None)


def test_between_looks_even_a_clear_lift_decides_nothing() -> None:
    found = verdict(0.12, BETWEEN, seed=3)
    assert found.decision == "running"
    assert found.comparison.z > 1.96
    assert "wrong in a quarter" in found.sentence


def test_arms_of_other_sizes_than_planned_are_not_read() -> None:
    rng = np.random.default_rng(0)
    found = read_out(
        seen_of(rng.exponential(1.0, 2300), rng.exponential(2.0, 2000)), LAST_LOOK, Guardrails()
    )
    assert found.decision == "broken"
    assert "2300 and 2000 units" in found.sentence


def test_a_treatment_that_sells_more_but_is_unliked_is_stopped() -> None:
    rng = np.random.default_rng(0)
    unlikes = rng.poisson(np.repeat([0.2, 0.6], 2000)).astype(float)
    found = read_out(seen_of(*drawn(0.3), unlikes=unlikes), BETWEEN, Guardrails())
    assert found.decision == "stop"
    assert [each.name for each in found.guardrails if each.is_broken] == ["unlikes"]
    assert "worse in unlikes" in found.sentence


def test_guardrails_are_rarely_broken_by_chance() -> None:
    rng = np.random.default_rng(0)
    broken = 0
    for seed in range(100):
        unlikes = rng.poisson(0.3, 2000).astype(float)
        seen = seen_of(*drawn(0.0, 1000, seed), unlikes=unlikes)
        broken += read_out(seen, BETWEEN, Guardrails()).decision == "stop"
    assert broken == 0


def test_few_units_say_nothing() -> None:
    assert read_out(seen_of(*drawn(1.0, 60)), LAST_LOOK, Guardrails()).decision == "too early"


def test_the_segment_in_which_the_effect_is_another_is_found() -> None:
    rng = np.random.default_rng(2)
    segments = np.tile(["young", "old", "middle", "none"], 2000).astype(object)
    revenue = rng.exponential(1.0, 8000)
    revenue[4000:] += (segments[4000:] == "young") * 1.0
    found = read_out(
        seen_of(revenue[:4000], revenue[4000:]), LAST_LOOK, Guardrails(), segments=segments
    )
    p_values = {each.name: each.p_value for each in found.segments}
    assert p_values.keys() == {"young", "old", "middle", "none"}
    assert p_values["young"] < 1e-6
    lifts = {each.name: each.comparison.difference for each in found.segments}
    assert lifts["young"] == pytest.approx(1.0, abs=0.15)


def test_an_effect_of_the_first_week_alone_is_seen_as_novelty() -> None:
    control, treatment = drawn(0.0)
    early = np.concatenate([control, treatment]) / 3
    revenue = np.concatenate([control, treatment])
    early[2000:] += 0.7
    revenue[2000:] += 0.7
    found = read_out(
        seen_of(revenue[:2000], revenue[2000:], early_revenue=early), LAST_LOOK, Guardrails()
    )
    assert found.novelty is not None
    assert found.novelty.difference == pytest.approx(0.1, abs=0.03)
    assert found.novelty.p_value < 1e-3
    steady = verdict(0.3).novelty
    assert steady is not None
    assert abs(steady.z) < 2.5
