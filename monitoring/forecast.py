"""The forecast of a week: the recent weeks, changed as last year changed at the same time.

A forecast uses only earlier weeks. (A decomposition of the whole series bends towards the very jump
that is to be detected.) How much of last year's change is followed is learned per signal from past
residuals, so that a change caused by single hits is not expected again. The judged week does not
enter this coefficient, but each earlier week does, so past residuals come out slightly too small.
The price: two years of summaries, and a first year in which no change is expected.
"""

from dataclasses import dataclass

import numpy as np

from monitoring.monitor_params import ForecastParams
from monitoring.panel import Panel
from monitoring.signals import FloatArray


@dataclass(frozen=True)
class Baselines:
    """What forecasts start from, each of shape (weeks, numbers).

    Attributes:
        recent: the mean of the recent weeks.
        last_year: the mean of the same weeks of last year; NaN without.
        change: last year, from the weeks like the recent ones to these: a log ratio for shares, a
            difference for other numbers; NaN without.
    """

    recent: FloatArray
    last_year: FloatArray
    change: FloatArray

    def until(self, week: int) -> "Baselines":
        """Return the rows before a week."""
        return Baselines(self.recent[:week], self.last_year[:week], self.change[:week])

    def forecast(self, panel: Panel, follow: FloatArray | float) -> FloatArray:
        """Return the recent weeks changed by `follow` (per number) times last year's change."""
        shares = self.recent * np.exp(follow * np.where(panel.is_share, self.change, 0.0))
        total = panel.sums(shares)[..., panel.signal]
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = shares / total
        return np.where(panel.is_share, shares, self.recent + follow * self.change)


def baselines_of(
    panel: Panel,
    recent: FloatArray,
    last_year: FloatArray,
    before: FloatArray,
    extra: FloatArray,
) -> Baselines:
    """Return the baselines of weeks, all of shape (..., numbers).

    Args:
        panel: gives the signals.
        recent: averages of the recent weeks.
        last_year: averages of last year's weeks like the current one.
        before: averages of last year's weeks like the recent ones.
        extra: added to last year's shares, against ratios of tiny counts.
    """
    ratio = np.where(panel.is_share, last_year + extra, 1.0)
    ratio /= np.where(panel.is_share, before + extra, 1.0)
    return Baselines(recent, last_year, np.where(panel.is_share, np.log(ratio), last_year - before))


def learn_follow(
    panel: Panel, past: FloatArray, baselines: Baselines, params: ForecastParams
) -> FloatArray:
    """Return, per number, how much of last year's change to follow, from 0 to 1.

    Least squares of the observed change on the change predicted from last year, over the past weeks
    and all numbers of a signal together, shrunk towards a prior while few weeks are known.

    Args:
        panel: gives the signals.
        past: values of the past weeks, shape (weeks, numbers).
        baselines: of the same weeks.
        params: the prior.
    """
    predicted = baselines.forecast(panel, 1.0) - baselines.recent
    observed = past - baselines.recent
    is_known = np.isfinite(predicted) & np.isfinite(observed)
    x, y = np.where(is_known, predicted, 0.0), np.where(is_known, observed, 0.0)
    xx, xy = panel.sums(x * x), panel.sums(x * y)
    n_weeks = (xx > 0).sum(axis=0)
    prior = params.prior_weeks * xx.sum(axis=0) / np.maximum(n_weeks, 1)
    total = xx.sum(axis=0) + prior
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (xy.sum(axis=0) + params.prior_follow * prior) / total
    return np.clip(np.where(total > 0, slope, params.prior_follow), 0.0, 1.0)[panel.signal]
