"""From article to article: a short list of neighbours per article, and what follows from it.

TF-IDF and co-purchase differ in how they find neighbours, not in what they do with them, so both
are this one class under two names. A customer's latest articles vote for their neighbours.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, Lists, top_k_sparse
from hemline.models.recommender import Recommendations, recommendations_from


@dataclass(frozen=True)
class Neighbours:
    """Ranked neighbours of every article.

    Attributes:
        name: the model's name.
        articles: int32 of shape (articles, neighbours); NO_ARTICLE at the end of short lists.
        scores: float32 of the same shape, similarity in (0, 1].
        latest_articles: how many of a customer's latest articles vote.
    """

    name: str
    articles: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    latest_articles: int

    def similar_to(self, article: int, k: int) -> Lists:
        """Return up to k neighbours of one article and their similarity, as 1-d arrays."""
        listed = self.articles[article] != NO_ARTICLE
        return self.articles[article][listed][:k], self.scores[article][listed][:k]

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the neighbours of the latest articles by the sum of their similarities."""
        from hemline.kernels.sparse_topk import best_of_product  # noqa: PLC0415  (numba)

        latest, _ = top_k_sparse(_freshness(histories), self.latest_articles)
        row, rank = np.nonzero(latest != NO_ARTICLE)
        votes = sparse.csr_matrix(
            (np.ones(len(row), np.float32), (row, latest[row, rank])),
            shape=histories.units.shape,
        )
        return recommendations_from(self.name, *best_of_product(votes, self._matrix, k))

    @cached_property
    def _matrix(self) -> sparse.csr_matrix:
        from hemline.kernels.sparse_topk import matrix_of  # noqa: PLC0415  (numba)

        return matrix_of((self.articles, self.scores), len(self.articles))

    def save(self, folder: Path) -> None:
        """Write the neighbour table."""
        np.save(folder / "articles.npy", self.articles)
        np.save(folder / "scores.npy", self.scores)
        about = {"name": self.name, "latest_articles": self.latest_articles}
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        return cls(
            about["name"],
            np.load(folder / "articles.npy", allow_pickle=False),
            np.load(folder / "scores.npy", allow_pickle=False),
            about["latest_articles"],
        )


def _freshness(histories: Histories) -> sparse.csr_matrix:
    days = histories.days_ago
    fresh = 1.0 / np.maximum(days.data, 1)
    return sparse.csr_matrix((fresh, days.indices, days.indptr), shape=days.shape)
