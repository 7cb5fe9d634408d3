"""The verdict on each signal of a week: as expected, seasonal, or drift.

A drift differs from the recent weeks and from the forecast, which follows last year. A signal that
only changed as last year did is seasonal, tested at its own level without correction: that verdict
triggers nothing. The price: a drift that looks like last year's season is taken for the season.
"""

from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from monitoring.column_names import USUAL
from monitoring.dashboard.wording import write_value
from monitoring.drift_tests import distance, drift_tests, seasonal_p_values
from monitoring.false_discoveries import q_values
from monitoring.monitor_params import MonitorParams
from monitoring.panel import SIGNAL, Panel
from monitoring.records import VERDICT_SCHEMA
from monitoring.residuals import Residuals, residuals_until
from monitoring.signals import FloatArray
from monitoring.verdict import Verdict

_WEEK: Final = timedelta(days=7)
_N_NAMED: Final = 3
_THOUSAND: Final = 1000
_ONE_SIGMA, _TWO_SIGMA = 0.6827, 1.96


def judge_week(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> pd.DataFrame:
    """Return VERDICT_SCHEMA of the week before week_end, a row per signal; reads no later week.

    - drift: differs from the recent weeks and from the forecast
    - new: differs from the recent weeks, and there is no last year to forecast from
    - seasonal: changed as last year did, and does not differ from the forecast
    - level change: like the recent weeks, although last year changed at this time
    - none: nothing of these

    A signal without recent weeks has no row.

    Raises:
        BadInput: the week is not among the SUMMARIES.
    """
    residuals = residuals_until(summaries, week_end, params)
    panel = residuals.panel
    test, recent = drift_tests(residuals, params.drift_tests)
    has_forecast = np.isfinite(test.effect)
    p_value = np.where(has_forecast, test.p_value, recent.p_value)
    is_compared = (panel.n[-1] > 0) & np.isfinite(p_value)
    (q, cut), (q_recent, _) = (
        q_values(
            panel.signals,
            np.where(is_compared, values, np.nan),
            params.alpha,
            params.drift_tests.weights,
        )
        for values in (p_value, recent.p_value)
    )
    effect_last_year = distance(panel, panel.measured[-1] - residuals.baselines.last_year[-1])
    verdicts = panel.signals.assign(
        week_end=week_end,
        n=panel.n[-1].astype(np.int64),
        effect=np.where(has_forecast, test.effect, recent.effect),
        effect_recent=recent.effect,
        effect_last_year=effect_last_year,
        threshold=np.where(has_forecast, test.effect_at(cut), recent.effect_at(cut)),
        p_value=p_value,
        q_value=q,
        verdict=_verdicts(
            differs_from_recent=q_recent <= params.alpha,
            differs_from_forecast=q <= params.alpha,
            is_seasonal=seasonal_p_values(residuals, params.drift_tests) <= params.alpha,
            has_forecast=has_forecast,
            has_last_year=np.isfinite(effect_last_year),
        ),
        moved=_largest_changes(residuals),
        same_direction=_same_direction(residuals, params.out_of_weeks - 1),
    )
    return pd.DataFrame(verdicts.loc[is_compared, VERDICT_SCHEMA.names]).reset_index(drop=True)


def _verdicts(
    *,
    differs_from_recent: npt.NDArray[np.bool_],
    differs_from_forecast: npt.NDArray[np.bool_],
    is_seasonal: npt.NDArray[np.bool_],
    has_forecast: npt.NDArray[np.bool_],
    has_last_year: npt.NDArray[np.bool_],
) -> npt.NDArray[np.str_]:
    """Return the first verdict whose condition holds."""
    conditions = {
        Verdict.NEW: ~has_forecast & differs_from_recent,
        Verdict.DRIFT: differs_from_recent & differs_from_forecast,
        Verdict.SEASONAL: is_seasonal & ~differs_from_forecast,
        Verdict.LEVEL_CHANGE: differs_from_forecast & has_last_year,
    }
    return np.select(list(conditions.values()), list(conditions), Verdict.NONE)


def _same_direction(residuals: Residuals, n_weeks: int) -> "pd.Series[Any]":
    """Return, per signal, which of the weeks before differ in the same direction as the last one.

    Of several numbers, such as shares: their differences, as vectors, are less than 90 degrees
    apart.
    """
    panel = residuals.panel
    has_forecast = np.isfinite(residuals.expected)
    differs = np.nan_to_num(np.where(has_forecast, residuals.from_expected, residuals.from_recent))
    calendar_weeks = [panel.weeks[-1] - back * _WEEK for back in range(n_weeks, 0, -1)]
    rows = [panel.weeks.index(week) for week in calendar_weeks if week in panel.weeks]
    is_same = panel.sums(differs[rows] * differs[-1]) > 0
    weeks = np.array([panel.weeks[row] for row in rows], object)
    return pd.Series([weeks[of_signal].tolist() for of_signal in is_same.T], dtype=object)


def _largest_changes(residuals: Residuals) -> list[str]:
    """Return, per signal, its largest changes since the recent weeks, each with both numbers."""
    panel, recent = residuals.panel, residuals.baselines.recent[-1]
    order = np.lexsort((-np.abs(panel.measured[-1] - recent), panel.signal))
    parts = np.split(order, np.searchsorted(panel.signal, np.arange(1, len(panel.signals))))
    return [
        "; ".join(_change(panel, number, recent) for number in part[:_N_NAMED]) for part in parts
    ]


def _change(panel: Panel, number: int, recent: FloatArray) -> str:
    before, after = recent[number], panel.measured[-1, number]
    column = str(panel.signals["column"].iloc[panel.signal[number]])
    if panel.is_share[number]:
        name = USUAL.category(column, str(panel.category[number]))
        return f"{name}: {100 * before:.0f} % -> {100 * after:.0f} %"
    if panel.is_size[number]:
        return f"{_size(np.exp(before))} -> {_size(np.exp(after))}"
    return f"{write_value(column, '', before)} -> {write_value(column, '', after)}"


def _size(value: float) -> str:
    return f"{value:,.0f}" if value >= _THOUSAND else f"{value:.4g}"


def expected_band(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> pd.DataFrame:
    """Return the forecast of every week up to week_end, from the weeks before each, with a band.

    How much of last year's change is followed was learned by week_end. Without last year the
    forecast is the recent mean, and without recent weeks NaN. The band holds 95 of 100 numbers that
    are as expected, from the usual residual of the number and at least its sampling noise. Its
    width is that of the last week, for all weeks.

    Returns:
        A row per week and number: week_end, about, column, segment, category (empty for a signal
        that is one number), value, expected, low, high and last_year.
    """
    residuals = residuals_until(summaries, week_end, params)
    panel, baselines = residuals.panel, residuals.baselines
    has_forecast = np.isfinite(residuals.expected)
    expected = np.where(has_forecast, residuals.expected, baselines.recent)
    half = _TWO_SIGMA * _usual_residual(panel.measured - expected, residuals.noise_recent)
    low = np.where(panel.is_share, np.maximum(expected - half, 0.0), expected - half)
    high = np.where(panel.is_share, np.minimum(expected + half, 1.0), expected + half)
    lines = {
        "value": panel.measured,
        "expected": expected,
        "low": low,
        "high": high,
        "last_year": baselines.last_year,
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


def _usual_residual(residuals: FloatArray, noise: FloatArray) -> FloatArray:
    """Return a standard deviation per number; NaN for one that has no forecast in any week."""
    usual = np.full(residuals.shape[1], np.nan)
    has_any = np.isfinite(residuals).any(axis=0)
    usual[has_any] = np.nanquantile(np.abs(residuals[:, has_any]), _ONE_SIGMA, axis=0)
    return np.asarray(np.fmax(usual, noise.std(axis=0)))
