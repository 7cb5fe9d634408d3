"""Who buys in the gift shop: wholesalers who order again, regulars, and people who come once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.data.gift_shop.wares import THEMES, FloatArray, IntArray

WHOLESALER: Final = 0
_KINDS: Final = 3  # wholesalers, regulars, occasional buyers
_SHARES: Final = (0.12, 0.28, 0.60)
_VISITS_A_WEEK: Final = (0.30, 0.10, 0.03)
_LINES_A_VISIT: Final = (14.0, 6.0, 4.0)
_ORDERS_AGAIN: Final = (0.55, 0.25, 0.08)  # of the lines of a buyer who has bought before
_CHURN_WEEKS: Final = (90.0, 60.0, 60.0)
_TASTE: Final = 0.25  # Dirichlet: below 1, a few themes each
_COUNTRIES: Final = ("United Kingdom", "Germany", "France", "Ireland", "Spain")
_COUNTRY_SHARES: Final = (0.88, 0.04, 0.04, 0.03, 0.01)
_FIRST_ID: Final = 12_000
_GUEST_LINES: Final = 5.0


@dataclass(frozen=True)
class GiftBuyers:
    """The customers, a row each; the last row stands for guests.

    Attributes:
        ids: numbers of the customers, without one for guests.
        kinds: 0 wholesaler, 1 regular, 2 occasional or guest.
        taste: shares of the themes, of shape (customers + 1, themes).
        visits: how many visits each customer makes in each week, shape (weeks, customers).
        countries: of each customer, and of guests.
    """

    ids: list[str]
    kinds: IntArray
    taste: FloatArray
    visits: IntArray
    countries: npt.NDArray[np.str_]

    def lines_of(self, visitors: IntArray) -> FloatArray:
        """Return how many lines a visit of each visitor has on average."""
        of_kind = np.array(_LINES_A_VISIT)[self.kinds]
        of_kind[-1] = _GUEST_LINES
        return np.asarray(of_kind[visitors])

    def orders_again(self, visitors: IntArray) -> FloatArray:
        """Return the share of lines in which each visitor buys an article of earlier again."""
        shares = np.array(_ORDERS_AGAIN)[self.kinds]
        shares[-1] = 0.0
        return np.asarray(shares[visitors])


def make_buyers(rng: np.random.Generator, n: int, busy: FloatArray) -> GiftBuyers:
    """Return customers and their visits.

    Args:
        rng: draws them.
        n: how many customers.
        busy: of each week, how many more visits than usual.
    """
    kinds = rng.choice(_KINDS, n, p=_SHARES)
    n_weeks = len(busy)
    first = np.where(rng.random(n) < 1 / 2, 0, rng.integers(0, n_weeks, n))
    last = first + rng.exponential(np.array(_CHURN_WEEKS)[kinds]).astype(np.int64) + 1
    weeks = np.arange(n_weeks)[:, None]
    is_there = (first <= weeks) & (weeks <= last)
    rates = np.array(_VISITS_A_WEEK)[kinds] * rng.gamma(2, 1 / 2, n)
    return GiftBuyers(
        [str(_FIRST_ID + number) for number in range(n)],
        np.append(kinds, _KINDS - 1),
        rng.dirichlet(np.full(len(THEMES), _TASTE), n + 1),
        rng.poisson(is_there * rates * busy[:, None]),
        rng.choice(_COUNTRIES, n + 1, p=_COUNTRY_SHARES),
    )
