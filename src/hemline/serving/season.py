"""Which product groups are out of season at a version's cut.

A group is out of season where it sold less than `out_of_season_share` both of its usual sales and
of its usual share of all sales, in the weeks around the same date last year, or in these and the
last weeks before the cut together: a single winter may have sold more swimwear than others. A group
whose share only falls because another one has its high season stays in season, and so does
everything in weeks when the whole shop sells little. What is usual is the average of whole years,
so that each season is in it alike. Sales are the purchases in the histories: the last of each
customer and article, which is the same for all groups. Where last year is not in the histories, or
a group should have sold fewer than 20 units in those weeks, nothing is known and the group counts
as in season.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

DAYS_KEPT: Final = 750
"""Of sales by day: two years."""

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
        window_days: length of the weeks around the same date last year, and of the last weeks.
        least_share: of what is usual, below which a group is out of season.
    """
    start = _YEAR - window_days // 2
    last_year, lately = sales[:, start : start + window_days], sales[:, 1 : 1 + window_days]
    has_sales = last_year.sum(axis=0) > 0
    if has_sales.mean() < 1 / 2:
        return np.zeros(len(sales), bool)
    usual = _whole_years(sales, window_days)
    expected = _expected(usual, last_year)
    is_off_last_year = _is_less(last_year.sum(axis=1), expected, least_share)
    sold = last_year.sum(axis=1) + lately.sum(axis=1)
    return is_off_last_year | _is_less(sold, expected + _expected(usual, lately), least_share)


def _whole_years(sales: npt.NDArray[np.float64], window_days: int) -> npt.NDArray[np.float64]:
    """Return the last years of sales; one that lacks less than a window counts as whole."""
    oldest = int(np.flatnonzero(sales.sum(axis=0)).max(initial=0))
    n_years = max((oldest + window_days) // _YEAR, 1)
    return sales[:, 1 : 1 + n_years * _YEAR]


def _expected(
    usual: npt.NDArray[np.float64], weeks: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the units that each group sells in so many days, or by its share if that is less."""
    sold, n_days = usual.sum(axis=1), max(np.count_nonzero(usual.sum(axis=0)), 1)
    by_share = sold / max(usual.sum(), 1) * weeks.sum()
    return np.asarray(np.minimum(sold * weeks.shape[1] / n_days, by_share))


def _is_less(
    sold: npt.NDArray[np.float64], expected: npt.NDArray[np.float64], least_share: float
) -> npt.NDArray[np.bool_]:
    return np.asarray((expected >= _FEWEST_UNITS) & (sold < least_share * expected))
