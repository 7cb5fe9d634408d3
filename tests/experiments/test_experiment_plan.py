from datetime import date

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.experiment_params import ExperimentParams
from hemline.experiments.experiment_plan import horizons, look_fractions, shortest
from hemline.experiments.fixed_horizon import compare
from hemline.experiments.group_sequential import boundaries

END = date(2020, 9, 23)
PARAMS = ExperimentParams(most_weeks=4, looks=2)


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    """Customers who visit with a weekly rate of their own for half a year."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(1.0, 0.2, 6000)
    rows = [
        (week * 7 + int(rng.integers(7)), customer, rng.exponential(30.0))
        for customer, rate in enumerate(rates)
        for week in np.flatnonzero(rng.random(26) < rate)
    ]
    days, customers, spend = map(np.array, zip(*rows, strict=True))
    start = np.datetime64(END) - np.timedelta64(26 * 7, "D")
    return pd.DataFrame({columns.DAY: start + days.astype("timedelta64[D]"),
                         columns.CUSTOMER: customers, "spend": spend})  # fmt: skip


def test_a_longer_experiment_finds_smaller_lifts(visits: pd.DataFrame) -> None:
    found = horizons(visits, END, 1.0, PARAMS)
    assert [each.weeks for each in found] == [1, 2, 3, 4]
    detectable = [each.detectable for each in found]
    assert detectable == sorted(detectable, reverse=True)
    assert shortest(found, detectable[1]) == found[1]
    assert shortest(found, 0.001) is None


def test_half_of_the_customers_find_less(visits: pd.DataFrame) -> None:
    whole, half = (horizons(visits, END, share, PARAMS)[3] for share in (1.0, 0.5))
    assert half.n_units == pytest.approx(whole.n_units / 2, abs=1)
    assert half.detectable == pytest.approx(whole.detectable * np.sqrt(2), rel=0.01)


def test_the_planned_lift_is_found_as_often_as_promised(visits: pd.DataFrame) -> None:
    """The history is replayed as an experiment whose treatment sells more by the planned lift."""
    horizon = horizons(visits, END, 1.0, PARAMS)[3]
    revenue = np.minimum(_revenue(visits, 4), horizon.cap)
    rng = np.random.default_rng(1)
    bound = boundaries(look_fractions(1), PARAMS.alpha)[0]
    found = 0
    for _ in range(200):
        is_treated = rng.random(len(revenue)) < 0.5
        sold = revenue * np.where(is_treated, 1 + horizon.detectable, 1.0)
        found += compare(sold[~is_treated], sold[is_treated]).z >= bound
    # Without the covariate, which takes out the rest of the variance, a little less than 0.8.
    assert 0.6 < found / 200 < 0.9


def test_a_shop_too_small_is_refused(visits: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="at least 100 customers"):
        horizons(visits, END, 0.01, PARAMS)


def _revenue(visits: pd.DataFrame, weeks: int) -> np.ndarray:
    start = np.datetime64(END) - np.timedelta64(7 * weeks, "D")
    before = visits[visits[columns.DAY] < start]
    active = before[before[columns.DAY] >= start - np.timedelta64(12 * 7, "D")]
    sold = visits[visits[columns.DAY] >= start].groupby(columns.CUSTOMER)["spend"].sum()
    return sold.reindex(active[columns.CUSTOMER].unique(), fill_value=0.0).to_numpy()
