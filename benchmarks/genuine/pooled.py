"""Means over many weeks and their differences, with customers as the unit of evidence."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.record import Row
from hemline import columns
from hemline.evaluation.protocol import AP
from hemline.evaluation.significance import bootstrap_means

LOW: Final = f"{AP} from"
HIGH: Final = f"{AP} to"
_TAILS: Final = (0.025, 0.975)

Values = npt.NDArray[np.float64]


def pooled_rows(
    case: str, scores: pd.DataFrame, references: Sequence[str], *, n_samples: int, seed: int
) -> list[Row]:
    """Return the mean of each row over all lists, and how far it is above each reference.

    A customer who bought in several weeks has several lists. Intervals weight the customers at
    random, and with a customer all of their lists.

    Args:
        case: name of the table.
        scores: columns week, customer, row and map@12; every row has the same lists.
        references: rows to be compared with.
        n_samples: of the bootstrap.
        seed: of the bootstrap.
    """
    by_list = scores.pivot_table(index=["week", columns.CUSTOMER], columns="row", values=AP)
    names = [str(name) for name in by_list.columns]
    by_customer = by_list.groupby(level=columns.CUSTOMER, sort=True)
    sums = by_customer.sum().to_numpy(np.float64)
    n_lists = by_customer.size().to_numpy(np.float64)
    drawn = bootstrap_means(
        np.column_stack([sums, n_lists]),
        n_samples=n_samples,
        rng=np.random.default_rng(seed),
    ).means
    draws, means = drawn[:, :-1] / drawn[:, -1:], sums.sum(axis=0) / n_lists.sum()
    rows = [row for n, name in enumerate(names) for row in _rows(case, name, means[n], draws[:, n])]
    for reference in references:
        place = names.index(reference)
        minus = f"{case} minus {reference}"
        for n, name in enumerate(names):
            if n != place:
                difference = draws[:, n] - draws[:, place]
                rows += _rows(minus, name, means[n] - means[place], difference)
    return rows


def best_row(scores: pd.DataFrame, among: Sequence[str]) -> str:
    """Return the row with the largest mean; the first of equal ones."""
    means = scores.groupby("row")[AP].mean()
    return max(among, key=lambda name: float(means[name]))


def _rows(case: str, name: str, mean: float, draws: Values) -> list[Row]:
    low, high = (float(end) for end in np.quantile(draws, _TAILS))
    return [
        Row(case, name, AP, float(mean), float(draws.std())),
        Row(case, name, LOW, low, None),
        Row(case, name, HIGH, high, None),
    ]
