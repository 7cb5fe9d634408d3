"""How unusual a residual is, given sampling noise, overdispersion and the number of signals.

The squared residual over the sum of both variances is read as an F statistic. Its first degrees of
freedom come from the replicates (Satterthwaite 1946). The second express how well the
overdispersion is known: the larger its share of the variance and the fewer weeks it was estimated
from, the heavier the tail. The price: the overdispersion of a young signal rests on a prior.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from monitoring.monitor_params import DriftTestParams
from monitoring.panel import Panel
from monitoring.residuals import Residuals
from monitoring.signals import FloatArray

_TINY: Final = 1e-12


@dataclass(frozen=True)
class DriftTest:
    """How unusual the residuals of a week are, per signal.

    Attributes:
        effect: the distance; NaN where there was nothing to compare with.
        scale: the squared distance expected from sampling noise and overdispersion.
        freedoms: the two degrees of freedom of the F distribution.
    """

    effect: FloatArray
    scale: FloatArray
    freedoms: tuple[FloatArray, FloatArray]

    @property
    def p_value(self) -> FloatArray:
        """The probability of a distance this large by noise and overdispersion alone."""
        ratio = self.effect**2 / np.maximum(self.scale, _TINY)
        return np.asarray(stats.f.sf(ratio, *self.freedoms))

    def effect_at(self, p_value: FloatArray) -> FloatArray:
        """Return the distance that has this p-value."""
        return np.sqrt(np.asarray(stats.f.isf(p_value, *self.freedoms)) * self.scale)


def drift_tests(residuals: Residuals, params: DriftTestParams) -> tuple[DriftTest, DriftTest]:
    """Return the tests of the last week against its forecast and against its recent weeks.

    Both take the overdispersion from the residuals of forecasts where there are any: every season
    departs from the recent weeks.
    """
    panel = residuals.panel
    past = distance(panel, residuals.from_expected[:-1])
    past_recent = distance(panel, residuals.from_recent[:-1])
    usual = np.where(np.isfinite(past).any(axis=0), past, past_recent)
    return (
        _test(panel, residuals.from_expected[-1], residuals.noise, past, params),
        _test(panel, residuals.from_recent[-1], residuals.noise_recent, usual, params),
    )


def distance(panel: Panel, residuals: FloatArray) -> FloatArray:
    """Return, of shape (..., signals), total variation for shares, absolute value for numbers."""
    return panel.sums(np.abs(residuals) * np.where(panel.is_share, 0.5, 1.0))


def _test(
    panel: Panel,
    residuals: FloatArray,
    noise: FloatArray,
    past: FloatArray,
    params: DriftTestParams,
) -> DriftTest:
    """Return the test of residuals, given their noise and the distances of past weeks."""
    squares = distance(panel, noise) ** 2
    sampling = squares.mean(axis=0)
    freedom = 2 * sampling**2 / np.maximum(squares.var(axis=0), _TINY**2)
    first = np.clip(freedom, 1.0, params.max_freedom)
    sizes = np.maximum(panel.n[:-1], 1) / np.maximum(panel.n[-1], 1)
    observed, n_weeks = _overdispersion(past**2, sampling / sizes, first, params.quantiles)
    known = n_weeks / (n_weeks + params.prior_weeks)
    overdispersion = known * observed + (1 - known) * params.prior_overdispersion * sampling
    scale = sampling + overdispersion
    uncertain = np.maximum(overdispersion / np.maximum(scale, _TINY), params.min_uncertain_share)
    second = _freedom(n_weeks, params) / uncertain**2
    return DriftTest(distance(panel, residuals), scale, (first, second))


def _freedom(n_weeks: FloatArray, params: DriftTestParams) -> FloatArray:
    """Return the degrees of freedom of a variance that was estimated from past weeks."""
    return params.min_freedom + n_weeks / params.correlated_weeks


def _overdispersion(
    past: FloatArray, sampling: FloatArray, freedom: FloatArray, quantiles: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    """Return, per signal, the squared residual in excess of sampling, and from how many weeks.

    Args:
        past: squared residuals, shape (weeks, signals); NaN where there was no forecast.
        sampling: their expectation from sampling alone.
        freedom: of the chi-square distribution that they follow, per signal.
        quantiles: of past residuals; the largest excess among them counts.
    """
    is_known = np.isfinite(past) & np.isfinite(sampling)
    n_weeks = is_known.sum(axis=0).astype(np.float64)
    overdispersion = np.zeros(past.shape[1])
    has_any = n_weeks > 0
    observed = np.where(is_known, past, np.nan)[:, has_any]
    expected = np.where(is_known, sampling, np.nan)[:, has_any]
    if has_any.any():
        for quantile in quantiles:
            typical = stats.chi2.ppf(quantile, freedom[has_any]) / freedom[has_any]
            excess = np.nanquantile(observed, quantile, axis=0) / typical
            excess -= np.nanmedian(expected, axis=0)
            overdispersion[has_any] = np.maximum(overdispersion[has_any], excess)
    return overdispersion, n_weeks


def seasonal_p_values(residuals: Residuals, params: DriftTestParams) -> FloatArray:
    """Return, per signal, the p-value of having changed by chance as last year did; NaN without.

    The change since the recent weeks is projected on last year's change. Its variance comes from
    the noise and from the residuals of past weeks, projected in the same way.
    """
    panel, baselines = residuals.panel, residuals.baselines
    predicted = baselines.forecast(panel, 1.0)[-1] - baselines.recent[-1]
    rarity = np.where(panel.is_share, 1 / (baselines.recent[-1] + params.rare_share), 1.0)
    direction = np.nan_to_num(predicted * rarity)

    def project(changes: FloatArray) -> FloatArray:
        return panel.sums(np.nan_to_num(changes) * direction)

    was_expected = np.isfinite(panel.sums(residuals.from_expected[:-1]))
    past = np.where(was_expected, project(residuals.from_expected[:-1]) ** 2, np.nan)
    sampling = (project(residuals.noise_recent) ** 2).mean(axis=0)
    observed, n_weeks = _overdispersion(
        past,
        np.broadcast_to(sampling, past.shape),
        np.ones_like(sampling),
        params.quantiles,
    )
    prior = params.prior_overdispersion * sampling
    scale = sampling + np.where(n_weeks > 0, observed, prior)
    ratio = project(residuals.from_recent[-1]) / np.sqrt(np.maximum(scale, _TINY))
    p_value = stats.t.sf(ratio, _freedom(n_weeks, params))
    has_change = panel.sums(direction**2) > 0
    return np.where(has_change & (panel.n[-1] > 0), p_value, np.nan)
