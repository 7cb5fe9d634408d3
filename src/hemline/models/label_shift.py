"""What a purchase of some age counts, which articles are offered, and how the catalogue moved.

Purchases are halved for every half-life since. The day that counts 1 is the caller's choice. Where
a weight means something by itself (confidence, ridge, shrinkage) it is yesterday, the newest day
there is: a table without days then gives the textbook form. Where only proportions matter it is
the cut, which differs by one factor for all purchases (docs/decisions.md, 2026-11-28).

What is on sale changes within weeks while training averages over months. Models therefore move
each offered article by its share of recent buyers over its share in what was learned, the
correction for label shift (Saerens et al. 2002): as a factor of scores, as a summand of logits.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from hemline.data.histories import Histories
from hemline.params import Section

if TYPE_CHECKING:
    from scipy import sparse

YESTERDAY: Final = 1
NO_DECAY_DAYS: Final = 1.0e9
"""A half-life so long that every purchase counts the same."""
ALL_DAYS: Final = 1_000_000
"""A window so long that nothing lies outside it."""
_BLOCK = 65_536


class Weighting(Section):
    """What a purchase of some age counts, and which articles are offered: each model its own.

    The defaults are for a table without days: nothing decays, everything is on sale.
    """

    input_half_life_days: PositiveFloat = NO_DECAY_DAYS
    target_half_life_days: PositiveFloat = NO_DECAY_DAYS
    on_sale_days: PositiveInt = ALL_DAYS
    recent_half_life_days: PositiveFloat = NO_DECAY_DAYS
    shift: NonNegativeFloat = 0.0


class Shares(NamedTuple):
    """Each offered article's share of all purchases of offered articles, float64.

    Attributes:
        recent: by the latest purchases.
        learned: by the purchases that training predicts.
    """

    recent: npt.NDArray[np.float64]
    learned: npt.NDArray[np.float64]


def ever_bought(histories: Histories) -> npt.NDArray[np.int32]:
    """Return the sorted keys of the articles that stand in any history."""
    return np.unique(histories.units.indices).astype(np.int32)


def on_sale(histories: Histories, days: int) -> npt.NDArray[np.int32]:
    """Return the sorted keys of the articles that somebody bought in the last `days`."""
    days_ago = histories.days_ago.data
    recent = histories.days_ago.indices[days_ago <= open_window(days_ago, days)]
    return np.unique(recent).astype(np.int32)


def open_window(days_ago: npt.NDArray[np.float32], days: int) -> int:
    """Return how many days ago "the last `days`" begin, longer ago if nobody bought in them.

    After a lockdown the shop offers what it sold before it, so the days then count back from
    anybody's last purchase.

    >>> open_window(np.array([40, 60], np.float32), 28), open_window(np.array([2, 60]), 28)
    (67, 28)
    """
    latest = int(days_ago.min()) if len(days_ago) else 1
    return latest + days - 1 if latest > days else days


def decay_weights(
    days_ago: npt.NDArray[np.float32], half_life_days: float, *, full_day: int = 0
) -> npt.NDArray[np.float32]:
    """Return what purchases count: 1 on `full_day`, half of it a half-life earlier.

    Powers of float32 differ between processors by several last bits. Those of float64, rounded to
    float32, do not. A block at a time, which bounds the memory.

    >>> decay_weights(np.array([1, 8], np.float32), 7, full_day=YESTERDAY).tolist()
    [1.0, 0.5]
    """
    weights = np.empty(len(days_ago), np.float32)
    for start in range(0, len(days_ago), _BLOCK):
        block = slice(start, start + _BLOCK)
        weights[block] = 0.5 ** ((days_ago[block].astype(np.float64) - full_day) / half_life_days)
    return weights


def decayed(
    days_ago: "sparse.csr_matrix", half_life_days: float, *, full_day: int = 0
) -> "sparse.csr_matrix":
    """Return the purchases by what they count; same structure."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    weights = decay_weights(days_ago.data, half_life_days, full_day=full_day)
    return sparse.csr_matrix((weights, days_ago.indices, days_ago.indptr), shape=days_ago.shape)


def shares_of(
    histories: Histories,
    offered: npt.NDArray[np.int32],
    weighting: Weighting,
    *,
    full_day: int = 0,
) -> Shares:
    """Return the shares of the offered articles, from which a model takes its label shift."""
    half_lives = weighting.recent_half_life_days, weighting.target_half_life_days
    return Shares(
        *(
            shares(masses(histories.days_ago, offered, half_life, full_day=full_day)[1])
            for half_life in half_lives
        )
    )


def masses(
    days_ago: "sparse.csr_matrix",
    offered: npt.NDArray[np.int32],
    half_life_days: float,
    *,
    full_day: int = 0,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return the decayed weight of each customer's offered articles, and of each offered article.

    A block of customers at a time: all decayed purchases at once would be a second copy.
    """
    by_customer = np.zeros(days_ago.shape[0], np.float32)
    by_article = np.zeros(len(offered))
    for start in range(0, days_ago.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        weights = decayed(days_ago[rows], half_life_days, full_day=full_day)[:, offered]
        exact = weights.astype(np.float64)
        by_customer[rows] = np.asarray(exact.sum(axis=1)).ravel()
        by_article += np.asarray(exact.sum(axis=0)).ravel()
    return by_customer, by_article


def shares(mass: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return each article's share of the mass; half a purchase each spares them the zero."""
    return np.asarray((mass + 0.5) / (mass + 0.5).sum())
