"""A policy learnt from explored places."""

import numpy as np
import pytest

from hemline.errors import BadInput
from hemline.experiments.learnt_policy import learn_policy


def logged(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions in which the second feature earns, and what it dislikes is shown more often."""
    features = rng.normal(size=(n, 3))
    features[:, 2] = 4.0
    propensity = np.clip(0.3 - 0.1 * features[:, 1], 0.05, 0.6)
    reward = (rng.random(n) < 1 / (1 + np.exp(2 - features[:, 1]))).astype(float)
    return features, reward, propensity


def test_what_earns_is_scored_higher_and_what_does_not_vary_counts_nothing() -> None:
    rng = np.random.default_rng(0)
    policy = learn_policy(*logged(6000, rng))
    assert policy.weights == pytest.approx([0, 1, 0], abs=0.15)
    candidates = np.array([[0.0, 1.0, 4.0], [3.0, 0.0, 4.0], [-3.0, -1.0, 4.0]])
    assert policy.score(candidates).argmax() == 0


def test_the_propensities_take_out_what_the_logging_policy_preferred() -> None:
    rng = np.random.default_rng(1)
    n = 40_000
    quality, liking = rng.normal(size=(2, n))
    shown = rng.random(n) < np.where(liking * quality > 0, 0.9, 0.1)
    propensity = np.where(liking * quality > 0, 0.9, 0.1)[shown]
    features = np.stack([quality, liking], axis=1)[shown]
    reward = (rng.random(n) < 1 / (1 + np.exp(1 - quality)))[shown].astype(float)
    weights = learn_policy(features, reward, propensity).weights
    assert abs(weights[1]) < 0.1
    assert weights[0] > 0.7


def test_a_log_of_few_rewards_is_refused() -> None:
    features, reward, propensity = logged(400, np.random.default_rng(2))
    reward[:] = 0
    reward[:49] = 1
    with pytest.raises(BadInput, match="49 of 400"):
        learn_policy(features, reward, propensity)
