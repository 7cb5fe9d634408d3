"""Returns netted against purchases: which units of each purchase a customer still has.

A return takes back the latest earlier units of the same customer and article. Seen over time the
units at home are a height that purchases raise and returns lower, never below zero. The units of a
purchase lie between the heights before and after it, and those above the lowest later height have
gone back. So all pairs are netted by cumulative sums and minima, without a loop.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns

PAIR: Final = [columns.CUSTOMER, columns.ARTICLE]


def units_left(
    sold: pd.DataFrame, returned: pd.DataFrame, order: list[str]
) -> tuple[npt.NDArray[np.int64], int]:
    """Return how many units of each purchase were not returned, and how many returns found none.

    Args:
        sold: a row per purchase: PAIR, units and the columns of order.
        returned: the same per return.
        order: by which rows of a pair follow one another, first the time. At the same time
            purchases come before returns.

    >>> bought = pd.DataFrame({"customer": 1, "article": 2, "units": [3, 2], "day": [1, 2]})
    >>> back = pd.DataFrame({"customer": 1, "article": 2, "units": [4], "day": [3]})
    >>> units_left(bought, back, ["day"])
    (array([1, 0]), 0)
    """
    rows = pd.concat([sold, returned], ignore_index=True)[[*PAIR, columns.UNITS, *order]]
    rows["is_return"] = np.arange(len(rows)) >= len(sold)
    first, *others = order
    rows = rows.sort_values([*PAIR, first, "is_return", *others, columns.UNITS], kind="stable")
    change = rows[columns.UNITS].where(~rows["is_return"], -rows[columns.UNITS])
    pair = [rows[name] for name in PAIR]
    total = change.groupby(pair).cumsum()
    missing = total.groupby(pair).cummin().clip(upper=0)
    height = total - missing
    lowest_later = height[::-1].groupby([one[::-1] for one in pair]).cummin()[::-1]
    left = (lowest_later - (height - change)).clip(0, change.clip(lower=0))
    n_unmatched = -int(missing.groupby(pair).last().sum())
    by_row = left.sort_index().to_numpy(np.int64)
    return by_row[: len(sold)], n_unmatched
