"""How long an experiment has to run to find a lift, from the shop's own history.

The units of a plan are customers who bought within the last weeks; that they may not come back is
part of the variance. Their revenue of the same number of weeks before is the covariate (CUPED), so
the variance that it leaves is measured and not hoped for. Visitors who never buy are unknown to a
history of purchases: they add zeros to both arms, which changes the power little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.buying_records import spent_between
from hemline.experiments.experiment_params import ExperimentParams
from hemline.experiments.group_sequential import drift_for

Values = npt.NDArray[np.float64]

_LEAST_UNITS: Final = 100


@dataclass(frozen=True)
class Horizon:
    """What an experiment of so many weeks could find.

    Attributes:
        weeks: how long it runs.
        n_units: customers of both arms.
        mean: capped revenue of a unit over these weeks.
        deviation: its standard deviation.
        variance_left: share of the variance that the revenue from before leaves.
        cap: most that a unit's revenue counts as.
        detectable: smallest lift, as a share of the mean, that is found with the planned power.
    """

    weeks: int
    n_units: int
    mean: float
    deviation: float
    variance_left: float
    cap: float
    detectable: float

    @property
    def planned_error(self) -> float:
        """The standard error of the difference that is planned for the end, with the covariate."""
        return _error(self.deviation, self.variance_left, self.n_units)


def horizons(
    visits: pd.DataFrame, end: date, share: float, params: ExperimentParams
) -> list[Horizon]:
    """Return what experiments of one week and longer could find.

    Args:
        visits: of buying_records.visits_of; the shop's history.
        end: the day after its last one.
        share: of the customers that are in the experiment, half of them in each arm.
        params: of experiments.

    Raises:
        BadInput: fewer than 100 customers are active.
    """
    fractions = look_fractions(params.looks)
    drift = drift_for(params.power, fractions, params.alpha)
    return [
        _horizon(visits, end, weeks, share, drift, params)
        for weeks in range(1, params.most_weeks + 1)
    ]


def look_fractions(looks: int) -> tuple[float, ...]:
    """Return the shares of the sample at evenly spaced looks."""
    return tuple((number + 1) / looks for number in range(looks))


def shortest(horizons: Sequence[Horizon], lift: float) -> Horizon | None:
    """Return the shortest horizon at which a lift is found, None where none is long enough."""
    return next((each for each in horizons if each.detectable <= lift), None)


def _horizon(
    visits: pd.DataFrame,
    end: date,
    weeks: int,
    share: float,
    drift: float,
    params: ExperimentParams,
) -> Horizon:
    start = end - timedelta(weeks=weeks)
    customers = _active(visits, start, params.active_weeks)
    if len(customers) * share < _LEAST_UNITS:
        raise BadInput(
            f"at least {_LEAST_UNITS} customers bought in the {params.active_weeks} weeks before "
            f"{start}, and are in the experiment",
            found=f"{len(customers)}, of whom {share:.0%}",
            fix="take a larger share; a shop as small cannot tell arms apart",
        )
    revenue = spent_between(visits, customers, start, end)
    buyers = revenue[revenue > 0]
    cap = float(np.quantile(buyers, params.cap_quantile)) if len(buyers) else 0.0
    revenue = np.minimum(revenue, cap)
    before = spent_between(visits, customers, start - timedelta(weeks=params.active_weeks), start)
    left = 1 - _correlation(revenue, np.minimum(before, cap * params.active_weeks)) ** 2
    n_units = int(len(customers) * share)
    mean, deviation = float(revenue.mean()), float(revenue.std())
    detectable = drift * _error(deviation, left, n_units) / mean if mean else np.inf
    return Horizon(weeks, n_units, mean, deviation, left, cap, float(detectable))


def _active(visits: pd.DataFrame, before: date, weeks: int) -> npt.NDArray[np.int64]:
    days = visits[columns.DAY].to_numpy("datetime64[D]")
    end = np.datetime64(before, "D")
    is_active = (days < end) & (days >= end - np.timedelta64(7 * weeks, "D"))
    return np.unique(visits[columns.CUSTOMER].to_numpy()[is_active]).astype(np.int64)


def _correlation(left: Values, right: Values) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


def _error(deviation: float, variance_left: float, n_units: int) -> float:
    """Return the standard error of the difference of two arms of half the units each."""
    return float(deviation * np.sqrt(variance_left) * 2 / np.sqrt(n_units))
