import numpy as np
import pytest

from hemline.experiments.exploration_slots import slot_probabilities
from hemline.experiments.off_policy import LoggedDecisions
from hemline.experiments.slot_values import (
    best_candidate,
    mean_interval,
    rewards_by_rank,
    slot_value,
)

N = 6000
SELLS = np.linspace(0.3, 0.1, 8)
"""How often a candidate is bought, by rank."""


def logged(seed: int = 0) -> LoggedDecisions:
    rng = np.random.default_rng(seed)
    chances = slot_probabilities(len(SELLS), 3.0)
    chosen = rng.choice(len(SELLS), N, p=chances)
    reward = (rng.random(N) < SELLS[chosen]).astype(np.float64)
    return LoggedDecisions(
        np.arange(N) // 3, chosen.astype(np.int64), np.tile(chances, (N, 1)), reward
    )


def test_the_price_of_drawing_is_what_the_best_candidate_would_have_sold_more() -> None:
    log = logged()
    found = slot_value(log, best_candidate(log), np.random.default_rng(1))
    drawn = float(slot_probabilities(len(SELLS), 3.0) @ SELLS)
    for value, gain in (
        (found.by_weights, found.gain_by_weights),
        (found.by_model, found.gain_by_model),
    ):
        middle, low, high = value.interval or (0, 0, 0)
        assert low < SELLS[0] < high
        assert high - low < 0.1
        assert (gain.interval or (0, 0, 0))[1] < SELLS[0] - drawn < (gain.interval or (0, 0, 0))[2]
        assert (gain.interval or (0,))[0] == pytest.approx(middle - log.reward.mean(), abs=0.01)
    shown_first = (log.chosen == 0).sum()
    assert found.by_weights.effective_sample == pytest.approx(shown_first)


def test_what_was_drawn_gains_nothing_over_itself() -> None:
    log = logged()
    found = slot_value(log, log.propensities, np.random.default_rng(1))
    assert found.by_weights.value == pytest.approx(log.reward.mean())
    assert found.by_weights.effective_sample == pytest.approx(N)
    assert found.gain_by_weights.interval == pytest.approx((0, 0, 0))
    assert found.gain_by_model.interval == pytest.approx((0, 0, 0))


def test_a_gain_is_refused_where_one_of_both_has_too_few_decisions() -> None:
    log = logged()
    rare = np.zeros((N, len(SELLS)))
    rare[:, -1] = 1.0
    few = LoggedDecisions(*(each[:900] for each in vars(log).values()))
    found = slot_value(few, rare[:900], np.random.default_rng(1))
    assert found.gain_by_weights.interval is None
    assert found.gain_by_model.refusal is not None


def test_the_reward_model_learns_from_other_customers() -> None:
    log = logged()
    rewards = rewards_by_rank(log, np.random.default_rng(0))
    assert rewards.mean(axis=0) == pytest.approx(SELLS, abs=0.05)
    of_one = log.customer == 0
    others = LoggedDecisions(log.customer, log.chosen, log.propensities,
                             np.where(of_one, 1 - log.reward, log.reward))  # fmt: skip
    same = rewards_by_rank(others, np.random.default_rng(0))
    assert (same[of_one] == rewards[of_one]).all()
    assert (same != rewards).any()


def test_an_interval_draws_customers() -> None:
    values = np.repeat(np.random.default_rng(0).random(50), 40)
    customers = np.repeat(np.arange(50), 40)
    _, low, high = mean_interval(values, customers, np.random.default_rng(1))
    _, near, far = mean_interval(values, np.arange(2000), np.random.default_rng(1))
    assert high - low > 4 * (far - near)
