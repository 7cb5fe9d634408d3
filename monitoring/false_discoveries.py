"""The false discovery rate among the many signals of a week.

Benjamini & Hochberg (1995) with weights (Genovese, Roeder & Wasserman 2006): signals in which a
drift shows clearly are rejected at larger p-values, at the expense of the others. Habits are tested
together first (Simes 1986) and one by one only if that test rejects (a tree of tests, Yekutieli
2008): they show through which column a taste changed.
"""

from typing import Final

import numpy as np
import pandas as pd

from hemline import columns
from monitoring.monitor_params import SignalWeights
from monitoring.signals import ALL, FloatArray

_MIX: Final = (
    "product_group_name",
    "garment_group_name",
    "index_name",
    "index_group_name",
    "colour_group_name",
    "price_level",
)


def q_values(
    signals: pd.DataFrame, p_values: FloatArray, alpha: float, params: SignalWeights
) -> tuple[FloatArray, FloatArray]:
    """Return q-values, and the largest p-value at which each signal would be rejected.

    Args:
        signals: about, column and segment of each.
        p_values: one per signal; NaN where there is none.
        alpha: false discovery rate.
        params: the weights.
    """
    is_habit = (signals["about"] == "habits").to_numpy() & np.isfinite(p_values)
    habits, others = np.flatnonzero(is_habit), np.flatnonzero(~is_habit)
    first = np.append(p_values[others], _simes(p_values[habits]))
    weights = np.append(_weights(signals, params)[others], params.habits)
    is_known = np.isfinite(first)
    weights /= weights[is_known].mean() if is_known.any() else 1.0
    q_first, cut_first = _benjamini_hochberg(first / weights, alpha)
    q_habits, cut_habits = _benjamini_hochberg(p_values[habits], alpha)
    q, cut = np.full(len(signals), np.nan), np.full(len(signals), np.nan)
    q[others], cut[others] = q_first[:-1], np.minimum(cut_first * weights[:-1], 1.0)
    q[habits] = np.maximum(q_habits, q_first[-1])
    is_open = not len(habits) or q_first[-1] <= alpha
    alone = cut_first * weights[-1] / max(len(habits), 1)  # one habit that opens the tree by itself
    cut[habits] = cut_habits if is_open else min(cut_habits, alone)
    return q, cut


def _weights(signals: pd.DataFrame, params: SignalWeights) -> FloatArray:
    """Return the weight of each signal, before they are scaled to mean 1."""
    is_bought = (signals["about"] == "transactions").to_numpy()
    is_mix = signals["column"].isin(_MIX).to_numpy() & is_bought
    is_whole = (signals["segment"] == ALL).to_numpy()
    is_channel = (signals["column"] == columns.CHANNEL).to_numpy() & is_whole
    weights = np.select([is_channel, is_mix], [params.channel, params.mix], 1.0)
    return np.asarray(np.where(is_whole, weights, params.within_segment * weights))


def _simes(p_values: FloatArray) -> float:
    """Return one p-value for several that may depend on each other; NaN for none.

    >>> _simes(np.array([0.04, 0.01, 0.9]))
    0.03
    """
    n = len(p_values)
    return float((np.sort(p_values) * n / np.arange(1, n + 1)).min()) if n else np.nan


def _benjamini_hochberg(p_values: FloatArray, alpha: float) -> tuple[FloatArray, float]:
    """Return q-values, NaN for NaN, and the largest p-value that is rejected.

    >>> _benjamini_hochberg(np.array([0.01, np.nan, 0.04]), 0.05)
    (array([0.02,  nan, 0.04]), 0.05)
    """
    q = np.full(len(p_values), np.nan)
    order = np.argsort(p_values, kind="stable")[: np.isfinite(p_values).sum()]
    n = len(order)
    ratios = p_values[order] * n / np.arange(1, n + 1)
    q[order] = np.minimum(np.minimum.accumulate(ratios[::-1])[::-1], 1.0)
    n_rejected = int((q[order] <= alpha).sum())
    return q, alpha * max(n_rejected, 1) / max(n, 1)
