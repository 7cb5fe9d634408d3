"""The two-stage hybrid: several models propose, gradient-boosted trees put in order.

The ranker holds its trees and the article features of its cut. The models that propose are the
fitted ones beside it and are passed in, so a version holds each of them once.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.kernels.lists import empty_lists
from hemline.kernels.quickscorer import Scorer, make_scorer
from hemline.models.ranker.article_features import ArticleFeatures
from hemline.models.ranker.candidates import Candidates
from hemline.models.ranker.pair_features import described_candidates
from hemline.models.ranker.sources import RankerSettings, sources_of
from hemline.models.recommender import Recommendations, Recommender

_BATCH: Final = 512


class Ranker:
    """Trees, article features and the models that propose."""

    name = "rank"

    def __init__(
        self,
        trees: lgb.Booster,
        features: ArticleFeatures,
        settings: RankerSettings,
        models: Mapping[str, Recommender],
    ) -> None:
        """Take fitted parts.

        Args:
            trees: over the columns of pair_features.feature_names(tuple(settings.depths)).
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
        articles, scores = empty_lists(histories.n_customers, k)
        proposed = np.zeros(articles.shape, np.int16)
        for start in range(0, histories.n_customers, _BATCH):
            rows = np.arange(start, min(start + _BATCH, histories.n_customers))
            candidates, features = described_candidates(
                self.sources, self.settings, self.features, histories.rows(rows)
            )
            if len(candidates.rows) == 0:
                continue
            score = self._score(features).astype(np.float32)
            row, rank, chosen = _best(candidates, score, k)
            articles[start + row, rank] = candidates.articles[chosen]
            scores[start + row, rank] = score[chosen]
            proposed[start + row, rank] = candidates.proposed_by()[chosen]
        return Recommendations(articles, scores, proposed, self._source_names)

    def feature_gains(self) -> dict[str, float]:
        """Return each feature's share of what all splits gained, largest first."""
        gains = self.trees.feature_importance("gain")
        shares = gains / max(gains.sum(), 1e-12)
        order = np.argsort(-shares, kind="stable")
        names = self.trees.feature_name()
        return {names[index]: float(shares[index]) for index in order}

    @cached_property
    def _source_names(self) -> tuple[str, ...]:
        return _source_names(tuple(self.settings.depths))

    @cached_property
    def _score(self) -> Scorer:
        return make_scorer(self.trees)

    def save(self, folder: Path) -> None:
        """Write trees as LightGBM's text, article features as npz, settings as json."""
        (folder / "trees.txt").write_text(self.trees.model_to_string(), encoding="utf-8")
        self.features.save(folder / "facts.npz")
        self.settings.save(folder)

    @classmethod
    def load(cls, folder: Path, models: Mapping[str, Recommender]) -> Self:
        """Return the ranker saved in folder, over the fitted models beside it."""
        trees = lgb.Booster(model_str=(folder / "trees.txt").read_text(encoding="utf-8"))
        features = ArticleFeatures.load(folder / "facts.npz")
        return cls(trees, features, RankerSettings.load(folder), models)


def _best(
    candidates: Candidates, score: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return row, rank and pair of each customer's k best pairs.

    Equal scores go by the best rank that a source gave, so that trees with few splits (few
    weeks, few customers) leave the sources' order as it is; then by article, as the pairs stand.
    """
    best_rank = np.fmin.reduce(candidates.ranks, axis=1)
    order = np.lexsort((best_rank, -score, candidates.rows))
    row = candidates.rows[order]
    starts = np.searchsorted(row, row)
    rank = np.arange(len(row)) - starts
    is_listed = rank < k
    return row[is_listed], rank[is_listed], order[is_listed]


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
