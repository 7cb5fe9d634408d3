"""A blend of several fitted models: the weighted sum of their standardised scores.

Scores of different models are not comparable, so the scores of each list are shifted to a minimum
of zero and divided by their standard deviation before the sum. An article that a model does not
list gets zero from it, which is rare for top articles if lists have a few hundred articles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, top_k_sparse
from hemline.models.recommender import OneSource, Recommendations, Recommender, recommendations_from


@dataclass(frozen=True)
class Blend(OneSource):
    """A Recommender made of others; it is never saved.

    Attributes:
        name: its name.
        models: the blended models.
        weights: one per model.
        depth: length of the list that each model contributes.
    """

    name: str
    models: Sequence[Recommender]
    weights: Sequence[float]
    depth: int

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the k articles with the highest weighted sum."""
        depth = max(k, self.depth)
        total, *others = [
            _as_rows(model.recommend(histories, depth), histories) * weight
            for model, weight in zip(self.models, self.weights, strict=True)
        ]
        for other in others:
            total = total + other
        return recommendations_from(
            self.name, *top_k_sparse(sparse.csr_matrix(total, dtype=np.float32), k)
        )


def _as_rows(lists: Recommendations, histories: Histories) -> sparse.csr_matrix:
    """Return the scores of each list over its articles, in standard deviations above its last."""
    listed = lists.articles != NO_ARTICLE
    scores = np.where(listed, lists.scores, np.nan).astype(np.float64)
    scaled = _standardised(scores)[listed]
    indptr = np.concatenate([[0], np.cumsum(listed.sum(axis=1))])
    return sparse.csr_matrix((scaled, lists.articles[listed], indptr), shape=histories.units.shape)


def _standardised(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    filled = ~np.isnan(scores).all(axis=1)
    ready = np.zeros(scores.shape, np.float64)
    some = scores[filled]
    spread = np.nanstd(some, axis=1, keepdims=True)
    ready[filled] = (some - np.nanmin(some, axis=1, keepdims=True)) / np.maximum(spread, 1e-12)
    return ready.astype(np.float32)
