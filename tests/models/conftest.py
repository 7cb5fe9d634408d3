"""The known-answer shop: two taste groups, ten articles each, and one article that took over."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.data.histories import Histories, with_segments
from hemline.data.history_building import build_histories

N_CUSTOMERS = 80
N_ARTICLES = 21
CUT = date(2020, 9, 16)
HIT = 20


@pytest.fixture(scope="session")
def shop() -> Histories:
    """Customer i (i < 78) buys 6 of the 10 articles of i's parity; the last two never bought.

    Even customers are cluster 0, odd ones cluster 1. Article HIT was bought by the first twenty
    customers, all of them yesterday; everything else is two to seven days old.
    """
    rng = np.random.default_rng(3)
    rows = [
        (customer, article, 2 + int(rng.integers(6)))
        for customer in range(N_CUSTOMERS - 2)
        for article in customer % 2 + 2 * rng.choice(10, size=6, replace=False)
    ]
    rows += [(customer, HIT, 1) for customer in range(20)]
    purchases = pd.DataFrame(rows, columns=[columns.CUSTOMER, columns.ARTICLE, "days_ago"])
    purchases[columns.DAY] = pd.Timestamp(CUT) - pd.to_timedelta(purchases["days_ago"], unit="D")
    purchases[columns.UNITS] = 1
    histories = build_histories(purchases, cut=CUT, n_customers=N_CUSTOMERS, n_articles=N_ARTICLES)
    segments = pd.DataFrame(
        {
            columns.CLUSTER: (np.arange(N_CUSTOMERS) % 2).astype(np.int8),
            columns.AGE_BAND: (np.arange(N_CUSTOMERS) % 2).astype(np.int8),
        }
    )
    return with_segments(histories, segments)
