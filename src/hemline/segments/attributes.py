"""Customers as categories: the attributes that clusters and cold start are built on.

Age is binned, a missing value is a category of its own, and nothing here depends on the other
customers: the attributes of a cold customer mean the same as those of any other. Only numbers under
a shop's own name do, which are divided by the quartiles of the customers that clusters were fitted
on (`own_edges`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hemline import columns, tables
from hemline.data.article_attributes import (
    MISSING,
    as_categories,
    is_number,
    own_categories,
    quartiles,
)

if TYPE_CHECKING:
    import pandas as pd

AGE_BANDS: Final = ("16-19", "20-24", "25-29", "30-39", "40-49", "50-59", "60+")
_LOWER_AGES: Final = np.array([16, 20, 25, 30, 40, 50, 60])
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


def customer_attributes(
    customers: "pd.DataFrame", edges: Mapping[str, tuple[float, ...]] | None = None
) -> "pd.DataFrame":
    """Return the five attributes of each customer, and the shop's own, as text without nulls.

    Args:
        customers: columns age, club_member_status, fashion_news_frequency, FN and Active
            (tables.CUSTOMERS), any of which may hold nulls, and the shop's own.
        edges: of the shop's own numbers, from `own_edges`; None: of these customers. With edges the
            shop's own columns are those of the customers that the edges are of.
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
    own = own_edges(customers) if edges is None else edges
    for name, bounds in own.items():
        attributes[name] = as_categories(customers[name], bounds) if name in customers else MISSING
    return attributes


def customer_groups(customers: "pd.DataFrame") -> "pd.DataFrame":
    """Return the attributes that customers are compared by, as text, where they vary.

    Age band and club status, then the shop's own. The other attributes of tables.CUSTOMERS are
    about the shop's mailings, and no group is compared by them.
    """
    attributes = customer_attributes(customers)
    names = [name for name in varying(attributes) if name not in _NOT_COMPARED]
    return attributes[names]


_NOT_COMPARED: Final = frozenset({columns.NEWS, columns.FN, columns.ACTIVE})


def own_edges(customers: "pd.DataFrame") -> dict[str, tuple[float, ...]]:
    """Return the shop's own attributes that divide its customers, with the edges of numbers."""
    return {
        name: quartiles(customers[name]) if is_number(customers, name) else ()
        for name in own_categories(customers, tables.CUSTOMERS)
    }


def varying(attributes: "pd.DataFrame") -> tuple[str, ...]:
    """Return the names of the attributes in which the customers differ."""
    return tuple(str(name) for name in attributes if len(attributes[name].unique()) > 1)
