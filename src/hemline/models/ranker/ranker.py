"""The two-stage hybrid: several models propose, gradient-boosted trees put in order.

The ranker holds its trees and the article features of its cut. The models that propose are the
fitted ones beside it and are passed in, so a version holds each of them once.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from hemline.data.histories import Histories
from hemline.kernels.blocks import for_blocks
from hemline.kernels.lists import empty_lists
from hemline.models.ranker.article_features import ArticleFeatures
from hemline.models.ranker.candidate_loops import fill_best
from hemline.models.ranker.pair_features import described_candidates
from hemline.models.ranker.sources import RankerSettings, sources_of
from hemline.models.ranker.tree_file import TreeFile
from hemline.models.recommender import Recommendations, Recommender, require_articles


class Ranker:
    """Trees, article features and the models that propose."""

    name = "rank"

    def __init__(
        self,
        trees: TreeFile,
        features: ArticleFeatures,
        settings: RankerSettings,
        models: Mapping[str, Recommender],
    ) -> None:
        """Take fitted parts.

        Args:
            trees: over the columns of pair_features.feature_names.
            features: of the articles at the cut.
            settings: which models propose, and how candidates are described.
            models: fitted at the same cut, by name; those that do not propose are ignored.
        """
        self.trees = trees
        self.features = features
        self.settings = settings
        self.sources = sources_of(settings, features, models)

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the k best candidates; their source names the models that proposed them."""
        require_articles(histories, len(self.features.codes), self.name)
        articles, scores = empty_lists(histories.n_customers, k)
        proposed = np.zeros(articles.shape, np.int16)

        def fill(block: slice) -> None:
            some = histories.rows(np.arange(block.start, block.stop))
            candidates, features = described_candidates(
                self.sources, self.settings, self.features, some
            )
            score = self.trees.score(features).astype(np.float32)
            pairs = candidates.rows, candidates.articles, candidates.ranks
            fill_best(*pairs, score, articles[block], scores[block], proposed[block])

        for_blocks(fill, histories.n_customers)
        return Recommendations(articles, scores, proposed, self.source_names)

    def feature_gains(self) -> dict[str, float]:
        """Return each feature's share of what all splits gained, largest first."""
        names, gains = self.trees.gains()
        shares = gains / max(gains.sum(), 1e-12)
        order = np.argsort(-shares, kind="stable")
        return {names[index]: float(shares[index]) for index in order}

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources of its lists: of every set of models that may have proposed."""
        return _source_names(tuple(self.settings.depths))

    def save(self, folder: Path) -> None:
        """Write the trees, the article features as npz, the settings as json."""
        self.trees.save(folder)
        self.features.save(folder / "facts.npz")
        self.settings.save(folder)

    @classmethod
    def load(cls, folder: Path, models: Mapping[str, Recommender]) -> Self:
        """Return the ranker saved in folder, over the fitted models beside it."""
        features = ArticleFeatures.load(folder / "facts.npz")
        return cls(TreeFile.load(folder), features, RankerSettings.load(folder), models)


def _source_names(sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name for every set of sources, read as bits.

    >>> _source_names(("repurchase", "cvae"))[1:]
    ('rank (repurchase)', 'rank (cvae)', 'rank (repurchase, cvae)')
    """
    sets = [
        [name for bit, name in enumerate(sources) if number >> bit & 1]
        for number in range(1 << len(sources))
    ]
    return tuple(f"rank ({', '.join(names)})" if names else "rank" for names in sets)
