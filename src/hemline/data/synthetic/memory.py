"""What each customer has bought, as far as the generator needs it.

The latest articles are in a ring buffer per customer, to draw repeat purchases from. All products
ever bought are in one table of hashed pairs, to tell them from new ones. About one pair in twenty
collides with another; the customer then draws another article, so the price is negligible.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]

_REMEMBERED: Final = 12
_SLOTS_PER_CUSTOMER: Final = 320  # mean products per customer times sixteen
_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)  # odd, bits well spread


class Memory:
    """The latest articles of every customer, and whether a product was ever bought."""

    def __init__(self, n_customers: int) -> None:
        self._articles = np.full((n_customers, _REMEMBERED), -1, np.int32)
        self._days = np.zeros((n_customers, _REMEMBERED), np.int16)
        self._written = np.zeros(n_customers, np.int64)
        self._n_bits = (n_customers * _SLOTS_PER_CUSTOMER).bit_length()
        self._bought = np.zeros(1 << self._n_bits, np.bool_)

    def recall(
        self, customer: IntArray, back: IntArray
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
        """Return the article bought `back` articles ago and its day; -1 where there is none."""
        back = np.minimum(back, _REMEMBERED - 1)
        place = (self._written[customer] - 1 - back) % _REMEMBERED
        return self._articles[customer, place], self._days[customer, place]

    def knows(self, customer: IntArray, product: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether each customer has ever bought the product beside it."""
        return self._bought[self._slots(customer, product)]

    def remember(self, customer: IntArray, article: IntArray, product: IntArray, day: int) -> None:
        """Store the distinct purchases of a day, ordered by customer."""
        who, first, count = np.unique(customer, return_index=True, return_counts=True)
        rank = np.arange(len(customer)) - np.repeat(first, count)
        is_latest = rank >= np.repeat(count, count) - _REMEMBERED
        place = (self._written[customer] + rank)[is_latest] % _REMEMBERED
        self._articles[customer[is_latest], place] = article[is_latest]
        self._days[customer[is_latest], place] = day
        self._written[who] += count
        self._bought[self._slots(customer, product)] = True

    def _slots(self, customer: IntArray, product: IntArray) -> npt.NDArray[np.uint64]:
        mixed = customer.astype(np.uint64) * _MIX[0] + product.astype(np.uint64) * _MIX[1]
        return np.asarray(mixed >> np.uint64(64 - self._n_bits), np.uint64)
