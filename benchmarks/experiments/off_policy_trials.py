"""Do the intervals of off-policy estimates hold the truth, and is too little information refused?

A log of 3,000 decisions of one exploration slot with ten candidates. The chance of a purchase of a
candidate is known, so is what any policy would have earned. Two challengers are evaluated: one that
orders the candidates better than the ranker, by a softmax, and one that always shows the candidate
that the slot shows least, of which the log says nearly nothing.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.record import Row
from hemline.experiments.exploration_slots import slot_probabilities
from hemline.experiments.off_policy import (
    LoggedDecisions,
    OffPolicyEstimate,
    doubly_robust,
    snips,
)

Values = npt.NDArray[np.float64]

_DECISIONS: Final = 3000
_CANDIDATES: Final = 10
_TEMPERATURE: Final = 4.0
_BEST: Final = 0.16  # chance of a purchase of the ranker's first candidate, on average
_FALL: Final = 0.85


def off_policy_rows(n_runs: int, rng: np.random.Generator) -> list[Row]:
    """Return how often the interval of each estimator holds the truth, and how often it refuses."""
    found: dict[tuple[str, str], list[tuple[OffPolicyEstimate, float]]] = {}
    for _ in range(n_runs):
        chances, log = _log(rng)
        model = _reward_model(log, chances.shape)
        for challenger, policy in _policies(chances, rng).items():
            truth = float((policy * chances).sum(axis=1).mean())
            by_snips = snips(log, policy, rng)
            by_model = doubly_robust(log, policy, model, rng)
            found.setdefault((challenger, "SNIPS"), []).append((by_snips, truth))
            found.setdefault((challenger, "DR"), []).append((by_model, truth))
    return [
        row for (challenger, name), each in found.items() for row in _rows(challenger, name, each)
    ]


def _rows(
    challenger: str, name: str, estimates: list[tuple[OffPolicyEstimate, float]]
) -> list[Row]:
    case, given = (
        f"off-policy, {challenger}",
        [
            (each.low, each.high, truth)
            for each, truth in estimates
            if each.low is not None and each.high is not None
        ],
    )
    refused = 1 - len(given) / len(estimates)
    rows = [Row(case, name, "refused", refused, None)]
    if given:
        held = np.mean([low <= truth <= high for low, high, truth in given])
        error = float(np.sqrt(held * (1 - held) / len(given)))
        width = float(np.mean([(high - low) / truth for low, high, truth in given]))
        rows += [
            Row(case, name, "held the truth", float(held), error),
            Row(case, name, "width", width, None),
        ]
    return rows


def _log(rng: np.random.Generator) -> tuple[Values, LoggedDecisions]:
    by_rank = _BEST * _FALL ** np.arange(_CANDIDATES)
    noise = np.exp(0.5 * rng.standard_normal((_DECISIONS, _CANDIDATES)) - 0.125)
    chances = np.minimum(by_rank * noise, 1.0)
    propensities = np.tile(slot_probabilities(_CANDIDATES, _TEMPERATURE), (_DECISIONS, 1))
    chosen = (rng.random((_DECISIONS, 1)) > propensities.cumsum(axis=1)).sum(axis=1)
    chosen = np.minimum(chosen, _CANDIDATES - 1)
    reward = (rng.random(_DECISIONS) < chances[np.arange(_DECISIONS), chosen]).astype(np.float64)
    customer = rng.integers(0, _DECISIONS // 2, _DECISIONS)
    return chances, LoggedDecisions(customer, chosen, propensities, reward)


def _policies(chances: Values, rng: np.random.Generator) -> dict[str, Values]:
    """Return the better challenger, which sees the chances with noise, and the one never shown."""
    seen = np.log(chances) + 0.3 * rng.standard_normal(chances.shape)
    weights = np.exp(3 * (seen - seen.max(axis=1, keepdims=True)))
    never = np.zeros_like(chances)
    never[:, -1] = 1.0
    return {
        "a better order": weights / weights.sum(axis=1, keepdims=True),
        "what was never shown": never,
    }


def _reward_model(log: LoggedDecisions, shape: tuple[int, ...]) -> Values:
    """Return the mean reward by rank, learnt from the other half of the customers."""
    predicted = np.zeros(shape)
    half = log.customer % 2
    for part in (0, 1):
        learns = half != part
        shown = np.bincount(log.chosen[learns], minlength=_CANDIDATES)
        earned = np.bincount(log.chosen[learns], log.reward[learns], minlength=_CANDIDATES)
        predicted[half == part] = (earned + log.reward[learns].mean()) / (shown + 1)
    return predicted
