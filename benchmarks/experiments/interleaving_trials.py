"""Do interleaved lists find the better ranker with a third of the buyers that an A/B test needs?

A customer has a utility for each of 60 candidates. Rankers see it with more or less noise. A
customer looks at place k with the chance of a position-biased reader and buys what it looks at by
its utility. The A/B test compares purchases per customer.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.record import Row
from hemline.experiments.group_sequential import drift_for
from hemline.experiments.interleaving import interleave, preference

Values = npt.NDArray[np.float64]

_CANDIDATES: Final = 60
_LENGTH: Final = 12
_FALL: Final = 0.85  # of attention from place to place, as in rank-biased precision
_NOISE: Final = (1.0, 1.5)  # of the better and the worse ranker, in deviations of the utility
_RATE: Final = 0.03  # chance that an article of average utility is bought once it is looked at
_SAMPLE: Final = 40_000  # customers from which the need of an A/B test is computed


class Rankers(NamedTuple):
    """Rankings of both rankers and the chance that each article is bought when looked at."""

    better: npt.NDArray[np.int64]
    worse: npt.NDArray[np.int64]
    chances: Values


def interleaving_rows(n_runs: int, rng: np.random.Generator) -> list[Row]:
    """Return how often each way tells which ranker is better."""
    needed = _needed_by_ab_test(rng)
    third = needed // 3
    by_lists = np.array([_by_interleaving(third, rng) for _ in range(n_runs)])
    by_test = np.array([_by_ab_test(third, rng) for _ in range(n_runs)])
    return [
        _row("interleaving, a third of the customers", "right", by_lists),
        _row("A/B test, a third of the customers", "right", by_test),
        Row("interleaving", "interleaving, a third of the customers", "customers", third, None),
        Row("interleaving", "A/B test, a third of the customers", "customers", third, None),
        Row("interleaving", "A/B test of power 0.8", "customers", needed, None),
    ]


def _row(name: str, metric: str, right: Values) -> Row:
    mean = float(right.mean())
    return Row("interleaving", name, metric, mean, float(np.sqrt(mean * (1 - mean) / len(right))))


def _customers(n: int, rng: np.random.Generator) -> Rankers:
    utility = rng.standard_normal((n, _CANDIDATES))
    better, worse = (
        np.argsort(-(utility + noise * rng.standard_normal(utility.shape)), axis=1)
        for noise in _NOISE
    )
    return Rankers(better, worse, np.minimum(_RATE * np.exp(utility - 0.5), 1.0))


def _purchases(
    lists: npt.NDArray[np.int64], chances: Values, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return which places of each list are bought from, of shape (customers, places)."""
    looked = _FALL ** np.arange(lists.shape[1])
    chance = looked * np.take_along_axis(chances, lists, axis=1)
    return np.asarray(rng.random(lists.shape) < chance, np.bool_)


def _needed_by_ab_test(rng: np.random.Generator) -> int:
    """Return the customers of both arms that an A/B test of power 0.8 needs."""
    drawn = _customers(_SAMPLE, rng)
    counts = [
        _purchases(ranking[:, :_LENGTH], drawn.chances, rng).sum(axis=1)
        for ranking in (drawn.better, drawn.worse)
    ]
    difference = counts[0].mean() - counts[1].mean()
    variance = counts[0].var() + counts[1].var()
    return int(2 * variance * drift_for(0.8, (1.0,)) ** 2 / difference**2)


def _by_ab_test(n: int, rng: np.random.Generator) -> float:
    drawn = _customers(n, rng)
    half = n // 2
    better = _purchases(drawn.better[:half, :_LENGTH], drawn.chances[:half], rng).sum(axis=1)
    worse = _purchases(drawn.worse[half:, :_LENGTH], drawn.chances[half:], rng).sum(axis=1)
    return float(better.mean() > worse.mean())


def _by_interleaving(n: int, rng: np.random.Generator) -> float:
    drawn = _customers(n, rng)
    lists = [
        interleave(worse[:_LENGTH].tolist(), better[:_LENGTH].tolist(), _LENGTH, rng)
        for better, worse in zip(drawn.better, drawn.worse, strict=True)
    ]
    listed = np.array([each.articles for each in lists])
    bought = _purchases(listed, drawn.chances, rng)
    votes = [each.credit(listed[row][bought[row]].tolist()) for row, each in enumerate(lists)]
    return float(preference(np.array(votes)).preference > 0)
