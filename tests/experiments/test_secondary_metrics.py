from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tea_tasting as tt

from hemline.cli.experiment_report import print_verdict
from hemline.experiments.assignment import EXPOSURE
from hemline.experiments.experiment_files import Experiment, ExperimentStep
from hemline.experiments.fixed_horizon import compare, linearised
from hemline.experiments.looks import ExperimentVerdict, Seen, judge
from hemline.experiments.observations import Observations, observe
from hemline.experiments.secondary_metrics import secondary_metrics
from tests.experiments.test_readout import drawn, event, seen_of
from tests.shop.test_experiment_arms import planned

START = datetime(2020, 9, 1, tzinfo=UTC)


def shop_of(n: int, days: float) -> Observations:
    """n units an arm; the treatment buys two units on the first day, half of it again on day 30."""
    rows = []
    for number in range(2 * n):
        is_treated = number % 2 == 1
        arm = "treatment" if is_treated else "control"
        who = f"customer:{number:05d}"
        rows.append(event(0, who, EXPOSURE, arm=arm))
        rows.append(event(-24, who, "purchase", price=1.0))
        if is_treated or number % 8 == 0:
            rows += [event(1 + at, who, "purchase", price=1.0) for at in range(1 + is_treated)]
        if is_treated and number % 4 == 1:
            rows.append(event(24 * 30, who, "purchase", price=1.0, units=3))
        if not is_treated and number % 8 == 0:
            rows.append(event(24 * 35, who, "purchase", price=1.0))  # one day too late
    events = pd.DataFrame(rows).sort_values("at", kind="stable")
    return observe(events, "prices", until=START + timedelta(days=days), cap=None)


def test_each_metric_is_that_of_its_definition() -> None:
    found = {each.name: each for each in secondary_metrics(shop_of(400, 40))}
    means = {
        name: (each.comparison.control, each.comparison.treatment) for name, each in found.items()
    }
    assert means == {
        "conversion": pytest.approx((1 / 4, 1.0)),
        "orders per unit": pytest.approx((1 / 4 * 2, 2 + 1 / 2)),
        "units per basket": pytest.approx((1.0, (2 + 3 / 2) / (1 + 1 / 2))),
        "bought on two or more days": pytest.approx((1 / 4, 1 / 2)),
        "retention at 28 days": pytest.approx((0.0, 1 / 2)),
    }
    low, high = found["retention at 28 days"].interval
    error = np.sqrt(0.25 / 399)
    assert (low, high) == pytest.approx((0.5 - 1.96 * error, 0.5 + 1.96 * error), abs=1e-3)


def test_nothing_is_said_of_retention_before_35_days_or_of_few_units() -> None:
    early = {each.name for each in secondary_metrics(shop_of(400, 34.9))}
    assert early == {
        "conversion",
        "orders per unit",
        "units per basket",
        "bought on two or more days",
    }
    assert secondary_metrics(shop_of(99, 40)) == ()


def test_an_arm_that_bought_nothing_has_no_basket_size() -> None:
    nobody = np.zeros(400)
    seen = replace(seen_of(*drawn(0.0, 200)), orders=nobody, units_bought=nobody, baskets=nobody)
    found = {each.name: each for each in secondary_metrics(seen)}
    assert "units per basket" not in found
    assert found["conversion"].comparison.difference == 0.0


def test_the_ratio_of_sums_has_the_error_of_tea_tasting() -> None:
    rng = np.random.default_rng(0)
    baskets = rng.poisson(0.7, 4000).astype(float)
    units = baskets + rng.poisson(0.8 * baskets) * np.repeat([1.0, 1.2], 2000)
    arms = [linearised(units[rows], baskets[rows]) for rows in (slice(2000), slice(2000, None))]
    found = compare(*arms)
    table = pa.table({"variant": np.repeat([0, 1], 2000), "units": units, "baskets": baskets})
    metric = tt.RatioOfMeans("units", "baskets", use_t=False, equal_var=False)
    theirs = metric.analyze(table, 0, 1, "variant")
    assert found.difference == pytest.approx(theirs.effect_size)
    assert found.interval(1.959963984540054) == pytest.approx(
        (theirs.effect_size_ci_lower, theirs.effect_size_ci_upper)
    )


def test_baskets_that_are_all_alike_have_no_error() -> None:
    baskets = np.tile([0.0, 3.0, 6.0], 100)
    found = compare(*(linearised(baskets * 4 / 3, baskets) for _ in range(2)))
    assert (found.difference, found.standard_error) == (0.0, 0.0)


def test_intervals_hold_an_equal_conversion_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    n_held = 0
    for seed in range(200):
        orders = (rng.random(1000) < 0.1).astype(float)
        seen = replace(seen_of(*drawn(0.0, 500, seed)), orders=orders)
        low, high = next(e.interval for e in secondary_metrics(seen) if e.name == "conversion")
        n_held += low <= 0 <= high
    assert 180 <= n_held <= 198


def verdict_with(orders: np.ndarray) -> ExperimentVerdict:
    seen = replace(seen_of(*drawn(0.0, 500)), orders=orders)
    started = Experiment(
        plan=planned(),
        steps=(ExperimentStep(kind="started", at=START, exposed=1.0, reason="test"),),
    )
    units = Seen(seen, np.zeros(len(seen)), np.full(len(seen), "cluster 0", object))
    return judge(started, lambda _at: units, START + timedelta(days=21))


def test_they_are_printed_last_as_what_decides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    more = verdict_with(np.repeat([0.0, 1.0], 500))
    same = verdict_with(np.ones(1000))
    assert (more.sentence, more.decided) == (same.sentence, same.decided)
    conversion = {each.name: each.comparison for each in more.secondary}["conversion"]
    assert (conversion.control, conversion.treatment) == (0.0, 1.0)
    print_verdict(more)
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(more.sentence)
    beside = told.split("these metrics decide nothing")[1]
    assert "conversion" in beside
    assert "+100.00%" in beside
    assert "retention" not in beside
