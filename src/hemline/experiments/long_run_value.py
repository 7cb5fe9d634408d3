"""What the units of each arm are expected to spend in the coming weeks: an estimate of a model.

One model of customer value, fitted on what was bought before the experiment, reads how often, how
lately and for how much each unit has bought by now. So it estimates whether an arm's customers have
become more valuable, as far as a model without season can tell from an experiment's few weeks. What
each unit was expected to spend before it began is taken out (CUPED). It decides nothing.

The model describes units that have bought; a unit that never did counts as 0.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.always_valid import is_large_enough
from hemline.experiments.buying_records import buying_records
from hemline.experiments.customer_value import CustomerValue, fit_customer_value
from hemline.experiments.fixed_horizon import compare
from hemline.experiments.observations import Observations
from hemline.experiments.secondary_metrics import SecondaryMetric

Values = npt.NDArray[np.float64]

_FITTED_PERIODS: Final = 2  # of history, in lengths of what is predicted


def long_run_value(
    seen: Observations,
    history: pd.DataFrame,
    customers: npt.NDArray[np.int64],
    sold: pd.DataFrame,
    days: tuple[date, date],
    weeks: int = 12,
) -> SecondaryMetric:
    """Return the expected spend of the coming weeks by arm.

    Args:
        seen: the units.
        history: visits of all customers before the first day, of buying_records.visits_of.
        customers: each unit's customer; -1 for a guest.
        sold: visits from the first day on, whose customer is the unit's place in `seen`.
        days: the first one that is not history, and the day after today.
        weeks: to be predicted.

    Raises:
        BadInput: an arm has fewer than 100 units, or the history is shorter than twice the weeks
            or has fewer than 100 customers.
    """
    n_treated = int(seen.is_treated.sum())
    if not is_large_enough(len(seen) - n_treated, n_treated):
        raise BadInput(
            "both arms have at least 100 units",
            found=f"{len(seen) - n_treated} and {n_treated}",
            fix="wait until more are exposed",
        )
    first, today = days
    _check_length(history, first, weeks)
    model = fit_customer_value(history, first, weeks)
    past = _of_units(history, customers)
    before = _values(model, [past], first, len(seen))
    now = _values(model, [past, sold], today, len(seen))
    found = compare(*seen.arms(now), seen.arms(before))
    return SecondaryMetric(f"expected spend of the next {weeks} weeks", found, is_share=False)


def _check_length(history: pd.DataFrame, first: date, weeks: int) -> None:
    begin = pd.Timestamp(history[columns.DAY].min())
    n_weeks = 0.0 if history.empty else (pd.Timestamp(first) - begin).days / 7
    if n_weeks < _FITTED_PERIODS * weeks:
        raise BadInput(
            f"the tables cover at least {_FITTED_PERIODS * weeks} weeks before the experiment",
            found=f"{n_weeks:.1f} weeks",
            fix="wait for more data",
        )


def _of_units(history: pd.DataFrame, customers: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return the visits of the units' customers, by the units' places."""
    known = np.flatnonzero(customers >= 0)
    place = pd.Series(known, index=customers[known])
    mine = history[history[columns.CUSTOMER].isin(place.index)]
    return mine.assign(**{columns.CUSTOMER: place.reindex(mine[columns.CUSTOMER]).to_numpy()})


def _values(
    model: CustomerValue, visits: Sequence[pd.DataFrame], before: date, n_units: int
) -> Values:
    values = np.zeros(n_units)
    known = pd.concat(visits)
    if not known.empty:
        records = buying_records(known, before)
        values[records.customer] = model.of(records)
    return values
