"""Which product groups are out of season at a version's cut.

A group is out of season where, in the weeks around the same date last year, it sold less than
`out_of_season_share` both of its usual sales and of its usual share of all sales: a group whose
share only falls because another one has its high season stays in season, and so does everything in
weeks when the whole shop sells little. Sales are the purchases in the histories: the last of each
customer and article, which is the same for all groups. Where last year is not in the histories, or
a group should have sold fewer than 20 units in those weeks, nothing is known and the group counts
as in season.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

DAYS_KEPT: Final = 750
"""Of sales by day: two years, so that every season is in the average alike."""

_YEAR: Final = 365
_FEWEST_UNITS: Final = 20


def daily_sales(
    groups: npt.NDArray[np.int32], days_ago: npt.NDArray[np.float32], n_groups: int
) -> npt.NDArray[np.float64]:
    """Return how many purchases each group has by days ago, shape (groups, DAYS_KEPT).

    Args:
        groups: group of each purchase's article.
        days_ago: of each purchase.
        n_groups: rows of the result.
    """
    days = days_ago.astype(np.int64)
    is_counted = (days >= 0) & (days < DAYS_KEPT)
    place = groups[is_counted].astype(np.int64) * DAYS_KEPT + days[is_counted]
    counts = np.bincount(place, minlength=n_groups * DAYS_KEPT)
    return counts.reshape(n_groups, DAYS_KEPT).astype(np.float64)


def out_of_season(
    sales: npt.NDArray[np.float64], window_days: int, least_share: float
) -> npt.NDArray[np.bool_]:
    """Return whether each group is out of season, bool of shape (groups,).

    Args:
        sales: of `daily_sales`.
        window_days: length of the weeks around the same date last year.
        least_share: of what is usual, below which a group is out of season.
    """
    start = _YEAR - window_days // 2
    around = sales[:, start : start + window_days]
    has_sales = around.sum(axis=0) > 0
    if has_sales.mean() < 1 / 2:
        return np.zeros(len(sales), bool)
    sold, total = sales.sum(axis=1), max(sales.sum(), 1)
    usual = sold * window_days / max(np.count_nonzero(sales.sum(axis=0)), 1)
    by_share = sold / total * around.sum()
    expected = np.minimum(usual, by_share)
    return np.asarray((expected >= _FEWEST_UNITS) & (around.sum(axis=1) < least_share * expected))
