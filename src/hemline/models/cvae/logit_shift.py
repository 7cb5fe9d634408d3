"""The label shift as a summand of logits."""

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.models.label_shift import Weighting, on_sale, shares_of


def log_shift_of(
    histories: Histories, offered: npt.NDArray[np.int32], weighting: Weighting
) -> npt.NDArray[np.float32]:
    """Return what to add to each offered article's logit for the catalogue at the cut.

    -inf for an article that is not on sale; `shift` 0 leaves the others as in training, 1 moves
    them all the way.
    """
    recent, learned = shares_of(histories, offered, weighting)
    moved = weighting.shift * (np.log(recent) - np.log(learned))
    is_on_sale = np.isin(offered, on_sale(histories, weighting.on_sale_days))
    return np.where(is_on_sale, moved, -np.inf).astype(np.float32)
