"""Guardrails on rates: broken where an arm is worse for certain, whatever its share."""

from typing import get_args

import numpy as np
import pytest

from hemline.experiments.always_valid import half_width
from hemline.experiments.experiment_files import ExperimentKind
from hemline.experiments.experiment_params import Guardrails
from hemline.experiments.rate_guardrails import (
    Rate,
    broken_sentence,
    judged_limits,
    limits_of,
    n_guardrails,
    rate_state,
)
from tests.shop.test_experiment_arms import planned

Pair = tuple[Rate, Rate]

LIMITS = Guardrails(p99=0.5, fallbacks=0.02, coverage=0.3, fairness_gap=0.3)


def rates(control: float, treatment: float, n: int, n_treated: int, seed: int = 7) -> Pair:
    """Return the rates of units that each met one arm once, of which so many met the treatment."""
    rng = np.random.default_rng(seed)
    is_treated = np.arange(n) < n_treated
    happened = rng.random(n) < np.where(is_treated, treatment, control)

    def rate(mine: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Rate:
        return Rate((happened & mine).astype(float), mine.astype(float))

    return rate(~is_treated), rate(is_treated)


def test_a_worse_arm_of_a_tenth_of_the_units_is_found_and_an_equal_one_is_not() -> None:
    control, treatment = rates(0.1, 0.3, 5000, 500)
    found = rate_state("unlikes", control, treatment, 0.1, 0.01)
    assert found.is_broken
    assert found.comparison.control == control.events.sum() / 4500
    assert found.comparison.treatment == treatment.events.sum() / 500
    assert found.limit == pytest.approx(0.1 * found.comparison.control)
    assert (found.comparison.n_control, found.comparison.n_treatment) == (4500, 500)
    assert not rate_state("unlikes", *rates(0.1, 0.1, 5000, 500), 0.1, 0.01).is_broken
    assert not rate_state("unlikes", *rates(0.3, 0.1, 5000, 500), 0.1, 0.01).is_broken


def test_the_error_is_that_of_two_independent_shares() -> None:
    control, treatment = rates(0.1, 0.3, 4000, 1000)
    found = rate_state("unlikes", control, treatment, 0.1, 0.05).comparison
    parts = [each * (1 - each) / n for each, n in ((found.control, 3000), (found.treatment, 1000))]
    assert found.standard_error == pytest.approx(np.sqrt(sum(parts)), rel=1e-3)


def first(rate: Rate, units: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Rate:
    return Rate(rate.events[units], rate.chances[units])


def test_equal_arms_break_it_less_often_than_alpha_though_looked_at_again_and_again() -> None:
    broken = 0
    for seed in range(200):
        control, treatment = rates(0.2, 0.2, 4000, 2000, seed)
        order = np.random.default_rng(seed).permutation(4000)
        broken += any(
            rate_state(
                "unlikes", first(control, order[:n]), first(treatment, order[:n]), 1e-9, 0.05
            ).is_broken
            for n in range(400, 4001, 400)
        )
    assert broken <= 0.05 * 200


def test_a_unit_that_met_both_arms_counts_once() -> None:
    events = np.array([1.0, 0.0] * 100)
    both = Rate(events, np.ones(200))
    found = rate_state("unlikes", both, both, 0.1, 0.05)
    assert (found.comparison.difference, found.comparison.standard_error) == (0.0, 0.0)
    assert not found.is_broken
    worse = Rate(2 * events, np.ones(200))
    error = events.std(ddof=1) / np.sqrt(200)
    stated = rate_state("unlikes", both, worse, 0.1, 0.05)
    assert stated.comparison.standard_error == pytest.approx(error)
    width = half_width(error, error * np.sqrt(200 / 10_000), 0.05)
    assert stated.is_broken == (0.5 - width > 0.05)


def test_fewer_than_a_hundred_units_break_nothing() -> None:
    assert not rate_state("unlikes", *rates(0.0, 1.0, 1000, 99), 0.1, 0.05).is_broken
    assert rate_state("unlikes", *rates(0.0, 1.0, 1000, 100), 0.1, 0.05).is_broken
    nobody = Rate(np.zeros(0), np.zeros(0))
    found = rate_state("unlikes", nobody, nobody, 0.1, 0.05)
    assert (found.comparison.n_control, found.comparison.n_treatment) == (0, 0)
    assert not found.is_broken


def test_a_plan_has_the_limits_that_its_kind_is_judged_by() -> None:
    judged = {kind: {*limits_of(kind, LIMITS)} for kind in get_args(ExperimentKind)}
    assert judged["ab"] == {*LIMITS.model_dump()}
    assert judged["interleaving"] == {
        "unlikes", "returns", "p99", "fallbacks", "coverage", "least_answers",
    }  # fmt: skip
    assert judged["bandit"] == judged["interleaving"] - {"coverage"}
    assert judged["shelves"] == {"unlikes", "returns"}
    assert n_guardrails(limits_of("bandit", LIMITS)) == 4
    assert "p99" not in limits_of("bandit", Guardrails())
    assert judged_limits(planned(kind="bandit")) == {"unlikes": 0.1, "returns": 0.1}


def test_what_is_broken_is_said_in_words() -> None:
    broken = rate_state("unlikes (version 9)", *rates(0.0, 1.0, 400, 200), 0.1, 0.05)
    holds = rate_state("returns (version 9)", *rates(0.5, 0.5, 400, 200), 0.1, 0.05)
    assert broken_sentence((holds,)) == ""
    assert broken_sentence((holds, broken)) == (
        "Worse than a guardrail allows, for certain (unlikes (version 9): 1 against 0, at most 0 "
        "is allowed): it must not go on."
    )
