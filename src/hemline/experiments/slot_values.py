"""What policies earn in explored places: estimates, gains over what was drawn, in numbers.

The reward model of the doubly robust estimate is as simple as one can be: the mean reward of a
candidate's rank, learnt from one half of the customers for the other half. It need not be right:
the log corrects it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.experiments.off_policy import (
    LoggedDecisions,
    OffPolicyEstimate,
    doubly_robust,
    doubly_robust_gain,
    snips,
    snips_gain,
)

Values = npt.NDArray[np.float64]

_PRIOR: Final = 20.0  # decisions that the mean of all ranks weighs in that of one rank


@dataclass(frozen=True)
class SlotValue:
    """What a policy would have earned per decision.

    Attributes:
        by_weights: the value, by SNIPS.
        by_model: the value, by DR.
        gain_by_weights: over what was drawn, by SNIPS.
        gain_by_model: the same by DR.
    """

    by_weights: OffPolicyEstimate
    by_model: OffPolicyEstimate
    gain_by_weights: OffPolicyEstimate
    gain_by_model: OffPolicyEstimate

    @property
    def refusal(self) -> str | None:
        """Why there is no estimate; None where there is one."""
        return self.by_weights.refusal


def slot_value(log: LoggedDecisions, policy: Values, rng: np.random.Generator) -> SlotValue:
    """Return what a policy would have earned, and how much more than what was drawn.

    Args:
        log: of decisions.
        policy: float of shape (decisions, candidates): how likely it would choose each.
        rng: draws the bootstrap and the halves of the reward model.
    """
    predicted = rewards_by_rank(log, rng)
    return SlotValue(
        snips(log, policy, rng),
        doubly_robust(log, policy, predicted, rng),
        snips_gain(log, policy, log.propensities, rng),
        doubly_robust_gain(log, policy, log.propensities, predicted, rng),
    )


def rewards_by_rank(log: LoggedDecisions, rng: np.random.Generator) -> Values:
    """Return the mean reward of each candidate's rank, learnt from other customers.

    Returns:
        Float of shape (decisions, candidates).
    """
    n_candidates = log.propensities.shape[1]
    customers, customer = np.unique(log.customer, return_inverse=True)
    half = rng.permutation(len(customers))[customer] % 2
    predicted = np.zeros(log.propensities.shape)
    for number in (0, 1):
        others = half != number
        mean = log.reward[others].mean() if others.any() else 0.0
        n_shown = np.bincount(log.chosen[others], minlength=n_candidates)
        earned = np.bincount(log.chosen[others], log.reward[others], minlength=n_candidates)
        predicted[half == number] = (earned + _PRIOR * mean) / (n_shown + _PRIOR)
    return predicted


def best_candidate(log: LoggedDecisions) -> Values:
    """Return the policy that always shows the best candidate: the list without exploration."""
    policy = np.zeros(log.propensities.shape)
    policy[:, 0] = 1.0
    return policy


def mean_interval(
    values: Values, customer: npt.NDArray[np.int64], rng: np.random.Generator, samples: int = 1000
) -> tuple[float, float, float]:
    """Return the mean of values and its 95 % interval, of which customers are drawn.

    Args:
        values: one per decision.
        customer: of each.
        rng: draws the bootstrap.
        samples: of it.
    """
    _, index = np.unique(customer, return_inverse=True)
    draws = []
    for _ in range(samples):
        weights = rng.standard_exponential(int(index.max()) + 1)[index]
        draws.append(float(weights @ values / weights.sum()))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)
