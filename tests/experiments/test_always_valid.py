import numpy as np
import pytest

from hemline.experiments.always_valid import always_valid_p, half_width


def test_the_interval_holds_at_all_moments_together() -> None:
    rng = np.random.default_rng(5)
    n = np.arange(1, 401) * 25
    misses = 0
    for _ in range(400):
        mean = rng.standard_normal((400, 25)).sum(axis=1).cumsum() / n
        widths = [half_width(float(error), 0.01) for error in 1 / np.sqrt(n)]
        misses += bool((np.abs(mean) > widths).any())
    assert misses / 400 <= 0.05


def test_the_p_value_and_the_interval_agree() -> None:
    for error in (0.5, 1.0, 3.0):
        estimate = half_width(error, 1.0)
        assert always_valid_p(estimate, error, 1.0) == pytest.approx(0.05)


def test_it_is_narrowest_around_the_planned_end() -> None:
    relative = [half_width(1.0, planned) for planned in (0.1, 1.0, 10.0)]
    assert relative[1] == min(relative)


def test_units_that_are_all_alike_show_what_they_show() -> None:
    assert half_width(0.0, 1.0) == 0.0
    assert always_valid_p(0.0, 0.0, 1.0) == 1.0
    assert always_valid_p(0.1, 0.0, 1.0) == 0.0
