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
    recent = shares(decayed(histories.days_ago, recent_half_life_days)[:, offered])
    trained = shares(decayed(histories.days_ago, target_half_life_days)[:, offered])
    shift = strength * (np.log(recent) - np.log(trained))
    is_on_sale = np.isin(offered, on_sale(histories, on_sale_days))
    return np.where(is_on_sale, shift, -np.inf).astype(np.float32)


def shares(weights: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    """Return each column's share of the weight; half a purchase each spares them the zero."""
    mass = np.asarray(weights.sum(axis=0), np.float64).ravel() + 0.5
    return np.asarray(mass / mass.sum())
