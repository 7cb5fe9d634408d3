"""The walk beside the network: articles that buyers of the same articles bought (RP3beta).

The network joins all purchases of a customer into one code of a hundred numbers. What is lost there
is that two rare articles belong together, because a code has no place for each pair. On genuine
baskets this is most of what can be predicted (docs/decisions.md). A walk from each purchase to its
buyers and on to their other purchases (Paudel et al. 2016) knows the pairs; the network knows the
segment, the season and customers whose purchases lead nowhere.

The walk raises the logits of the articles that it reaches:

    logit_j + weight * log(1 + w_j / mean w)

where w_j is what the walk gives article j, and the mean is over the articles that it raises. So a
customer's number of purchases does not matter, and an empty history is left to the network. The
weight is chosen on the validation week, 0 among the choices. It cannot be learnt with the network:
a training customer's own purchases made the walk's weights, and the network has seen them too.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.kernels.linear_rows import Inputs, best_of_rows
from hemline.kernels.lists import NO_ARTICLE, Lists, WeightRows
from hemline.models.label_shift import YESTERDAY, decay_weights

N_RAISED: Final = 200
"""Articles that a walk raises at most: more cost time and change no list of usual length."""


class Walk(NamedTuple):
    """A fitted walk.

    Attributes:
        rows: a row beside each article that is read, columns beside those that are offered.
        weight: how far it raises logits, above 0.
        half_life_days: of a purchase on its way in.
    """

    rows: WeightRows
    weight: float
    half_life_days: float


def raised_by(
    walk: Walk,
    histories: Histories,
    read: npt.NDArray[np.int32],
    n_offered: int,
) -> Lists:
    """Return the articles that the walk raises for each customer, and by how much.

    Args:
        walk: fitted.
        histories: of the customers.
        read: sorted keys of the articles that the walk has a row for.
        n_offered: number of columns.
    """
    counted = decay_weights(histories.days, walk.half_life_days, full_day=YESTERDAY)
    inputs = Inputs(histories.indptr, histories.indices, counted, read)
    columns, reached = best_of_rows(inputs, walk.rows, n_offered, min(N_RAISED, n_offered))
    exact = np.where(columns == NO_ARTICLE, 0.0, reached.astype(np.float64))
    n_reached = np.maximum(np.count_nonzero(columns != NO_ARTICLE, axis=1), 1)
    mean = np.maximum(exact.sum(axis=1) / n_reached, 1e-300)
    raised = walk.weight * np.log1p(exact / mean[:, None])
    return columns, raised.astype(np.float32)
