"""Customers as categories: the attributes that clusters and cold start are built on.

Age is binned, a missing value is a category of its own, and nothing here depends on the other
customers: the attributes of a cold customer mean the same as those of any other.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hemline import columns

if TYPE_CHECKING:
    import pandas as pd

AGE_BANDS: Final = ("16-19", "20-24", "25-29", "30-39", "40-49", "50-59", "60+")
_LOWER_AGES: Final = np.array([16, 20, 25, 30, 40, 50, 60])
MISSING: Final = "unknown"
ATTRIBUTES: Final = (columns.AGE_BAND, columns.CLUB, columns.NEWS, columns.FN, columns.ACTIVE)


def age_band_index(ages: "pd.Series[float]") -> npt.NDArray[np.int8]:
    """Return the index into AGE_BANDS of each age in years; -1 where the age is missing.

    >>> import pandas as pd
    >>> age_band_index(pd.Series([16, 34.0, None, 99])).tolist()
    [0, 3, -1, 6]
    """
    years = ages.to_numpy(np.float64, na_value=np.nan)
    band = np.searchsorted(_LOWER_AGES, years, side="right") - 1
    return np.where(np.isnan(years), -1, np.maximum(band, 0)).astype(np.int8)


def age_band_of(age: int) -> int:
    """Return the index into AGE_BANDS of an age in years."""
    return max(int(np.searchsorted(_LOWER_AGES, age, side="right")) - 1, 0)


def customer_attributes(customers: "pd.DataFrame") -> "pd.DataFrame":
    """Return the five attributes of each customer as text categories without nulls.

    Args:
        customers: columns age, club_member_status, fashion_news_frequency, FN and Active
            (tables.CUSTOMERS), any of which may hold nulls.
    """
    import pandas as pd  # noqa: PLC0415  (the online service reads no frames)

    band_names = np.array([*AGE_BANDS, MISSING])
    attributes = pd.DataFrame(
        {columns.AGE_BAND: band_names[age_band_index(customers[columns.AGE])]},
        index=customers.index,
    )
    for name in (columns.CLUB, columns.NEWS):
        attributes[name] = customers[name].astype(object).fillna(MISSING).astype(str)
    for name in (columns.FN, columns.ACTIVE):
        attributes[name] = np.where(customers[name].fillna(0).to_numpy(np.float64) > 0, "yes", "no")
    return attributes
