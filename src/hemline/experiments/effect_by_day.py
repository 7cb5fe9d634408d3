"""The difference of an experiment's arms as it was known on each day since the start.

Each day has the interval that holds at every moment, so all of them hold together: who looks at
the whole line is not misled more often than who looks at one day. None of the days decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from hemline.experiments.always_valid import half_width, is_large_enough
from hemline.experiments.experiment_files import PlannedExperiment
from hemline.experiments.fixed_horizon import compare
from hemline.experiments.observations import RevenueUntil


@dataclass(frozen=True)
class DayEffect:
    """The difference of the arms with the events until a moment.

    Attributes:
        at: the moment.
        n_units: of both arms.
        difference: of net revenue, treatment less control; NaN before both arms have 100 units.
        low: lower end of the interval that holds at every moment; NaN likewise.
        high: upper end.
    """

    at: datetime
    n_units: int
    difference: float
    low: float
    high: float


def effects_by_day(
    plan: PlannedExperiment, revenue: Iterable[RevenueUntil], before: npt.NDArray[np.float64]
) -> list[DayEffect]:
    """Return the difference at each moment.

    Args:
        plan: of an experiment with two arms.
        revenue: of observations.revenue_until.
        before: revenue of all its units from before the experiment.
    """
    return [_effect(plan, each, before[each.is_exposed]) for each in revenue]


def _effect(
    plan: PlannedExperiment, seen: RevenueUntil, before: npt.NDArray[np.float64]
) -> DayEffect:
    treated, n_units = seen.is_treated, len(seen.revenue)
    n_treated = int(treated.sum())
    if not is_large_enough(n_units - n_treated, n_treated):
        return DayEffect(seen.at, n_units, np.nan, np.nan, np.nan)
    covariate = before[~treated], before[treated]
    found = compare(seen.revenue[~treated], seen.revenue[treated], covariate)
    width = half_width(found.standard_error, plan.planned_error, plan.alpha)
    low, high = found.difference - width, found.difference + width
    return DayEffect(seen.at, n_units, found.difference, low, high)
