"""What another policy would have earned, from the log of one that explored.

Each logged decision has the candidates' propensities and the reward of the chosen one. A reward
counts by how much more likely the other policy would have made that choice. Raw weights (IPS) have
intervals that miss the truth most of the time where a candidate was nearly never shown, so they are
not offered: weights are clipped, and either normalised (SNIPS: Swaminathan & Joachims 2015) or used
to correct a model of the reward (DR: Dudik, Langford & Li 2011). Where the weighted log is worth
fewer than 200 decisions, no estimate is given at all.

Decisions of one customer depend on each other, so intervals draw customers, not decisions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_EFFECTIVE: Final = 200.0
"""Decisions that a weighted log has to be worth at least."""

_SUM_TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class LoggedDecisions:
    """A log of decisions with the same number of candidates.

    Attributes:
        customer: of each decision; intervals draw customers.
        chosen: index of the candidate that was shown.
        propensities: float of shape (decisions, candidates), of the policy that showed it; each
            row adds up to 1, and no candidate has 0.
        reward: of each decision.
    """

    customer: Ints
    chosen: Ints
    propensities: Values
    reward: Values

    def __post_init__(self) -> None:
        """Refuse a log from which nothing can be estimated."""
        sums = self.propensities.sum(axis=1)
        if (self.propensities <= 0).any() or (np.abs(sums - 1) > _SUM_TOLERANCE).any():
            raise BadInput(
                "the logged propensities of a decision are above 0 and add up to 1",
                found=f"values from {self.propensities.min():.3g}, sums from {sums.min():.3f} to "
                f"{sums.max():.3f}",
                fix="log the probabilities that the slot was drawn with",
            )

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.reward)


@dataclass(frozen=True)
class OffPolicyEstimate:
    """What a policy would have earned per decision, or why that cannot be estimated.

    Attributes:
        value: mean reward of a decision under the policy; None where it is refused.
        low: lower end of the interval.
        high: upper end.
        effective_sample: decisions that the weighted log is worth (Kish 1965).
        clipped_share: of the decisions whose weight was clipped.
        refusal: why there is no estimate, in words; None where there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    effective_sample: float
    clipped_share: float
    refusal: str | None = None

    @property
    def interval(self) -> tuple[float, float, float] | None:
        """The value and both ends of its interval; None where it is refused."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return self.value, self.low, self.high


@dataclass(frozen=True)
class EstimatorParams:
    """How values are estimated.

    Attributes:
        largest_weight: weights above are clipped to it: a little bias for much less variance.
        level: of the intervals.
        samples: of the bootstrap.
    """

    largest_weight: float = 20.0
    level: float = 0.95
    samples: int = 1000


def snips(
    log: LoggedDecisions,
    policy: Values,
    rng: np.random.Generator,
    params: EstimatorParams | None = None,
) -> OffPolicyEstimate:
    """Return the clipped, self-normalised estimate of a policy's value.

    Args:
        log: of decisions.
        policy: float of shape (decisions, candidates): how likely it would choose each.
        rng: draws the bootstrap.
        params: of the estimate.
    """
    params = params or EstimatorParams()
    weighted = _weighted(log, policy, params.largest_weight)
    return _estimate(log, [weighted], _snips_of(log, weighted), rng, params)


def doubly_robust(
    log: LoggedDecisions,
    policy: Values,
    predicted: Values,
    rng: np.random.Generator,
    params: EstimatorParams | None = None,
) -> OffPolicyEstimate:
    """Return a reward model's estimate of a policy's value, corrected by the log.

    Args:
        log: of decisions.
        policy: as for `snips`.
        predicted: float of shape (decisions, candidates): the reward that a model expects of each
            candidate. The model must not have learnt from these decisions; one that did from half
            of them may predict the other half.
        rng: draws the bootstrap.
        params: of the estimate.
    """
    params = params or EstimatorParams()
    weighted = _weighted(log, policy, params.largest_weight)
    each = _corrected(log, policy, predicted, weighted)
    return _estimate(log, [weighted], lambda drawn: float(drawn @ each / drawn.sum()), rng, params)


def snips_gain(
    log: LoggedDecisions,
    policy: Values,
    other: Values,
    rng: np.random.Generator,
    params: EstimatorParams | None = None,
) -> OffPolicyEstimate:
    """Return by how much a policy's value exceeds another one's, on the same decisions.

    Args:
        log: of decisions.
        policy: as for `snips`.
        other: likewise; log.propensities for what was shown.
        rng: draws the bootstrap.
        params: of the estimate.
    """
    params = params or EstimatorParams()
    both = [_weighted(log, each, params.largest_weight) for each in (policy, other)]
    value, less = (_snips_of(log, each) for each in both)
    return _estimate(log, both, lambda drawn: value(drawn) - less(drawn), rng, params)


def doubly_robust_gain(
    log: LoggedDecisions,
    policy: Values,
    other: Values,
    predicted: Values,
    rng: np.random.Generator,
    params: EstimatorParams | None = None,
) -> OffPolicyEstimate:
    """Return the same by a reward model, corrected by the log; see `doubly_robust`."""
    params = params or EstimatorParams()
    both = [_weighted(log, each, params.largest_weight) for each in (policy, other)]
    each = _corrected(log, policy, predicted, both[0]) - _corrected(log, other, predicted, both[1])
    return _estimate(log, both, lambda drawn: float(drawn @ each / drawn.sum()), rng, params)


@dataclass(frozen=True)
class _Weighted:
    """Clipped weights of the decisions, and the share of those that were clipped."""

    weights: Values
    clipped_share: float

    @property
    def effective_sample(self) -> float:
        total = self.weights.sum()
        return float(total**2 / (self.weights**2).sum()) if total > 0 else 0.0


def _snips_of(log: LoggedDecisions, weighted: _Weighted) -> Callable[[Values], float]:
    weights, gained = weighted.weights, weighted.weights * log.reward
    return lambda drawn: float(drawn @ gained / (drawn @ weights))


def _corrected(
    log: LoggedDecisions, policy: Values, predicted: Values, weighted: _Weighted
) -> Values:
    rows = np.arange(len(log))
    expected = (policy * predicted).sum(axis=1)
    surprise = log.reward - predicted[rows, log.chosen]
    return np.asarray(expected + weighted.weights * surprise)


def _weighted(log: LoggedDecisions, policy: Values, largest: float) -> _Weighted:
    if policy.shape != log.propensities.shape:
        raise BadInput(
            "the policy has a probability for every candidate of every decision",
            found=f"{policy.shape} for {log.propensities.shape}",
            fix="score the candidates that the log names",
        )
    rows = np.arange(len(log))
    raw = policy[rows, log.chosen] / log.propensities[rows, log.chosen]
    clipped = float((raw > largest).mean()) if len(raw) else 0.0
    return _Weighted(np.minimum(raw, largest), clipped)


def _estimate(
    log: LoggedDecisions,
    weighted: Sequence[_Weighted],
    value: Callable[[Values], float],
    rng: np.random.Generator,
    params: EstimatorParams,
) -> OffPolicyEstimate:
    effective = min(each.effective_sample for each in weighted)
    clipped = max(each.clipped_share for each in weighted)
    if effective < LEAST_EFFECTIVE:
        refusal = (
            f"The log is worth {effective:.0f} decisions of this policy, and {LEAST_EFFECTIVE:.0f} "
            "are needed: it would have chosen what was hardly ever shown. Let the exploration "
            "slots run longer, or run an A/B test."
        )
        return OffPolicyEstimate(None, None, None, effective, clipped, refusal)
    _, customer = np.unique(log.customer, return_inverse=True)
    n_customers = int(customer.max()) + 1
    draws = []
    for _ in range(params.samples):
        by_customer = rng.standard_exponential(n_customers)
        draws.append(value(by_customer[customer]))
    tail = (1 - params.level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return OffPolicyEstimate(value(np.ones(len(log))), float(low), float(high), effective, clipped)
