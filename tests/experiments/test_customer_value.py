from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.errors import BadInput
from hemline.experiments.buying_records import (
    BuyingRecords,
    buying_records,
    spent_between,
    visits_of,
)
from hemline.experiments.customer_value import (
    BgNbd,
    GammaGamma,
    calibration,
    fit_bg_nbd,
    fit_customer_value,
    fit_gamma_gamma,
)


def sold(*rows: tuple[str, int, float]) -> pd.DataFrame:
    days, customers, prices = zip(*rows, strict=True)
    return pd.DataFrame(
        {columns.DAY: pd.to_datetime(days), columns.CUSTOMER: customers, columns.PRICE: prices}
    )


def generated(n: int, model: BgNbd, spend: GammaGamma, weeks: int, seed: int) -> pd.DataFrame:
    """Return the visits of customers who do as the model says, from 2020-01-06 on."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        rate = rng.gamma(model.r, 1 / model.alpha)
        leaves = rng.beta(model.a, model.b)
        scale = rng.gamma(spend.q, 1 / spend.scale)
        week, is_first = rng.uniform(0, weeks / 3), True
        while week < weeks:
            rows.append((week * 7, customer, rng.gamma(spend.p, 1 / scale)))
            if not is_first and rng.random() < leaves:
                break
            week, is_first = week + rng.exponential(1 / rate), False
    days, customers, amounts = map(np.array, zip(*rows, strict=True))
    start = np.datetime64("2020-01-06")
    return visits_of(
        pd.DataFrame(
            {
                columns.DAY: start + days.astype("timedelta64[D]"),
                columns.CUSTOMER: customers,
                columns.PRICE: amounts,
            }
        )
    )


TRUE_VISITS, TRUE_SPEND = BgNbd(0.8, 4.0, 0.6, 3.0), GammaGamma(3.0, 4.0, 20.0)


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    return generated(4000, TRUE_VISITS, TRUE_SPEND, 60, seed=1)


def test_records_count_days_with_a_purchase_from_the_first_one() -> None:
    visits = visits_of(
        sold(
            ("2020-01-06", 1, 2.0), ("2020-01-06", 1, 4.0), ("2020-01-20", 1, 3.0),
            ("2020-01-13", 2, 5.0), ("2020-02-03", 1, 9.0),
        )
    )  # fmt: skip
    found = buying_records(visits, date(2020, 1, 27))
    assert found.customer.tolist() == [1, 2]
    assert found.repeats.tolist() == [1, 0]
    assert found.recency.tolist() == [2, 0]
    assert found.age.tolist() == [3, 2]
    assert found.spend.tolist() == [(6.0 + 3.0) / 2, 5.0]
    later = spent_between(visits, found.customer, date(2020, 1, 20), date(2020, 2, 4))
    assert later.tolist() == [12.0, 0.0]


def test_units_of_a_row_count() -> None:
    rows = sold(("2020-01-06", 1, 2.0)).assign(**{columns.UNITS: 3})
    assert visits_of(rows)["spend"].tolist() == [6.0]


def test_expected_visits_are_those_of_the_paper() -> None:
    # Fader, Hardie & Lee (2005), CDNOW: x = 2, recency 30.43, age 38.86 weeks, 39 weeks ahead.
    model = BgNbd(0.243, 4.414, 0.793, 2.426)
    records = BuyingRecords(
        np.array([1]), np.array([2.0]), np.array([30.43]), np.array([38.86]), np.array([1.0])
    )
    assert model.expected_visits(records, 39.0)[0] == pytest.approx(1.226, abs=2e-3)


def test_the_parameters_of_generated_customers_are_found(visits: pd.DataFrame) -> None:
    records = buying_records(visits, date(2021, 3, 1))
    found = fit_bg_nbd(records)
    assert (found.r, found.alpha) == pytest.approx((TRUE_VISITS.r, TRUE_VISITS.alpha), rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(0.6 / 3.6, rel=0.15)
    spend = fit_gamma_gamma(records)
    mean = TRUE_SPEND.p * TRUE_SPEND.scale / (TRUE_SPEND.q - 1)
    assert spend.p * spend.scale / (spend.q - 1) == pytest.approx(mean, rel=0.1)


def test_values_are_calibrated_on_weeks_that_nobody_saw(visits: pd.DataFrame) -> None:
    cut, weeks = date(2020, 11, 2), 12
    records = buying_records(visits, cut)
    predicted = fit_customer_value(visits, cut, weeks).of(records)
    observed = spent_between(visits, records.customer, cut, cut + timedelta(weeks=weeks))
    assert predicted.sum() == pytest.approx(observed.sum(), rel=0.1)
    for row in calibration(predicted, observed, 5):
        assert row.predicted == pytest.approx(row.observed, abs=4 * row.standard_error)


def test_what_comes_after_the_cut_changes_no_value(visits: pd.DataFrame) -> None:
    cut = date(2020, 8, 3)
    before = visits[visits[columns.DAY] < np.datetime64(cut)]
    records = buying_records(before, cut)
    values = [fit_customer_value(each, cut, 8).of(records) for each in (visits, before)]
    assert np.array_equal(*values)


def test_too_few_customers_are_refused() -> None:
    with pytest.raises(BadInput, match="at least 100 customers"):
        fit_customer_value(visits_of(sold(("2020-01-06", 1, 2.0))), date(2020, 2, 1), 4)
    with pytest.raises(BadInput, match="somebody bought before"):
        buying_records(visits_of(sold(("2020-01-06", 1, 2.0))), date(2019, 2, 1))
