"""From article to article: a short list of neighbours per article, and what follows from it.

TF-IDF and co-purchase differ in how they find neighbours, not in what they do with them, so both
are this one class under two names. A customer's latest articles vote for their neighbours.
"""

import json
from collections.abc import Callable
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
SIMILAR: Final = ("content", "tfidf")
"""Names of the tables of similar articles; the first that is not empty counts."""
_OTHER_PRODUCTS: Final = ("other_products.npy", "other_product_scores.npy")


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
        other_products: of TF-IDF, two arrays as `articles` and `scores`: the nearest article of
            each of the nearest other products. They do not vote. None where none were fitted.
    """

    name: str
    articles: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    latest_articles: int
    buyers: npt.NDArray[np.int32] | None = None
    other_products: Lists | None = None

    @classmethod
    def none(cls, name: str, n_articles: int) -> Self:
        """Return the model of a version that has none: no article has a neighbour."""
        nothing = np.full((n_articles, 1), NO_ARTICLE, np.int32)
        return cls(name, nothing, np.full(nothing.shape, -np.inf, np.float32), 1)

    def similar_to(self, article: int, k: int | None = None) -> Lists:
        """Return up to k neighbours, or all, of one article and their similarity, 1-d arrays.

        Those of other products are among them, whatever number of its own product is nearer.
        """
        near, scores = (part[0] for part in self.around(np.array([article])))
        order = np.lexsort((near, -scores))
        near, scores = near[order], scores[order]
        is_first = np.diff(near, prepend=NO_ARTICLE) != 0  # what is in both has one score
        listed = is_first & (near != NO_ARTICLE)
        return near[listed][:k], scores[listed][:k]

    def around(self, articles: npt.NDArray[np.integer]) -> Lists:
        """Return the neighbours of each article, then the nearest of other products.

        Returns:
            Article keys and similarities of shape (len(articles), n). Some are named twice;
            NO_ARTICLE with -inf where there is none.
        """
        parts = [(self.articles[articles], self.scores[articles])]
        if self.other_products is not None:
            nearest, scores = self.other_products
            parts.append((nearest[articles], scores[articles]))
        keys, similarities = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        return keys, similarities

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
        for name, array in zip(_OTHER_PRODUCTS, self.other_products or (), strict=False):
            np.save(folder / name, array)
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
            _other_products(folder),
        )


def load_similar(
    models: Path, n_articles: int, *, check: Callable[[str], object] = lambda _name: None
) -> Neighbours:
    """Return the similar articles of a version: by embeddings where it has any, else by TF-IDF.

    Args:
        models: folder of the version's models.
        n_articles: of the version; no article has a neighbour where there is neither table.
        check: called with the name of each table before it is read.
    """
    for name in SIMILAR:
        if (models / name).is_dir():
            check(name)
            similar = Neighbours.load(models / name)
            if (similar.articles != NO_ARTICLE).any():
                return similar
    return Neighbours.none(SIMILAR[-1], n_articles)


def _other_products(folder: Path) -> Lists | None:
    paths = [folder / name for name in _OTHER_PRODUCTS]
    if not paths[0].exists():
        return None
    return load_array(paths[0]), load_array(paths[1])
