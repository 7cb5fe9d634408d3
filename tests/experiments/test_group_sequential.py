import numpy as np
import pytest
from scipy.stats import norm

from hemline.errors import BadInput
from hemline.experiments.group_sequential import boundaries, drift_for, operation, spent


def test_one_look_is_the_classical_test() -> None:
    assert boundaries((1.0,)) == pytest.approx((norm.isf(0.025),), abs=1e-6)


def test_boundaries_are_those_that_were_published() -> None:
    # Reboussin, DeMets, Kim & Lan (2000), O'Brien-Fleming type, two-sided 0.05, five equal looks.
    published = (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)
    assert boundaries((0.2, 0.4, 0.6, 0.8, 1.0)) == pytest.approx(published, abs=5e-4)


def test_a_look_depends_on_nothing_that_comes_later() -> None:
    assert boundaries((0.2, 0.4)) == pytest.approx(boundaries((0.2, 0.4, 1.0))[:2])


def test_all_of_the_error_rate_is_spent_and_no_more() -> None:
    assert operation((0.1, 0.3, 0.35, 0.9, 1.0), drift=0.0).power == pytest.approx(0.05, abs=1e-6)
    assert operation((0.5, 1.2), drift=0.0, alpha=0.1).power == pytest.approx(0.1, abs=1e-6)
    assert spent(0.5, 0.05) < spent(1.0, 0.05) == pytest.approx(0.05)


def test_a_simulated_brownian_motion_crosses_as_often_as_computed() -> None:
    fractions, drift = np.array([0.3, 0.6, 1.0]), 2.5
    steps = np.diff(fractions, prepend=0.0)
    rng = np.random.default_rng(1)
    paths = (drift * steps + np.sqrt(steps) * rng.standard_normal((100_000, 3))).cumsum(axis=1)
    crossed = np.abs(paths / np.sqrt(fractions)) >= boundaries(tuple(fractions))
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 3)
    simulated = np.bincount(first, minlength=4)[:3] / len(paths)
    assert operation(tuple(fractions), drift).crossed == pytest.approx(simulated, abs=0.006)
    assert operation(tuple(fractions), drift).mean_fraction == pytest.approx(
        fractions[np.minimum(first, 2)].mean(), abs=0.005
    )


def test_the_drift_for_a_power_has_that_power() -> None:
    fractions = (0.25, 0.5, 0.75, 1.0)
    assert operation(fractions, drift_for(0.9, fractions)).power == pytest.approx(0.9, abs=1e-3)
    assert drift_for(0.8, (1.0,)) == pytest.approx(norm.isf(0.025) + norm.isf(0.2), abs=1e-3)


@pytest.mark.parametrize("fractions", [(), (0.0, 1.0), (0.5, 0.5), (0.6, 0.4)])
def test_looks_that_do_not_ascend_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match="ascend from above 0"):
        boundaries(fractions)
