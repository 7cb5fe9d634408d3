import numpy as np
import pytest
from scipy.stats import beta, ttest_1samp

from hemline.evaluation.significance import Draws, bootstrap_means, holm, interval, sign_flip_p


def p_of(differences: np.ndarray, n_flips: int = 20_000) -> np.ndarray:
    return sign_flip_p(differences, n_flips=n_flips, rng=np.random.default_rng(7))


def drawn(values: np.ndarray, n_samples: int = 1000, seed: int = 7) -> Draws:
    rng = np.random.default_rng(seed)
    return bootstrap_means(values[:, None], n_samples=n_samples, rng=rng)


@pytest.mark.parametrize(
    ("hit_share", "n_customers"), [(0.25, 4), (0.25, 12), (0.1, 12), (0.1, 50)]
)
def test_an_interval_of_few_customers_holds_the_mean_as_often_as_it_says(
    hit_share: float, n_customers: int
) -> None:
    rng = np.random.default_rng(3)
    hits = rng.random((300, n_customers)) < hit_share
    weeks = np.where(hits, rng.beta(1, 2, hits.shape), 0.0)  # as AP@12: most of it is zero
    ends = [interval(drawn(week, 300, seed)) for seed, week in enumerate(weeks)]
    mean = hit_share / 3
    # 95 of 100; three standard errors of 300 weeks are 4.
    assert np.mean([low[0] <= mean <= high[0] for low, high in ends]) >= 0.95 - 0.04


def test_an_interval_of_paired_differences_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    differs = rng.random((300, 12)) < 0.2
    weeks = np.where(differs, rng.uniform(-0.5, 1.0, differs.shape), 0.0)
    ends = [interval(drawn(week, 300, n), least=-1, most=1) for n, week in enumerate(weeks)]
    assert np.mean([low[0] <= 0.2 * 0.25 <= high[0] for low, high in ends]) >= 0.95 - 0.04


@pytest.mark.parametrize(("n_hits", "n_customers"), [(0, 1), (0, 12), (3, 12), (12, 12), (5, 200)])
def test_with_hits_and_misses_the_interval_is_clopper_and_pearsons(
    n_hits: int, n_customers: int
) -> None:
    n_misses = n_customers - n_hits
    values = np.repeat([1.0, 0.0], [n_hits, n_misses])
    (low,), (high,) = interval(drawn(values, 20_000))
    assert low == pytest.approx(beta.ppf(0.025, n_hits, n_misses + 1) if n_hits else 0, abs=0.01)
    assert high == pytest.approx(beta.ppf(0.975, n_hits + 1, n_misses) if n_misses else 1, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_customers_who_are_all_alike_have_an_interval_of_some_width(value: float) -> None:
    (low,), (high,) = interval(drawn(np.full(65, value)), least=-1, most=1)
    assert high - low > 0.04


def test_of_many_customers_the_interval_has_the_textbook_width() -> None:
    values = np.random.default_rng(1).beta(1, 9, size=5000)
    low, high = interval(drawn(values, 2000))
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * values.std() / 5000**0.5, rel=0.1)


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
