import numpy as np
import pytest

from hemline.errors import BadInput
from hemline.experiments.thompson import ArmCounts, traffic_shares


def test_arms_of_which_nothing_is_known_share_evenly() -> None:
    shares = traffic_shares(ArmCounts.none(4), 0.0, np.random.default_rng(0))
    assert shares == pytest.approx([0.25] * 4, abs=0.03)


def test_the_share_is_the_chance_to_be_the_best() -> None:
    counts = ArmCounts(np.array([10, 10]), np.array([4, 6]))
    shares = traffic_shares(counts, 0.0, np.random.default_rng(0))
    # P(Beta(7, 5) > Beta(5, 7)), by numerical integration.
    assert shares[1] == pytest.approx(0.8016, abs=0.02)


def test_a_bad_arm_keeps_the_floor() -> None:
    counts = ArmCounts(np.array([1000, 1000, 1000]), np.array([10, 300, 20]))
    shares = traffic_shares(counts, 0.05, np.random.default_rng(0))
    assert shares == pytest.approx([0.05, 0.9, 0.05])


def test_it_finds_the_best_arm_and_loses_less_than_an_even_split() -> None:
    rng, truth = np.random.default_rng(4), np.array([0.05, 0.1])
    counts = ArmCounts.none(2)
    for _ in range(40):
        shown = rng.multinomial(100, traffic_shares(counts, 0.02, rng))
        counts = counts.plus(shown, rng.binomial(shown, truth))
    assert counts.n_shown[1] > 3000
    assert counts.n_shown.sum() == 4000


@pytest.mark.parametrize("floor", [-0.1, 0.6])
def test_a_floor_that_leaves_nothing_is_refused(floor: float) -> None:
    with pytest.raises(BadInput, match="floor of 2 arms"):
        traffic_shares(ArmCounts.none(2), floor, np.random.default_rng(0))


def test_more_conversions_than_visits_are_refused() -> None:
    with pytest.raises(BadInput, match="no more conversions"):
        traffic_shares(ArmCounts(np.array([1, 1]), np.array([2, 0])), 0.0, np.random.default_rng(0))
