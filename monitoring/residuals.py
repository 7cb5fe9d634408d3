"""Residuals: how far each week was from its forecast, and how far sampling alone could take it.

Every past week is compared with its own forecast, as the judged week is, so a signal's past
residuals show how overdispersed it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.errors import BadInput
from monitoring.forecast import Baselines, baselines_of, learn_follow
from monitoring.monitor_params import MonitorParams
from monitoring.panel import Panel, WindowWeights, averaged, panel_of, window_weights
from monitoring.shop_calendar import ShopCalendar
from monitoring.signals import FloatArray

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Residuals:
    """The judged week and all before it, with the forecast of each.

    Attributes:
        panel: what was measured; its last week is the judged one.
        baselines: of every week.
        expected: the forecasts, of shape (weeks, numbers); NaN where there is none.
        noise: deviations of the last week's residuals by sampling alone, shape (replicates,
            numbers).
        noise_recent: the same of its difference from the recent weeks.
    """

    panel: Panel
    baselines: Baselines
    expected: FloatArray
    noise: FloatArray
    noise_recent: FloatArray

    @property
    def from_expected(self) -> FloatArray:
        """Measured minus expected, shape (weeks, numbers)."""
        return self.panel.measured - self.expected

    @property
    def from_recent(self) -> FloatArray:
        """Measured minus the mean of the recent weeks, shape (weeks, numbers)."""
        return self.panel.measured - self.baselines.recent


def residuals_until(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> Residuals:
    """Return the residuals of the week before week_end and all before it; no later week is read.

    Raises:
        BadInput: the week is not among the SUMMARIES.
    """
    days = pd.to_datetime(summaries["week_end"])
    if not (days == pd.Timestamp(week_end)).any():
        raise BadInput(
            f"the summaries hold the week before {week_end}",
            found="no such week",
            fix="summarise that week first (monitoring.summary_cache.cached_summaries)",
        )
    panel = panel_of(summaries[days <= pd.Timestamp(week_end)])
    windows = window_weights(panel.weeks, params)
    baselines = _baselines(panel, windows, panel.measured, panel.measured.shape, params)
    last = len(panel.weeks) - 1
    follow = learn_follow(panel, panel.measured[:last], baselines.until(last), params.forecast)
    steady = _is_steady(panel, params)
    noise, noise_recent = _noise(panel, windows, follow, steady[-1:], params)
    return Residuals(
        panel, baselines, _expected(panel, baselines, follow, steady), noise, noise_recent
    )


def _baselines(
    panel: Panel,
    weights: Iterable[FloatArray],
    numbers: FloatArray,
    shape: tuple[int, ...],
    params: MonitorParams,
) -> Baselines:
    """Return baselines, each of the shape, from numbers of shape (weeks, any)."""
    n_weeks = np.maximum((panel.n > 0).sum(axis=0), 1)
    n_buyers = np.maximum((panel.n.sum(axis=0) / n_weeks)[panel.signal], 1.0)
    recent, last_year, before = (
        averaged(window, numbers, params.min_window_share).reshape(shape) for window in weights
    )
    extra = params.forecast.prior_buyers / n_buyers
    return baselines_of(panel, recent, last_year, before, extra)


def _expected(
    panel: Panel, baselines: Baselines, follow: FloatArray, is_steady: BoolArray
) -> FloatArray:
    """Return the forecasts; no change for habits, and for what is steady without last year."""
    is_habit = (panel.signals["about"] == "habits").to_numpy()[panel.signal]
    forecast = baselines.forecast(panel, follow)
    is_constant = is_habit | (is_steady & ~np.isfinite(forecast))
    return np.where(is_constant, baselines.recent, forecast)


def _is_steady(panel: Panel, params: MonitorParams) -> BoolArray:
    """Return, of shape (weeks, numbers), what no season changes; nothing is steady in a sale."""
    calendar = ShopCalendar.of(params.calendar)
    in_sale = np.array([calendar.is_in_sale(week) for week in panel.weeks])[:, None]
    is_steady = panel.signals["column"].isin(params.steady).to_numpy()[panel.signal]
    return np.asarray(is_steady & ~in_sale)


def _noise(
    panel: Panel,
    windows: WindowWeights,
    follow: FloatArray,
    is_steady: BoolArray,
    params: MonitorParams,
) -> tuple[FloatArray, FloatArray]:
    """Return how the last week's residuals vary over the replicates of all weeks they rest on."""
    weights = [window[-1] for window in windows]
    used = np.flatnonzero(np.sum(weights, axis=0) > 0)
    week = panel.with_replicates(len(panel.weeks) - 1)
    drawn = np.full((len(used), week.size), np.nan)
    for row, number in enumerate(used.tolist()):
        drawn[row] = panel.with_replicates(number).ravel()
    baselines = _baselines(
        panel, [window[None, used] for window in weights], drawn, week.shape, params
    )
    residuals = week - _expected(panel, baselines, follow, is_steady)
    from_recent = week - baselines.recent
    return residuals[1:] - residuals[0], from_recent[1:] - from_recent[0]
