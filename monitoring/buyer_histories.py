"""Histories of a week's buyers alone: at full size everybody's would not be worth building."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories


def histories_of(
    purchases: pd.DataFrame,
    customers: npt.NDArray[np.int32],
    cut: date,
    n_articles: int,
    unlikes: pd.DataFrame | None = None,
) -> Histories:
    """Return the histories of these customers, row i being that of customers[i].

    Args:
        purchases: theirs, all before the cut; columns of tables.PURCHASES.
        customers: their keys, rising.
        cut: the first day that is not known yet.
        n_articles: how many articles there are.
        unlikes: tables.UNLIKES, of anybody.
    """
    if unlikes is not None:
        unlikes = _by_row(unlikes[unlikes[columns.CUSTOMER].isin(customers)], customers)
    return build_histories(
        _by_row(purchases, customers),
        cut=cut,
        n_customers=len(customers),
        n_articles=n_articles,
        unlikes=unlikes,
    )


def _by_row(rows: pd.DataFrame, customers: npt.NDArray[np.int32]) -> pd.DataFrame:
    """Return the rows with each customer's place among these instead of the key."""
    return rows.assign(**{columns.CUSTOMER: np.searchsorted(customers, rows[columns.CUSTOMER])})
