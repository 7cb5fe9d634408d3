"""What each customer has bought, as far as the generator needs it.

The latest articles are in a ring buffer per customer, and a sample of all articles ever bought in a
reservoir, to draw repeat purchases from: those of the week from the first, those of a year later
from the second. All products ever bought are in one table of hashed pairs, to tell them from new
ones. About one pair in twenty collides with another; the customer then draws another article, so
the price is negligible.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.float64]

_LATEST: Final = 12
_SAMPLED: Final = 16
_SLOTS_PER_CUSTOMER: Final = 320  # mean products per customer times sixteen
_MIX: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)  # odd, bits well spread


class Memory:
    """The latest and some earlier articles of customers, and whether a product was ever bought."""

    def __init__(self, n_customers: int) -> None:
        self._articles = np.full((n_customers, _LATEST + _SAMPLED), -1, np.int32)
        self._days = np.zeros((n_customers, _LATEST + _SAMPLED), np.int16)
        self._written = np.zeros(n_customers, np.int64)
        self._n_bits = (n_customers * _SLOTS_PER_CUSTOMER).bit_length()
        self._bought = np.zeros(1 << self._n_bits, np.bool_)

    def recall_latest(
        self, customer: IntArray, back: IntArray
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
        """Return the article bought `back` articles ago and its day; -1 where there is none."""
        back = np.minimum(back, _LATEST - 1)
        place = (self._written[customer] - 1 - back) % _LATEST
        return self._articles[customer, place], self._days[customer, place]

    def recall_any(
        self, customer: IntArray, u: FloatArray
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
        """Return an article of all those bought before, chosen by uniform numbers, and its day.

        The article is -1 where nothing was bought.
        """
        n_sampled = np.clip(self._written[customer], 1, _SAMPLED)
        place = _LATEST + np.floor(u * n_sampled).astype(np.int64)
        return self._articles[customer, place], self._days[customer, place]

    def knows(self, customer: IntArray, product: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether each customer has ever bought the product beside it."""
        return self._bought[self._slots(customer, product)]

    def remember(
        self, customer: IntArray, article: IntArray, product: IntArray, day: int, u: FloatArray
    ) -> None:
        """Store the distinct purchases of a day, ordered by customer.

        The uniform numbers choose what stays in the reservoir (Vitter's algorithm R).
        """
        who, first, count = np.unique(customer, return_index=True, return_counts=True)
        rank = np.arange(len(customer)) - np.repeat(first, count)
        number = self._written[customer] + rank
        is_latest = rank >= np.repeat(count, count) - _LATEST
        slot = np.where(number < _SAMPLED, number, np.floor(u * (number + 1))).astype(np.int64)
        for chosen, place in ((is_latest, number % _LATEST), (slot < _SAMPLED, _LATEST + slot)):
            self._articles[customer[chosen], place[chosen]] = article[chosen]
            self._days[customer[chosen], place[chosen]] = day
        self._written[who] += count
        self._bought[self._slots(customer, product)] = True

    def _slots(self, customer: IntArray, product: IntArray) -> npt.NDArray[np.uint64]:
        mixed = customer.astype(np.uint64) * _MIX[0] + product.astype(np.uint64) * _MIX[1]
        return np.asarray(mixed >> np.uint64(64 - self._n_bits), np.uint64)
