"""Which articles the CVAE reads and offers, and how the catalogue moved since its training.

Most of a fashion catalogue is gone: `read` holds the articles anybody bought, `offered` those still
on sale, so both tables of the network are a fraction of what they would be.

What is on sale changes within weeks while training averages over months. The logits are therefore
moved by log(share of recent buyers) - log(share in the training targets), the correction for label
shift (Saerens et al. 2002), and articles no longer sold are taken out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.cvae.network import decayed

_BLOCK = 65_536


@dataclass(frozen=True)
class Shelf:
    """The articles the network deals with, as sorted int32 keys.

    Attributes:
        read: articles that count when they stand in a history.
        offered: articles that may be recommended, one logit each.
        log_shift: float32 beside `offered`, added to the logits; -inf keeps an article back.
    """

    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    log_shift: npt.NDArray[np.float32]


def on_sale(histories: Histories, days: int) -> npt.NDArray[np.int32]:
    """Return the articles that somebody bought in the last `days` before the cut."""
    recent = histories.days_ago.indices[histories.days_ago.data <= days]
    return np.unique(recent).astype(np.int32)


def ever_bought(histories: Histories) -> npt.NDArray[np.int32]:
    """Return the articles that stand in any history."""
    return np.unique(histories.units.indices).astype(np.int32)


def log_shift(
    histories: Histories,
    offered: npt.NDArray[np.int32],
    *,
    recent_half_life_days: float,
    target_half_life_days: float,
    on_sale_days: int,
    strength: float,
) -> npt.NDArray[np.float32]:
    """Return what to add to each offered article's logit for the catalogue at the cut.

    -inf for an article that was not sold in the last `on_sale_days`; `strength` 0 leaves the
    others as in training, 1 moves them all the way.
    """
    half_lives = recent_half_life_days, target_half_life_days
    recent, trained = (
        shares(masses(histories.days_ago, offered, half_life)[1]) for half_life in half_lives
    )
    shift = strength * (np.log(recent) - np.log(trained))
    is_on_sale = np.isin(offered, on_sale(histories, on_sale_days))
    return np.where(is_on_sale, shift, -np.inf).astype(np.float32)


def masses(
    days_ago: sparse.csr_matrix, offered: npt.NDArray[np.int32], half_life_days: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return the faded weight of each customer's offered articles, and of each offered article.

    Customers are taken a block at a time: all faded purchases at once would be a second copy.
    """
    by_customer = np.zeros(days_ago.shape[0], np.float32)
    by_article = np.zeros(len(offered))
    for start in range(0, days_ago.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        faded = decayed(days_ago[rows], half_life_days)[:, offered]
        by_customer[rows] = np.asarray(faded.sum(axis=1)).ravel()
        by_article += np.asarray(faded.sum(axis=0), np.float64).ravel()
    return by_customer, by_article


def shares(mass: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return each article's share of the mass; half a purchase each spares them the zero."""
    return np.asarray((mass + 0.5) / (mass + 0.5).sum())
