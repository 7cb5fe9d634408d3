"""What a customer will be worth in the coming weeks: expected visits times expected spend.

Visits follow BG/NBD (Fader, Hardie & Lee 2005): while active, a customer visits at a constant rate,
and after each visit may leave for good; rates and the chance of leaving differ between customers.
Spend per visit follows Gamma-Gamma (Fader & Hardie 2013): few visits say little, so a customer's
own mean counts more the more visits there are.

Neither knows a season. Values held against the weeks before the cut by an isotonic regression, or
against the same weeks of last year, were no better calibrated (docs/decisions.md), so there is
none; `calibration` shows by groups of customers how far predictions are from what was spent.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from hemline.errors import BadInput
from hemline.experiments.buying_records import BuyingRecords, buying_records

Values = npt.NDArray[np.float64]

LEAST_CUSTOMERS: Final = 100
"""Who bought before, for the model to be fitted."""

_LOG_RANGE: Final = (-8.0, 8.0)
_LEAST_SPEND: Final = 1e-9
_RIDGE: Final = 1e-3  # of the log parameters: keeps them finite where nobody returns


@dataclass(frozen=True)
class BgNbd:
    """The visits of customers.

    Attributes:
        r: shape of the gamma distribution of rates.
        alpha: its rate, in weeks.
        a: first parameter of the beta distribution of the chance of leaving after a visit.
        b: second one.
    """

    r: float
    alpha: float
    a: float
    b: float

    def expected_visits(self, records: BuyingRecords, weeks: float) -> Values:
        """Return the expected number of visits in the coming weeks."""
        x, age = records.repeats, records.age
        end = self.alpha + age + weeks
        a = self.a if abs(self.a - 1) > 1e-6 else self.a + 1e-5  # noqa: PLR2004  (a pole at 1)
        series = hyp2f1(self.r + x, self.b + x, a + self.b + x - 1, weeks / end)
        stays = ((self.alpha + age) / end) ** (self.r + x)
        ratio = (self.alpha + age) / (self.alpha + records.recency)
        gone = np.where(x > 0, a / (self.b + np.maximum(x, 1) - 1) * ratio ** (self.r + x), 0.0)
        visits = (a + self.b + x - 1) / (a - 1) * (1 - stays * series) / (1 + gone)
        return np.asarray(np.maximum(visits, 0.0), np.float64)


@dataclass(frozen=True)
class GammaGamma:
    """The spend of a visit.

    Attributes:
        p: shape of the spend of a visit.
        q: shape of the distribution of its scale over customers; above 1.
        scale: scale of that distribution.
    """

    p: float
    q: float
    scale: float

    def expected_spend(self, records: BuyingRecords) -> Values:
        """Return the expected spend of each customer's next visit."""
        n = records.repeats + 1
        return np.asarray(
            self.p * (self.scale + n * records.spend) / (self.p * n + self.q - 1), np.float64
        )


@dataclass(frozen=True)
class CustomerValue:
    """The model of a customer's value over a number of weeks.

    Attributes:
        visits: how often customers come.
        spend: what they spend.
        weeks: that a value is of.
    """

    visits: BgNbd
    spend: GammaGamma
    weeks: int

    def of(self, records: BuyingRecords) -> Values:
        """Return the value of each customer: expected spend within the weeks."""
        visits = self.visits.expected_visits(records, self.weeks)
        return np.asarray(visits * self.spend.expected_spend(records), np.float64)


@dataclass(frozen=True)
class CalibrationRow:
    """Customers whose predicted values are next to each other.

    Attributes:
        n_customers: of the group.
        predicted: mean value that was predicted.
        observed: mean value that was spent.
        standard_error: of the observed mean.
    """

    n_customers: int
    predicted: float
    observed: float
    standard_error: float


def fit_customer_value(visits: pd.DataFrame, cut: date, weeks: int) -> CustomerValue:
    """Return the model fitted on what was bought before a day.

    Args:
        visits: of buying_records.visits_of; those on and after the cut are not read.
        cut: the first day of what is to be predicted.
        weeks: to be predicted.

    Raises:
        BadInput: fewer than 100 customers bought before.
    """
    records = buying_records(visits, cut)
    if len(records) < LEAST_CUSTOMERS:
        raise BadInput(
            f"at least {LEAST_CUSTOMERS} customers bought before {cut}",
            found=f"{len(records)}",
            fix="wait for more data",
        )
    return CustomerValue(fit_bg_nbd(records), fit_gamma_gamma(records), weeks)


def calibration(predicted: Values, observed: Values, n_groups: int = 10) -> list[CalibrationRow]:
    """Return predicted and observed means by groups of equal size, lowest predictions first.

    Args:
        predicted: one value per customer.
        observed: what each of them spent.
        n_groups: at most; groups of fewer than two customers are not made.
    """
    order = np.argsort(predicted, kind="stable")
    groups = np.array_split(order, min(n_groups, max(1, len(order) // 2)))
    return [
        CalibrationRow(
            len(group),
            float(predicted[group].mean()),
            float(observed[group].mean()),
            float(observed[group].std(ddof=1) / np.sqrt(len(group))),
        )
        for group in groups
    ]


def fit_bg_nbd(records: BuyingRecords) -> BgNbd:
    """Return the parameters of maximum likelihood.

    Customers who are alike are counted once, so a million take a second.
    """
    rounded = np.column_stack([records.repeats, records.recency.round(1), records.age.round(1)])
    alike, n = np.unique(rounded, axis=0, return_counts=True)
    x, recency, age = alike.T

    def minus_log_likelihood(log_params: Values) -> float:
        r, alpha, a, b = np.exp(log_params)
        rates = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stays = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
        leaves = (
            betaln(a + 1, b + x - 1 + (x == 0)) - betaln(a, b) - (r + x) * np.log(alpha + recency)
        )
        each = rates + np.where(x > 0, np.logaddexp(stays, leaves), stays)
        return float(_RIDGE * np.square(log_params).mean() - (n @ each) / n.sum())

    r, alpha, a, b = np.exp(_minimum(minus_log_likelihood, np.log([0.5, 5.0, 0.8, 3.0])))
    return BgNbd(float(r), float(alpha), float(a), float(b))


def fit_gamma_gamma(records: BuyingRecords) -> GammaGamma:
    """Return the parameters of maximum likelihood; the scale is in the unit of the spend."""
    unit = max(float(np.mean(records.spend)), _LEAST_SPEND)
    n, m = records.repeats + 1, np.maximum(records.spend / unit, _LEAST_SPEND)

    def minus_log_likelihood(log_params: Values) -> float:
        p, above_one, scale = np.exp(log_params)
        q = 1 + above_one
        each = (
            gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(scale)
            + (p * n - 1) * np.log(m) + p * n * np.log(n) - (p * n + q) * np.log(scale + n * m)
        )  # fmt: skip
        return float(-each.mean() + _RIDGE * np.square(log_params).mean())

    p, above_one, scale = np.exp(_minimum(minus_log_likelihood, np.log([2.0, 2.0, 1.0])))
    return GammaGamma(float(p), float(1 + above_one), float(scale * unit))


def _minimum(function: Any, start: Values) -> Values:
    found = minimize(function, start, method="L-BFGS-B", bounds=[_LOG_RANGE] * len(start))
    return np.asarray(found.x, np.float64)
