"""How unusual a miss is: against sampling, against a signal's restlessness, and among many signals.

The square of a miss over the sum of the two variances is read as an F statistic. Its first degrees
of freedom come from the replicates (Satterthwaite 1946). The second say how well the restlessness
is known: the more of the scale it makes up and the fewer weeks it was learned from, the heavier the
tail. The price: while a signal is young its restlessness leans on a prior.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from hemline import columns
from monitoring.panel import Panel
from monitoring.residuals import Misses
from monitoring.signals import ALL, FloatArray

_PRIOR_WEEKS: Final = 8.0
_PRIOR_RESTLESSNESS: Final = 0.5  # of the sampling variance, before any miss is known
_LEAST_FREEDOM: Final = 4.0
_ALIKE_WEEKS: Final = 8.0  # misses within so many weeks share their recent weeks: they count as one
_QUANTILES: Final = (0.5, 0.75)  # a drift of a quarter of the past weeks makes no signal deaf
_LEAST_UNSURE: Final = 0.1
_MOST_FREEDOM: Final = 200.0
_CHANNEL_WEIGHT: Final = 6.0
_HABITS_WEIGHT: Final = 4.0  # of all habits together
_SEGMENT_WEIGHT: Final = 0.25  # of a column within an index group, beside the whole column's
_MIX_WEIGHT: Final = 0.02  # of what everybody buys: restless, and blind to a medium taste shift
_MIX: Final = (
    "product_group_name",
    "garment_group_name",
    "index_name",
    "index_group_name",
    "colour_group_name",
    "price_level",
)
_RARE: Final = 0.02  # a category as rare as this counts half as much as its relative move would
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Unusual:
    """How unusual the misses of a week are, per signal.

    Attributes:
        effect: the distance; NaN where there was nothing to compare with.
        scale: the square of the distance that noise and restlessness lead to expect.
        freedoms: the two degrees of freedom of the F distribution.
    """

    effect: FloatArray
    scale: FloatArray
    freedoms: tuple[FloatArray, FloatArray]

    @property
    def p_value(self) -> FloatArray:
        """The chance of so large a distance by noise and restlessness alone."""
        ratio = self.effect**2 / np.maximum(self.scale, _TINY)
        return np.asarray(stats.f.sf(ratio, *self.freedoms))

    def effect_at(self, p_value: FloatArray) -> FloatArray:
        """Return the distance that has this p-value."""
        return np.sqrt(np.asarray(stats.f.isf(p_value, *self.freedoms)) * self.scale)


def unusual_misses(misses: Misses) -> tuple[Unusual, Unusual]:
    """Return the tests of the last week against its expectation and against its recent weeks.

    Both take the restlessness from misses of the expectation where there were any, for every season
    misses the recent weeks.
    """
    panel = misses.panel
    past = distance(panel, misses.of_expected[:-1])
    past_recent = distance(panel, misses.of_recent[:-1])
    usual = np.where(np.isfinite(past).any(axis=0), past, past_recent)
    test = _test(panel, misses.of_expected[-1], misses.noise, past)
    return test, _test(panel, misses.of_recent[-1], misses.noise_recent, usual)


def distance(panel: Panel, misses: FloatArray) -> FloatArray:
    """Return, of shape (..., signals), total variation for shares, absolute value for numbers."""
    return panel.sums(np.abs(misses) * np.where(panel.is_share, 0.5, 1.0))


def _test(panel: Panel, misses: FloatArray, noise: FloatArray, past: FloatArray) -> Unusual:
    squares = distance(panel, noise) ** 2
    sampling = squares.mean(axis=0)
    freedom = 2 * sampling**2 / np.maximum(squares.var(axis=0), _TINY**2)
    first = np.clip(freedom, 1.0, _MOST_FREEDOM)
    sizes = np.maximum(panel.n[:-1], 1) / np.maximum(panel.n[-1], 1)
    beyond, n_weeks = _restlessness(past**2, sampling / sizes, first)
    known = n_weeks / (n_weeks + _PRIOR_WEEKS)
    restless = known * beyond + (1 - known) * _PRIOR_RESTLESSNESS * sampling
    scale = sampling + restless
    unsure = np.maximum(restless / np.maximum(scale, _TINY), _LEAST_UNSURE)
    second = (_LEAST_FREEDOM + n_weeks / _ALIKE_WEEKS) / unsure**2
    return Unusual(distance(panel, misses), scale, (first, second))


def _restlessness(
    past: FloatArray, sampling: FloatArray, freedom: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return, per signal, the squared miss beyond sampling, and from how many weeks.

    Args:
        past: squared misses, shape (weeks, signals); NaN where there was no expectation.
        sampling: what sampling alone leads to expect of them.
        freedom: of the chi-square that they follow, per signal.
    """
    is_known = np.isfinite(past) & np.isfinite(sampling)
    n_weeks = is_known.sum(axis=0).astype(np.float64)
    beyond = np.zeros(past.shape[1])
    has_any = n_weeks > 0
    observed = np.where(is_known, past, np.nan)[:, has_any]
    expected = np.where(is_known, sampling, np.nan)[:, has_any]
    if has_any.any():
        for quantile in _QUANTILES:
            typical = stats.chi2.ppf(quantile, freedom[has_any]) / freedom[has_any]
            excess = np.nanquantile(observed, quantile, axis=0) / typical
            excess -= np.nanmedian(expected, axis=0)
            beyond[has_any] = np.maximum(beyond[has_any], excess)
    return beyond, n_weeks


