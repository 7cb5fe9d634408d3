"""What clusters of customers will spend in the coming weeks, and how wrong such predictions were.

The model knows neither season nor new customers, and a model that is fitted well gives intervals
that are much too narrow for that. So the interval of a cluster comes from earlier periods: up to
four times the model is fitted on what was known at the start of a period of the same length, and
the cluster's prediction is compared with what it spent. The price: with few periods it is wide, and
with fewer than three there is none.

Clusters are those of today. Where they depend on purchases, a customer's cluster in an earlier
period knows what came later, which can only add to the errors of that period.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.buying_records import buying_records, spent_between
from hemline.experiments.customer_value import (
    LEAST_CUSTOMERS,
    CalibrationRow,
    calibration,
    fit_customer_value,
)

Values = npt.NDArray[np.float64]

LEAST_PERIODS: Final = 3
"""Earlier periods that an interval needs."""

NO_CLUSTER: Final = "no cluster"
"""Name of the customers that the segments do not know."""

_MOST_PERIODS: Final = 4
_FITTED_PERIODS: Final = 2  # of history before the first day of a period that is predicted


@dataclass(frozen=True)
class HeldOutPeriod:
    """An earlier period, predicted from what was known on its first day.

    Attributes:
        start: its first day.
        clusters: name of each customer's cluster.
        predicted: what each customer was predicted to spend.
        observed: what each of them spent.
        naive: the mean that customers spent in as many weeks before: the naive prediction.
    """

    start: date
    clusters: npt.NDArray[np.object_]
    predicted: Values
    observed: Values
    naive: float

    def errors(self, predicted: Values | float) -> tuple[float, float, float]:
        """Return absolute error, root mean square error and total in units of the observed mean."""
        mean, off = self.observed.mean(), predicted - self.observed
        absolute, square = np.abs(off).mean(), np.sqrt(np.square(off).mean())
        return float(absolute / mean), float(square / mean), float(np.mean(predicted) / mean)


@dataclass(frozen=True)
class ClusterValue:
    """The expected spend of a cluster's customers in the coming weeks.

    Attributes:
        cluster: its name.
        n_customers: who bought before.
        mean: expected spend of a customer.
        share: of the expected spend of all customers.
        error: how far earlier predictions of it were off, as a share of what they predicted
            (root mean square); None with fewer than LEAST_PERIODS.
        n_periods: that the error comes from.
    """

    cluster: str
    n_customers: int
    mean: float
    share: float
    error: float | None
    n_periods: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the interval of 95 % for what a customer of it will spend on average."""
        if self.error is None:
            return None
        half = float(student.ppf(0.975, self.n_periods)) * self.error * self.mean
        return max(0.0, self.mean - half), self.mean + half


@dataclass(frozen=True)
class CustomerForecast:
    """One element per customer who bought before.

    Attributes:
        customer: keys, ascending.
        clusters: name of each customer's cluster.
        visits: expected visits in the coming weeks.
        spend: expected spend in the coming weeks.
    """

    customer: npt.NDArray[np.int64]
    clusters: npt.NDArray[np.object_]
    visits: Values
    spend: Values


@dataclass(frozen=True)
class ValueForecast:
    """The expected spend of the coming weeks.

    Attributes:
        start: first day of these weeks, the day after the last one of the tables.
        weeks: how many.
        total: of all customers.
        clusters: the one with the largest share first.
        held_out: earlier periods, the latest one first.
        tenths: predicted and observed means of the latest one, lowest predictions first.
        customers: what is expected of each.
    """

    start: date
    weeks: int
    total: ClusterValue
    clusters: Sequence[ClusterValue]
    held_out: Sequence[HeldOutPeriod]
    tenths: Sequence[CalibrationRow]
    customers: CustomerForecast


