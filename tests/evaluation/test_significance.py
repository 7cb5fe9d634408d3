import numpy as np
import pytest
from scipy.stats import ttest_1samp

from hemline.evaluation.significance import holm, sign_flip_p


def p_of(differences: np.ndarray, n_flips: int = 20_000) -> np.ndarray:
    return sign_flip_p(differences, n_flips=n_flips, rng=np.random.default_rng(7))


def test_four_customers_who_all_gain_are_as_likely_as_two_of_sixteen_signs() -> None:
    assert p_of(np.ones((4, 1))) == pytest.approx([2 / 16], abs=0.01)


def test_no_difference_is_no_evidence() -> None:
    assert p_of(np.zeros((10, 2)), 100).tolist() == [1, 1]
    assert p_of(np.array([[1.0], [-1.0]]), 100).tolist() == [1]


def test_both_directions_count() -> None:
    gains = np.random.default_rng(1).normal(0.3, 1, (50, 1))
    assert p_of(gains)[0] == p_of(-gains)[0]


def test_the_observed_signs_are_one_of_the_flips() -> None:
    assert p_of(np.ones((200, 1)), 999).tolist() == [1 / 1000]


def test_customers_who_do_not_differ_change_no_p_value() -> None:
    gains = np.random.default_rng(1).normal(0.3, 1, (50, 1))
    among_others = np.concatenate([gains, np.zeros((500, 1))])
    assert p_of(gains)[0] == p_of(among_others)[0]


def test_where_nothing_is_there_small_p_values_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(5)
    p_values = p_of(rng.normal(size=(40, 1000)), 2000)
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.02)


def test_the_p_value_is_the_t_tests_where_differences_are_normal() -> None:
    gains = np.random.default_rng(2).normal(0.25, 1, (60, 1))
    assert p_of(gains) == pytest.approx(ttest_1samp(gains, 0).pvalue, abs=0.01)


def test_holm_multiplies_the_smallest_most_and_never_falls() -> None:
    assert holm(np.array([0.04, 0.01, 0.03, 0.5])) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]


def test_what_was_not_tested_counts_for_nothing_in_holms_correction() -> None:
    assert holm(np.array([0.02, np.nan])).tolist() == pytest.approx([0.02, np.nan], nan_ok=True)
