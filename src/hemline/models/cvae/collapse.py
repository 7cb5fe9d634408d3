"""Has the model collapsed? A network with one list for everybody is an error, not a model."""

import numpy as np

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.cvae.cvae import Cvae

_N_CHECKED = 1000
_LIST_LENGTH = 12
_FLAT = 1e-3


def refuse_collapse(model: Cvae, histories: Histories) -> None:
    """Raise BadInput when the network is flat or gives every customer the same list.

    The walk beside it is left out: it would give different lists to customers whom the network
    cannot tell apart. Up to 1,000 customers with a history are checked, evenly spread over the
    rows.
    """
    warm = np.flatnonzero(~histories.is_cold())
    chosen = warm[np.linspace(0, len(warm) - 1, min(len(warm), _N_CHECKED)).astype(np.int64)]
    if len(chosen) < 2:  # noqa: PLR2004  (one customer cannot differ from another)
        return
    checked, log_shift = histories.rows(chosen), model.articles.log_shift
    is_on_sale = np.isfinite(log_shift)
    logits = model.logits(checked)[:, is_on_sale] - log_shift[is_on_sale]
    spread = float(logits.std(axis=1).mean())
    if not spread > _FLAT:
        raise BadInput(
            "the CVAE prefers some articles to others (spread of a customer's logits above "
            f"{_FLAT})",
            found=f"flat output: mean spread {spread:.2g} over {len(chosen)} customers",
            fix="lower cvae.learning_rate or cvae.kl_cap, or use cvae.loss: multinomial",
        )
    lists = model.network_only.recommend(checked, _LIST_LENGTH).articles
    n_lists = len(np.unique(np.sort(lists, axis=1), axis=0))
    if n_lists == 1:
        raise BadInput(
            "the CVAE recommends different articles to different customers",
            found=f"one list of {_LIST_LENGTH} articles for all of {len(chosen)} customers",
            fix="lower cvae.kl_cap, raise cvae.max_epochs, or use cvae.loss: multinomial",
        )