def p_foretold(misses: Misses) -> FloatArray:
    """Return, per signal, the p-value of having moved by luck as last year foretold; NaN without.

    What moved since the recent weeks is laid along last year's step; the same of the noise and of
    earlier misses tells what luck does.
    """
    panel, known = misses.panel, misses.known
    foretold = known.moved(panel, np.ones(len(panel.signal)))[-1] - known.recent[-1]
    weight = np.where(panel.is_share, 1 / (known.recent[-1] + _RARE), 1.0)
    direction = np.nan_to_num(foretold * weight)

    def along(moves: FloatArray) -> FloatArray:
        return panel.sums(np.nan_to_num(moves) * direction)

    was_expected = np.isfinite(panel.sums(misses.of_expected[:-1]))
    past = np.where(was_expected, along(misses.of_expected[:-1]) ** 2, np.nan)
    sampling = (along(misses.noise_recent) ** 2).mean(axis=0)
    beyond, n_weeks = _restlessness(
        past, np.broadcast_to(sampling, past.shape), np.ones_like(sampling)
    )
    scale = sampling + np.where(n_weeks > 0, beyond, _PRIOR_RESTLESSNESS * sampling)
    ratio = along(misses.of_recent[-1]) / np.sqrt(np.maximum(scale, _TINY))
    p_value = stats.t.sf(ratio, _LEAST_FREEDOM + n_weeks / _ALIKE_WEEKS)
    is_asked = panel.sums(direction**2) > 0
    return np.where(is_asked & (panel.n[-1] > 0), p_value, np.nan)


def q_values(
    signals: pd.DataFrame, p_values: FloatArray, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Return q-values, and the p-value from which each signal is noticed.

    Benjamini & Hochberg (1995) with weights (Genovese et al. 2006): where much can be seen, more is
    looked. The habits are looked at together first (Simes 1986), and one by one only if something
    broke (a tree of tests, Yekutieli 2008): they say through which column it did.

    Args:
        signals: about, column and segment of each.
        p_values: one per signal; NaN where there is none.
        alpha: false discovery rate.
    """
    is_habit = (signals["about"] == "habits").to_numpy() & np.isfinite(p_values)
    habits, others = np.flatnonzero(is_habit), np.flatnonzero(~is_habit)
    first = np.append(p_values[others], _simes(p_values[habits]))
    weights = np.append(_weights(signals)[others], _HABITS_WEIGHT)
    is_known = np.isfinite(first)
    weights /= weights[is_known].mean() if is_known.any() else 1.0
    q_first, cut_first = _benjamini_hochberg(first / weights, alpha)
    q_habits, cut_habits = _benjamini_hochberg(p_values[habits], alpha)
    q, cut = np.full(len(signals), np.nan), np.full(len(signals), np.nan)
    q[others], cut[others] = q_first[:-1], np.minimum(cut_first * weights[:-1], 1.0)
    q[habits] = np.maximum(q_habits, q_first[-1])
    is_open = not len(habits) or q_first[-1] <= alpha
    alone = cut_first * weights[-1] / max(len(habits), 1)  # what one habit needs to be asked at all
    cut[habits] = cut_habits if is_open else min(cut_habits, alone)
    return q, cut


def _weights(signals: pd.DataFrame) -> FloatArray:
    """Return how much each signal is trusted to tell a drift, before they are scaled to mean 1."""
    is_bought = (signals["about"] == "transactions").to_numpy()
    is_mix = signals["column"].isin(_MIX).to_numpy() & is_bought
    is_whole = (signals["segment"] == ALL).to_numpy()
    is_channel = (signals["column"] == columns.CHANNEL).to_numpy() & is_whole
    weights = np.select([is_channel, is_mix], [_CHANNEL_WEIGHT, _MIX_WEIGHT], 1.0)
    return np.asarray(np.where(is_whole, weights, _SEGMENT_WEIGHT * weights))


def _simes(p_values: FloatArray) -> float:
    """Return one p-value for several that may depend on each other; NaN for none.

    >>> _simes(np.array([0.04, 0.01, 0.9]))
    0.03
    """
    n = len(p_values)
    return float((np.sort(p_values) * n / np.arange(1, n + 1)).min()) if n else np.nan


def _benjamini_hochberg(p_values: FloatArray, alpha: float) -> tuple[FloatArray, float]:
    """Return q-values, NaN for NaN, and the p-value from which one is noticed.

    >>> _benjamini_hochberg(np.array([0.01, np.nan, 0.04]), 0.05)
    (array([0.02,  nan, 0.04]), 0.05)
    """
    q = np.full(len(p_values), np.nan)
    order = np.argsort(p_values, kind="stable")[: np.isfinite(p_values).sum()]
    n = len(order)
    ratios = p_values[order] * n / np.arange(1, n + 1)
    q[order] = np.minimum(np.minimum.accumulate(ratios[::-1])[::-1], 1.0)
    n_noticed = int((q[order] <= alpha).sum())
    return q, alpha * max(n_noticed, 1) / max(n, 1)