def forecast_value(
    visits: pd.DataFrame, clusters: "pd.Series[int]", end: date, weeks: int
) -> ValueForecast:
    """Return what customers are expected to spend in the coming weeks.

    Args:
        visits: of buying_records.visits_of.
        clusters: of customers, by their keys.
        end: the day after the last one that the tables know.
        weeks: to be predicted.

    Raises:
        BadInput: the tables have no prices, or cover less than three times these weeks; or fewer
            than 100 customers bought before the weeks that are held out.
    """
    _check(visits, end, weeks)
    latest = _held_out(visits, clusters, end - timedelta(weeks=weeks), weeks)
    if not latest.observed.sum() > 0:
        raise BadInput(
            f"customers from before bought in the last {weeks} weeks",
            found=f"nothing from {latest.start} on",
            fix="bring the tables up to date: hemline train",
        )
    before = [_held_out(visits, clusters, day, weeks) for day in _starts(visits, end, weeks)]
    held_out = [latest, *(each for each in before if each.observed.sum() > 0)]
    records = buying_records(visits, end)
    model = fit_customer_value(visits, end, weeks)
    values, names = model.of(records), _names(clusters, records.customer)
    expected = model.visits.expected_visits(records, weeks)
    everybody = np.full(len(names), "all", object)
    [total] = _by_cluster(everybody, values, [_as_one(each) for each in held_out])
    return ValueForecast(
        end,
        weeks,
        total,
        _by_cluster(names, values, held_out),
        held_out,
        calibration(held_out[0].predicted, held_out[0].observed),
        CustomerForecast(records.customer, names, expected, values),
    )


def _check(visits: pd.DataFrame, end: date, weeks: int) -> None:
    if not visits["spend"].sum() > 0:
        raise BadInput(
            "transactions have prices, whose sum is what a customer is worth",
            found="none, or a sum of 0 or less",
            fix="name the column of prices (docs/data.md, section source of params.yaml)",
        )
    n_weeks = (end - _first_day(visits)).days / 7
    least = (1 + _FITTED_PERIODS) * weeks
    if n_weeks < least:
        raise BadInput(
            f"the tables cover at least {least} weeks, of which the last {weeks} are held out to "
            "see whether predictions can be relied on",
            found=f"{n_weeks:.1f} weeks, from {_first_day(visits)} on",
            fix=f"predict fewer weeks: hemline value --weeks {max(1, int(n_weeks / 3))}, or wait "
            "for more data",
        )


def _first_day(visits: pd.DataFrame) -> date:
    return pd.Timestamp(visits[columns.DAY].min()).date()


def _starts(visits: pd.DataFrame, end: date, weeks: int) -> list[date]:
    """Return the first days of what is held out before the latest period, latest first."""
    first = _first_day(visits) + timedelta(weeks=_FITTED_PERIODS * weeks)
    known_from = visits.groupby(columns.CUSTOMER)[columns.DAY].min().to_numpy("datetime64[D]")
    starts = [end - timedelta(weeks=weeks * back) for back in range(2, _MOST_PERIODS + 1)]
    return [
        day
        for day in starts
        if day >= first and (known_from < np.datetime64(day)).sum() >= LEAST_CUSTOMERS
    ]


def _held_out(
    visits: pd.DataFrame, clusters: "pd.Series[int]", start: date, weeks: int
) -> HeldOutPeriod:
    length = timedelta(weeks=weeks)
    records = buying_records(visits, start)
    return HeldOutPeriod(
        start,
        _names(clusters, records.customer),
        fit_customer_value(visits, start, weeks).of(records),
        spent_between(visits, records.customer, start, start + length),
        float(spent_between(visits, records.customer, start - length, start).mean()),
    )


def _names(clusters: "pd.Series[int]", customers: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    known = clusters.reindex(customers).to_numpy(np.float64)
    return np.array(
        [NO_CLUSTER if np.isnan(each) else f"cluster {int(each)}" for each in known], object
    )


def _as_one(period: HeldOutPeriod) -> HeldOutPeriod:
    names = np.full(len(period.clusters), "all", object)
    return HeldOutPeriod(period.start, names, period.predicted, period.observed, period.naive)


def _by_cluster(
    names: npt.NDArray[np.object_], values: Values, held_out: Sequence[HeldOutPeriod]
) -> list[ClusterValue]:
    found = []
    for name in sorted(set(names)):
        mine = values[names == name]
        off = [each for each in (_off(period, name) for period in held_out) if each is not None]
        error = float(np.sqrt(np.mean(np.square(off)))) if len(off) >= LEAST_PERIODS else None
        share = float(mine.sum() / values.sum())
        found.append(ClusterValue(name, len(mine), float(mine.mean()), share, error, len(off)))
    return sorted(found, key=lambda each: -each.share)


def _off(period: HeldOutPeriod, name: str) -> float | None:
    """Return how much more a cluster spent than predicted, as a share; None if it had nobody."""
    rows = period.clusters == name
    predicted = period.predicted[rows].sum()
    return float(period.observed[rows].sum() / predicted - 1) if predicted > 0 else None
