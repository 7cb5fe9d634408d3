"""Several fitted models as one list: the weighted sum of their scores, each on its own scale.

Scores of different models do not compare, so each list is shifted to start at zero and scaled by
its own standard deviation before the sum. An article that a model does not list gets nothing from
it; lists of a few hundred articles make that rare where it matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, top_k_sparse
from hemline.models.recommender import Recommendations, Recommender, answer


@dataclass(frozen=True)
class Blend:
    """A Recommender put together from others, never saved.

    Attributes:
        name: the name it answers under.
        models: what is blended.
        weights: one per model.
        depth: how many articles each model is asked for.
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
        return answer(self.name, *top_k_sparse(sparse.csr_matrix(total, dtype=np.float32), k))


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
