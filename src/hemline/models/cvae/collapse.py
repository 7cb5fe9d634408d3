"""Has the model collapsed? A network that answers everybody alike is an error, not a model."""

import numpy as np

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.cvae.cvae import Cvae

_LOOKED_AT = 1000
_LIST_LENGTH = 12
_FLAT = 1e-3


def refuse_collapse(model: Cvae, histories: Histories) -> None:
    """Raise BadInput when the model is flat or gives every customer the same list.

    Looks at up to 1,000 customers with history, evenly spread over the rows.
    """
    warm = np.flatnonzero(~histories.is_cold())
    chosen = warm[np.linspace(0, len(warm) - 1, min(len(warm), _LOOKED_AT)).astype(np.int64)]
    if len(chosen) < 2:  # noqa: PLR2004  (one customer cannot differ from another)
        return
    looked_at = histories.rows(chosen)
    is_offered = np.isfinite(model.shelf.log_shift)
    logits = model.logits(looked_at)[:, is_offered]
    spread = float((logits - model.shelf.log_shift[is_offered]).std(axis=1).mean())
    if not spread > _FLAT:
        raise BadInput(
            "the CVAE prefers some articles to others (spread of a customer's logits above "
            f"{_FLAT})",
            found=f"flat output: mean spread {spread:.2g} over {len(chosen)} customers",
            fix="lower cvae.learning_rate or cvae.kl_cap, or use cvae.loss: multinomial",
        )
    lists = model.recommend(looked_at, _LIST_LENGTH).articles
    n_lists = len(np.unique(np.sort(lists, axis=1), axis=0))
    if n_lists == 1:
        raise BadInput(
            "the CVAE answers customers differently",
            found=f"one list of {_LIST_LENGTH} articles for all of {len(chosen)} customers",
            fix="lower cvae.kl_cap, raise cvae.max_epochs, or use cvae.loss: multinomial",
        )
