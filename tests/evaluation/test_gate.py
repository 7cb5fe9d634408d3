"""The gate, where the numbers can be done in the head."""

from datetime import date

import numpy as np
import pytest

from hemline.evaluation.gate import (
    has_seen_the_week,
    judge,
    judge_other_data,
    judge_unopposed,
    refuse_comparison,
)

EVERYBODY = np.array([0.0, 0.5, 1.0])


def verdict_on(difference: float) -> bool:
    rng = np.random.default_rng(7)
    return judge(EVERYBODY, EVERYBODY + difference, n_samples=100, rng=rng).promotes


def test_a_better_mean_is_promoted_and_a_worse_one_is_not() -> None:
    assert verdict_on(0.01)
    assert not verdict_on(-0.01)


def test_a_draw_leaves_the_champion() -> None:
    assert not verdict_on(0.0)


def test_the_comparison_is_paired_by_customer() -> None:
    rng = np.random.default_rng(7)
    verdict = judge(EVERYBODY, EVERYBODY + 0.25, n_samples=100, rng=rng)
    assert verdict.comparison is not None
    # Every customer gains the same, so no resample differs, however far apart customers are.
    assert verdict.comparison.low == pytest.approx(0.25)
    assert verdict.comparison.high == pytest.approx(0.25)
    assert verdict.comparison.champion == pytest.approx((0.0 + 0.5 + 1.0) / 3)
    assert verdict.comparison.difference == pytest.approx(0.25)
    assert verdict.comparison.n_customers == 3


def test_one_lucky_customer_among_many_gives_an_interval_that_reaches_zero() -> None:
    champion = np.zeros(50)
    challenger = champion.copy()
    challenger[0] = 1.0
    verdict = judge(champion, challenger, n_samples=1000, rng=np.random.default_rng(7))
    assert verdict.promotes
    assert verdict.comparison is not None
    assert verdict.comparison.difference == pytest.approx(1 / 50)
    # A customer is left out of a resample with probability (49 / 50) ** 50 = 0.36.
    assert verdict.comparison.low == 0.0
    assert verdict.comparison.high > 1 / 50


def test_different_customers_are_not_compared() -> None:
    with pytest.raises(ValueError, match="3"):
        judge(EVERYBODY, EVERYBODY[:2], n_samples=10, rng=np.random.default_rng(7))


def test_a_champion_fitted_later_has_seen_the_week() -> None:
    assert has_seen_the_week(date(2020, 9, 17), date(2020, 9, 16))
    assert not has_seen_the_week(date(2020, 9, 16), date(2020, 9, 16))
    verdict = refuse_comparison(date(2020, 9, 23), date(2020, 9, 16))
    assert not verdict.promotes
    assert "2020-09-23" in verdict.reason


def test_the_first_version_is_promoted() -> None:
    assert judge_unopposed().promotes


def test_a_shops_own_data_replaces_the_demo_and_never_the_other_way_round() -> None:
    assert judge_other_data("synthetic", "kaggle").promotes
    refused = judge_other_data("kaggle", "synthetic")
    assert not refused.promotes
    assert "fitted on kaggle data, this version on synthetic" in refused.reason
