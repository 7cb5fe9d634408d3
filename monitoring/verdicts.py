"""Is a week as it was expected, and if not, is it the season? A verdict per column and segment.

Called drift is only what is unlike the recent weeks and unlike what last year's step makes of them.
What merely moved as last year did is called seasonal, at a level of its own and uncorrected: it
starts nothing. The price: a drift that looks like last year's season is taken for one.
"""

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from monitoring.drift_tests import Unusual, distance, p_foretold, q_values, unusual_misses
from monitoring.panel import SIGNAL, Panel
from monitoring.residuals import Misses, misses_until
from monitoring.signals import FloatArray
from monitoring.verdict import Verdict
from monitoring.windows import MonitorParams

_N_MOVED: Final = 3
_THOUSAND: Final = 1000
_ONE_SIGMA, _TWO_SIGMA = 0.6827, 1.96


def judge_week(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> pd.DataFrame:
    """Return the VERDICTS of the week before week_end, a row per signal; later weeks are not read.

    - drift: unlike the recent weeks and unlike what was expected
    - new: unlike the recent weeks, without a last year to say more
    - seasonal: moved as last year foretold, and not unlike what was expected
    - level change: like the recent weeks, though last year foretold a change
    - none: nothing of these

    A signal without recent weeks has no row.

    Raises:
        BadInput: the week is not among the SUMMARIES.
    """
    misses = misses_until(summaries, week_end, params)
    panel = misses.panel
    test, recent = unusual_misses(misses)
    counted = _either(test, recent)
    is_compared = (panel.n[-1] > 0) & np.isfinite(counted["p_value"])
    q, cut = q_values(
        panel.signals, np.where(is_compared, counted["p_value"], np.nan), params.alpha
    )
    q_recent, _ = q_values(
        panel.signals, np.where(is_compared, recent.p_value, np.nan), params.alpha
    )
    has_expectation = np.isfinite(test.effect)
    effect_last_year = distance(panel, panel.measured[-1] - misses.known.last_year[-1])
    verdicts = panel.signals.assign(
        week_end=week_end,
        n=panel.n[-1].astype(np.int64),
        effect_recent=recent.effect,
        effect_last_year=effect_last_year,
        threshold=np.where(has_expectation, test.effect_at(cut), recent.effect_at(cut)),
        q_value=q,
        verdict=_ladder(
            unlike_recent=q_recent <= params.alpha,
            unlike_expected=q <= params.alpha,
            is_foretold=p_foretold(misses) <= params.alpha,
            has_expectation=has_expectation,
            has_last_year=np.isfinite(effect_last_year),
        ),
        moved=_moved(misses),
        **counted,
    )
    return pd.DataFrame(verdicts.loc[is_compared, _COLUMNS]).reset_index(drop=True)


_COLUMNS: Final = [
    "week_end",
    *SIGNAL,
    "n",
    "effect",
    "effect_recent",
    "effect_last_year",
    "threshold",
    "p_value",
    "q_value",
    "verdict",
    "moved",
]


def _either(test: Unusual, recent: Unusual) -> dict[str, FloatArray]:
    """Return effect and p-value against the expectation, or the recent weeks without one."""
    has_expectation = np.isfinite(test.effect)
    return {
        "effect": np.where(has_expectation, test.effect, recent.effect),
        "p_value": np.where(has_expectation, test.p_value, recent.p_value),
    }


def _ladder(
    *,
    unlike_recent: npt.NDArray[np.bool_],
    unlike_expected: npt.NDArray[np.bool_],
    is_foretold: npt.NDArray[np.bool_],
    has_expectation: npt.NDArray[np.bool_],
    has_last_year: npt.NDArray[np.bool_],
) -> npt.NDArray[np.str_]:
    verdicts = [Verdict.NEW, Verdict.DRIFT, Verdict.SEASONAL, Verdict.LEVEL_CHANGE]
    rungs = [
        ~has_expectation & unlike_recent,
        unlike_recent & unlike_expected,
        is_foretold & ~unlike_expected,
        unlike_expected & has_last_year,
    ]
    return np.select(rungs, verdicts, Verdict.NONE)


def _moved(misses: Misses) -> list[str]:
    """Return, per signal, its numbers that moved most since the recent weeks, before and after."""
    panel, recent = misses.panel, misses.known.recent[-1]
    order = np.lexsort((-np.abs(panel.measured[-1] - recent), panel.signal))
    parts = np.split(order, np.searchsorted(panel.signal, np.arange(1, len(panel.signals))))
    return ["; ".join(_move(panel, number, recent) for number in part[:_N_MOVED]) for part in parts]


def _move(panel: Panel, number: int, recent: FloatArray) -> str:
    before, after = recent[number], panel.measured[-1, number]
    if panel.is_share[number]:
        return f"{panel.category[number]}: {100 * before:.0f} % -> {100 * after:.0f} %"
    if panel.is_size[number]:
        return f"{_size(np.exp(before))} -> {_size(np.exp(after))}"
    return f"{before:.3g} -> {after:.3g}"


def _size(value: float) -> str:
    return f"{value:,.0f}" if value >= _THOUSAND else f"{value:.4g}"


def expected_band(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> pd.DataFrame:
    """Return what was expected of every week up to week_end, from the weeks before each.

    How far last year's step is followed is what had been learned by week_end. Without a last year
    that is the recent mean; before there are recent weeks it is NaN. The width holds 95 of 100
    numbers that are as expected, by the usual miss of the number and no less than its sampling
    noise; it is that of the last week, for all weeks.

    Returns:
        A row per week and number: week_end, about, column, segment, category (empty for a signal
        that is one number), value, expected, low, high and last_year.
    """
    misses = misses_until(summaries, week_end, params)
    panel = misses.panel
    expected = np.where(np.isfinite(misses.expected), misses.expected, misses.known.recent)
    half = _TWO_SIGMA * _usual_miss(panel.measured - expected, misses.noise_recent)
    low = np.where(panel.is_share, np.maximum(expected - half, 0.0), expected - half)
    high = np.where(panel.is_share, np.minimum(expected + half, 1.0), expected + half)
    lines = {
        "value": panel.measured,
        "expected": expected,
        "low": low,
        "high": high,
        "last_year": misses.known.last_year,
    }
    n_weeks, n_numbers = panel.measured.shape
    band = panel.signals.iloc[np.tile(panel.signal, n_weeks)].reset_index(drop=True)
    band["category"] = np.tile(panel.category, n_weeks)
    band["week_end"] = np.repeat(np.array(panel.weeks, object), n_numbers)
    for name, numbers in lines.items():
        sizes = np.exp(np.where(panel.is_size, numbers, 0.0))
        band[name] = np.where(panel.is_size, sizes, numbers).ravel()
    is_measured = np.isfinite(panel.measured).ravel()
    return band.loc[is_measured, ["week_end", *SIGNAL, "category", *lines]].reset_index(drop=True)


def _usual_miss(misses: FloatArray, noise: FloatArray) -> FloatArray:
    """Return a standard deviation per number; NaN for one that nothing was expected of."""
    usual = np.full(misses.shape[1], np.nan)
    has_any = np.isfinite(misses).any(axis=0)
    usual[has_any] = np.nanquantile(np.abs(misses[:, has_any]), _ONE_SIGMA, axis=0)
    return np.asarray(np.fmax(usual, noise.std(axis=0)))
