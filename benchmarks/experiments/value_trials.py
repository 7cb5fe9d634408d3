"""Customer value predicted for weeks that were held out, beside naive means."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.record import Row
from hemline import columns
from hemline.experiments.buying_records import buying_records, spent_between
from hemline.experiments.customer_value import calibration, fit_customer_value

Values = npt.NDArray[np.float64]

WEEKS: Final = (4, 12)


def value_rows(shop: str, visits: pd.DataFrame) -> list[Row]:
    """Return the errors of customer value at several cuts, and its calibration at the last one.

    Args:
        shop: its name in the table.
        visits: of buying_records.visits_of.
    """
    end = pd.Timestamp(visits[columns.DAY].max()).date() + timedelta(days=1)
    rows = []
    for weeks in WEEKS:
        cuts = [end - timedelta(weeks=weeks * (back + 1)) for back in range(3)]
        rows += _errors(f"customer value of {weeks} weeks, {shop}", visits, cuts, weeks)
    return [*rows, *_calibration(f"calibration, {shop}", visits, end, WEEKS[-1])]


def _errors(case: str, visits: pd.DataFrame, cuts: Sequence[date], weeks: int) -> list[Row]:
    by_name: dict[str, list[tuple[float, float, float]]] = {}
    for cut in cuts:
        records = buying_records(visits, cut)
        observed = spent_between(visits, records.customer, cut, cut + timedelta(weeks=weeks))
        before = spent_between(visits, records.customer, cut - timedelta(weeks=weeks), cut)
        for name, predicted in {
            "BG/NBD and Gamma-Gamma": fit_customer_value(visits, cut, weeks).of(records),
            "what was spent before": before,
            "the mean": np.full(len(records), before.mean()),
        }.items():
            by_name.setdefault(name, []).append(_error(predicted, observed))
    metrics = ("mean error", "root mean square error", "total")
    return [
        Row(case, name, metric, float(value), None)
        for name, each in by_name.items()
        for metric, value in zip(metrics, np.mean(each, axis=0), strict=True)
    ]


def _error(predicted: Values, observed: Values) -> tuple[float, float, float]:
    """Return absolute and squared error and the predicted total, in units of the observed mean."""
    mean = observed.mean()
    return (
        float(np.abs(predicted - observed).mean() / mean),
        float(np.sqrt(np.square(predicted - observed).mean()) / mean),
        float(predicted.mean() / mean),
    )


def _calibration(case: str, visits: pd.DataFrame, end: date, weeks: int) -> list[Row]:
    cut = end - timedelta(weeks=weeks)
    records = buying_records(visits, cut)
    predicted = fit_customer_value(visits, cut, weeks).of(records)
    observed = spent_between(visits, records.customer, cut, end)
    mean = observed.mean()
    return [
        row
        for number, each in enumerate(calibration(predicted, observed), start=1)
        for row in (
            Row(case, f"tenth {number:02d}", "predicted", each.predicted / mean, None),
            Row(
                case,
                f"tenth {number:02d}",
                "observed",
                each.observed / mean,
                each.standard_error / mean,
            ),
        )
    ]
