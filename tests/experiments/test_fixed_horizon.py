import numpy as np
import pytest
from scipy.stats import chisquare, ttest_ind

from hemline.errors import BadInput
from hemline.experiments.fixed_horizon import compare, sample_ratio_p


def test_a_comparison_has_the_numbers_of_welch() -> None:
    control, treatment = np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 4.0, 9.0])
    found = compare(control, treatment)
    assert (found.control, found.treatment) == pytest.approx((3.0, 5.0))
    assert found.difference == pytest.approx(2.0)
    error = np.sqrt(control.var(ddof=1) / 4 + treatment.var(ddof=1) / 3)
    assert found.standard_error == pytest.approx(error)
    assert found.z == pytest.approx(ttest_ind(treatment, control, equal_var=False).statistic)
    assert found.lift == pytest.approx(2 / 3)
    assert found.interval(2.0) == pytest.approx((2 - 2 * error, 2 + 2 * error))


def test_what_units_did_before_takes_variance_out_and_the_difference_stays_true() -> None:
    rng = np.random.default_rng(3)
    before = rng.standard_normal((2, 4000))
    after = before + 0.5 * rng.standard_normal((2, 4000))
    found = compare(after[0], after[1] + 0.1, (before[0], before[1]))
    assert found.variance_left == pytest.approx(0.25 / 1.25, abs=0.02)
    assert found.difference == pytest.approx(0.1, abs=3 * found.standard_error)
    assert found.standard_error < compare(after[0], after[1] + 0.1).standard_error / 2


def test_a_covariate_that_does_not_vary_is_not_used() -> None:
    control, treatment, zeros = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0]), np.zeros(3)
    assert compare(control, treatment, (zeros, zeros)) == compare(control, treatment)


def test_arms_in_which_nobody_bought_show_nothing() -> None:
    found = compare(np.zeros(5), np.zeros(4))
    assert (found.difference, found.standard_error, found.p_value, found.z) == (0, 0, 1, 0)
    assert np.isnan(found.lift)


def test_means_around_zero_are_compared_like_others() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 500))
    values -= values.mean(axis=1, keepdims=True)
    near, far = compare(values[0], values[1] - 1e-9), compare(values[0] + 50, values[1] + 50 - 1e-9)
    assert near.difference == pytest.approx(-1e-9, abs=1e-12)
    assert near.standard_error == pytest.approx(far.standard_error)


def test_sizes_of_arms_are_tested_against_the_planned_share() -> None:
    assert sample_ratio_p(5200, 4800) < 1e-4
    assert sample_ratio_p(9000, 1000, treatment_share=0.1) == pytest.approx(1.0, abs=0.02)
    expected = chisquare([10_100, 9_900]).pvalue
    assert sample_ratio_p(10_100, 9_900) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("control", "treatment", "before", "rule"),
    [
        ([1.0], [1.0, 2.0], None, "at least two units"),
        ([1.0, np.nan], [1.0, 2.0], None, "a finite value"),
        ([1.0, 2.0], [1.0, 2.0], ([1.0, 2.0], [1.0, 2.0, 3.0]), "the same units"),
    ],
)
def test_units_that_do_not_fit_are_refused(
    control: list[float], treatment: list[float], before: tuple[list[float], ...] | None, rule: str
) -> None:
    covariate = None if before is None else (np.array(before[0]), np.array(before[1]))
    with pytest.raises(BadInput, match=rule):
        compare(np.array(control), np.array(treatment), covariate)
