"""Fitting the walk beside the network, and choosing how far it raises logits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import WeightRows
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.network_shape import OfferedArticles
from hemline.models.item_knn import Rp3betaParams, fit_rp3beta

_WEIGHTS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""What is tried on the validation week."""


def fit_walk(histories: Histories, params: Rp3betaParams, articles: OfferedArticles) -> WeightRows:
    """Return the weights of RP3beta, a row beside each read article, columns beside the offered.

    An article of the histories that the network does not read, or does not offer, is left out.
    """
    fitted = fit_rp3beta(histories, params)
    weights = fitted.weights
    if isinstance(weights, np.ndarray):
        raise TypeError("RP3beta has sparse weights")
    csr = weights.data, weights.indices, weights.indptr
    shape = len(fitted.read), len(fitted.offered)
    entries = sparse.csr_matrix(csr, shape=shape).tocoo()
    row, is_read = _places(fitted.read[entries.row], articles.read)
    column, is_offered = _places(fitted.offered[entries.col], articles.offered)
    remains = is_read & is_offered
    aligned = sparse.csr_matrix(
        (entries.data[remains], (row[remains], column[remains])),
        (len(articles.read), len(articles.offered)),
    )
    aligned.sort_indices()
    return WeightRows(aligned.indptr, aligned.indices, aligned.data)


def best_walk_weight(
    model: Cvae, known: Histories, params: Rp3betaParams, validate: Callable[[Cvae], float]
) -> float:
    """Return the weight with which the walk beside the model scores best; the lowest of equals.

    Args:
        model: trained on the histories.
        known: histories before the validation week, which the walk is fitted on.
        params: of the walk.
        validate: scores a model on the validation week; higher is better.
    """
    walk = fit_walk(known, params, model.articles)

    def score(weight: float) -> float:
        shape = replace(model.shape, walk_weight=weight)
        return validate(Cvae(shape, model.articles, model.network, walk))

    return max(_WEIGHTS, key=score)


def _places(
    keys: npt.NDArray[np.int32], among: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the place of each key among sorted ones, and whether it has one."""
    place = np.searchsorted(among, keys)
    inside = np.minimum(place, max(len(among) - 1, 0))
    is_there = among[inside] == keys if len(among) else np.zeros(len(keys), np.bool_)
    return inside, is_there
