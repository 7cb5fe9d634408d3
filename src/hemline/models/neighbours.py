"""From article to article: a short list of neighbours per article, and what follows from it.

TF-IDF and co-purchase differ in how they find neighbours, not in what they do with them, so both
are this one class under two names. A customer's latest articles vote for their neighbours.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_array
from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, Lists
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    recommendations_from,
    require_articles,
)

BUYERS: Final = "buyers.npy"


@dataclass(frozen=True)
class Neighbours(OneSource):
    """Ranked neighbours of every article.

    Attributes:
        name: the model's name.
        articles: int32 of shape (articles, neighbours); NO_ARTICLE at the end of short lists.
        scores: float32 of the same shape, similarity in (0, 1].
        latest_articles: how many of a customer's latest articles vote.
        buyers: of co-purchase in a shop with guests, int32 of shape (articles, 2); how many bought
            each article ever, and lately. Guests are in no history, so it cannot be counted there.
    """

    name: str
    articles: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    latest_articles: int
    buyers: npt.NDArray[np.int32] | None = None

    @classmethod
    def none(cls, name: str, n_articles: int) -> Self:
        """Return the model of a version that has none: no article has a neighbour."""
        nothing = np.full((n_articles, 1), NO_ARTICLE, np.int32)
        return cls(name, nothing, np.full(nothing.shape, -np.inf, np.float32), 1)

    def similar_to(self, article: int, k: int) -> Lists:
        """Return up to k neighbours of one article and their similarity, as 1-d arrays."""
        listed = self.articles[article] != NO_ARTICLE
        return self.articles[article][listed][:k], self.scores[article][listed][:k]

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the neighbours of the latest articles by the sum of their similarities."""
        from hemline.kernels.history_lists import LatestVotes, best_by_votes  # noqa: PLC0415  (numba)

        require_articles(histories, len(self.articles), self.name)
        votes = LatestVotes(self.articles, self.scores, self.latest_articles)
        bought = histories.indptr, histories.indices, histories.days
        return recommendations_from(self.name, *best_by_votes(*bought, votes, k))

    def save(self, folder: Path) -> None:
        """Write the neighbour table."""
        np.save(folder / "articles.npy", self.articles)
        np.save(folder / "scores.npy", self.scores)
        if self.buyers is not None:
            np.save(folder / BUYERS, self.buyers)
        about = {"name": self.name, "latest_articles": self.latest_articles}
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        return cls(
            about["name"],
            load_array(folder / "articles.npy"),
            load_array(folder / "scores.npy"),
            about["latest_articles"],
            load_array(folder / BUYERS) if (folder / BUYERS).exists() else None,
        )
