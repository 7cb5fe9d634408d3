"""Sales to nobody known: baskets that count in popularity and in what is bought together.

A basket is one anonymous buyer. It is never a customer: it has no segment, no list and no place in
any score. Popularity counts it as one buyer of each of its articles, as it counts a customer, not
by units: one line of 80,995 units would otherwise lead every list. Lines without a basket are
buyers of one article each.
"""

from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from hemline import columns, tables
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories

GUEST_FILE: Final = "guest_purchases.parquet"
GUEST_PURCHASES: Final = pa.schema(
    [
        (columns.DAY, pa.date32()),
        (columns.CUSTOMER, pa.int32()),
        (columns.ARTICLE, pa.int32()),
        (columns.UNITS, pa.int32()),
    ]
)
"""One row per basket and article, ordered by day; the customer is a number of the basket."""


def guest_histories(guests: pd.DataFrame, *, cut: date, n_articles: int) -> Histories:
    """Return a history per basket; raises ValueError for a basket on or after the cut."""
    _, numbers = np.unique(guests[columns.CUSTOMER].to_numpy(), return_inverse=True)
    n_baskets = int(numbers.max(initial=-1)) + 1
    numbered = guests.assign(**{columns.CUSTOMER: numbers})
    return build_histories(numbered, cut=cut, n_customers=n_baskets, n_articles=n_articles)


def read_guests(prepared: Path) -> pd.DataFrame | None:
    """Return GUEST_PURCHASES as stage prepare wrote them, or None for a shop without guests."""
    guests = tables.read_table(prepared / GUEST_FILE, GUEST_PURCHASES)
    return None if guests.empty else guests
