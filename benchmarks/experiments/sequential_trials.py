"""Many experiments with and without a difference: how often each rule errs, how long it takes.

A trial is an A/B test of 28 days with 400 units a day and arm. A unit buys with 5 %, for a
log-normal amount. Every rule sees the same trials.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.record import Row
from hemline.experiments.always_valid import half_width
from hemline.experiments.fixed_horizon import SRM_LEVEL, sample_ratio_p
from hemline.experiments.group_sequential import boundaries, drift_for, operation

Values = npt.NDArray[np.float64]

DAYS: Final = 28
PER_DAY: Final = 400
CONVERSION: Final = 0.05
SPREAD: Final = 0.8  # of the logarithm of the amount
ALPHA: Final = 0.05
POWER: Final = 0.8
_CLASSICAL: Final = 1.959963984540054
_TRIALS_AT_ONCE: Final = 50


class Trials(NamedTuple):
    """Estimates by trial and day, both of shape (trials, days)."""

    difference: Values
    error: Values


def run_trials(n_trials: int, lift: float, rng: np.random.Generator) -> Trials:
    """Return trials whose treatment sells more by a share of the control's conversion."""
    parts = [
        _run(min(_TRIALS_AT_ONCE, n_trials - start), lift, rng)
        for start in range(0, n_trials, _TRIALS_AT_ONCE)
    ]
    return Trials(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def planned_lift(fractions: Sequence[float] = (1.0,)) -> float:
    """Return the lift that a design with these looks finds with the planned power."""
    amount = np.exp(SPREAD**2 / 2)
    variance = CONVERSION * np.exp(2 * SPREAD**2) - (CONVERSION * amount) ** 2
    error = np.sqrt(2 * variance / (PER_DAY * DAYS))
    return float(drift_for(POWER, fractions, ALPHA) * error / (CONVERSION * amount))


def error_rows(n_trials: int, rng: np.random.Generator) -> list[Row]:
    """Return how often each rule calls a difference that there is not, and one that there is."""
    idle = run_trials(n_trials, 0.0, rng)
    lifted = run_trials(n_trials, planned_lift(), rng)
    rows = []
    for name, rule in (
        ("planned looks, four", lambda each: _planned(each, 4)),
        ("planned looks, daily", lambda each: _planned(each, DAYS)),
        ("always valid, looked at daily", _always_valid),
        ("classical, at the end", lambda each: _first(_z(each)[:, -1:] >= _CLASSICAL)),
        ("classical, looked at daily", lambda each: _first(_z(each) >= _CLASSICAL)),
    ):
        false, found = rule(idle), rule(lifted)
        rows += [
            _share("sequential", name, "false positives", false < 1),
            _share("sequential", name, "power", found < 1),
            Row("sequential", name, "mean sample", float(np.minimum(found, 1).mean()), None),
        ]
    return rows


def power_row(n_trials: int, rng: np.random.Generator) -> list[Row]:
    """Return the power of four planned looks at the lift that they are planned for."""
    fractions = (0.25, 0.5, 0.75, 1.0)
    found = _planned(run_trials(n_trials, planned_lift(fractions), rng), len(fractions))
    expected = operation(fractions, drift_for(POWER, fractions, ALPHA), ALPHA)
    return [
        _share("planned sample", "four looks, simulated", "power", found < 1),
        Row("planned sample", "four looks, computed", "power", expected.power, None),
        Row("planned sample", "four looks, simulated", "mean sample",
            float(np.minimum(found, 1).mean()), None),
        Row("planned sample", "four looks, computed", "mean sample", expected.mean_fraction, None),
    ]  # fmt: skip


def ratio_rows(n_trials: int, rng: np.random.Generator) -> list[Row]:
    """Return how often the test of the sample ratio finds arms of other sizes than planned."""
    n_units = 2 * PER_DAY * DAYS
    rows = []
    for name, share in (("50/50", 0.5), ("49/51", 0.51), ("48/52", 0.52)):
        treated = rng.binomial(n_units, share, n_trials)
        p_values = np.array([sample_ratio_p(n_units - int(n), int(n)) for n in treated])
        rows.append(_share("sample ratio", name, "found", p_values < SRM_LEVEL))
    return rows


def _run(n_trials: int, lift: float, rng: np.random.Generator) -> Trials:
    sums = np.zeros((2, n_trials, DAYS))
    squares = np.zeros((2, n_trials, DAYS))
    for arm, conversion in enumerate((CONVERSION, CONVERSION * (1 + lift))):
        shape = (n_trials, DAYS, PER_DAY)
        amount = np.exp(SPREAD * rng.standard_normal(shape, np.float32))
        spent = amount * (rng.random(shape, np.float32) < conversion)
        sums[arm] = spent.sum(axis=2).cumsum(axis=1)
        squares[arm] = (spent**2).sum(axis=2).cumsum(axis=1)
    n = PER_DAY * np.arange(1, DAYS + 1)
    means = sums / n
    variances = (squares / n - means**2) / (n - 1)
    return Trials(means[1] - means[0], np.sqrt(variances.sum(axis=0)))


def _z(trials: Trials) -> Values:
    return np.abs(trials.difference) / trials.error


def _planned(trials: Trials, looks: int) -> Values:
    n_days = trials.error.shape[1]
    at = np.linspace(n_days / looks, n_days, looks).round().astype(int)
    bounds = np.array(boundaries(tuple(at / n_days), ALPHA))
    return _first(_z(trials)[:, at - 1] >= bounds, at / n_days)


def _always_valid(trials: Trials) -> Values:
    # What is planned is known before the start: the error of the same design without a difference.
    planned = float(trials.error[:, -1].mean())
    widths = np.vectorize(half_width)(trials.error, planned, ALPHA)
    return _first(np.abs(trials.difference) >= widths)


def _first(crossed: npt.NDArray[np.bool_], at: Values | None = None) -> Values:
    """Return the share of the sample at the first crossing.

    It is just below 1 where that is the last look, and 2 where no boundary was crossed.
    """
    n_looks = crossed.shape[1]
    at = np.arange(1, n_looks + 1) / n_looks if at is None else at
    ends = np.minimum(at, 1 - 1e-9)[crossed.argmax(axis=1)]
    return np.where(crossed.any(axis=1), ends, 2.0)


def _share(case: str, name: str, metric: str, hits: npt.NDArray[np.bool_]) -> Row:
    mean = float(hits.mean())
    return Row(case, name, metric, mean, float(np.sqrt(mean * (1 - mean) / len(hits))))
