"""What the models saw when they made a list: for the shop's staff, who look into single lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hemline.kernels.lists import NO_ARTICLE
from hemline.models.ranker.pair_features import described_candidates
from hemline.models.ranker.ranker import Ranker
from hemline.serving.version_models import VersionModels
from hemline.serving.visitor_history import VisitorHistory


@dataclass(frozen=True)
class Proposal:
    """That a model proposed an article, at which rank (from 1), with which score of its own."""

    model: str
    rank: int
    score: float


@dataclass(frozen=True)
class ExplainedArticle:
    """One listed article.

    Attributes:
        article: its key.
        proposals: by the models that proposed it, the best rank first.
        features: what the ranker read, by name; those that are unknown are left out. Empty where
            the ranker did not see the article.
    """

    article: int
    proposals: tuple[Proposal, ...]
    features: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """What the models saw of a visitor and of each article of a list.

    Attributes:
        history: key of each purchase, its units and how many days before the cut, latest first.
        cluster: of the visitor.
        age_band: index into segments.attributes.AGE_BANDS, or -1.
        articles: of the list, in its order.
    """

    history: tuple[tuple[int, float, int], ...]
    cluster: int
    age_band: int
    articles: tuple[ExplainedArticle, ...]


def explain_list(
    listed: Sequence[int], history: VisitorHistory, models: VersionModels, n_articles: int
) -> Explanation:
    """Return what the version's models saw of a visitor and of the listed articles."""
    order = np.argsort(history.days_ago, kind="stable")
    purchases = tuple(
        (int(history.articles[one]), float(history.units[one]), int(history.days_ago[one]))
        for one in order
    )
    ranker = None if history.is_cold else models.ranker
    explained = (
        _by_cascade(listed, history, models, n_articles)
        if ranker is None
        else _by_ranker(listed, history, ranker, n_articles)
    )
    return Explanation(purchases, history.cluster, history.age_band, explained)


def _by_ranker(
    listed: Sequence[int], history: VisitorHistory, ranker: Ranker, n_articles: int
) -> tuple[ExplainedArticle, ...]:
    candidates, features = described_candidates(
        ranker.sources, ranker.settings, ranker.features, history.as_histories(n_articles)
    )
    sources = tuple(ranker.settings.depths)
    names = ranker.trees.feature_names
    pair_by_article = {int(key): pair for pair, key in enumerate(candidates.articles)}
    explained = []
    for article in listed:
        pair = pair_by_article.get(article)
        if pair is None:
            explained.append(ExplainedArticle(article, (), {}))
            continue
        proposals = [
            Proposal(name, int(rank), float(score))
            for name, rank, score in zip(
                sources, candidates.ranks[pair], candidates.scores[pair], strict=True
            )
            if not np.isnan(rank)
        ]
        known = {
            name: float(value)
            for name, value in zip(names, features[pair], strict=True)
            if not np.isnan(value)
        }
        proposals.sort(key=lambda proposal: proposal.rank)
        explained.append(ExplainedArticle(article, tuple(proposals), known))
    return tuple(explained)


def _by_cascade(
    listed: Sequence[int], history: VisitorHistory, models: VersionModels, n_articles: int
) -> tuple[ExplainedArticle, ...]:
    row = history.as_histories(n_articles)
    cascade = models.served.cold if history.is_cold else models.served.warm
    proposals: dict[int, list[Proposal]] = {article: [] for article in listed}
    for model in cascade.models:
        lists = model.recommend(row, n_articles)
        for rank, (key, score) in enumerate(
            zip(lists.articles[0].tolist(), lists.scores[0].tolist(), strict=True), start=1
        ):
            if key != NO_ARTICLE and key in proposals:
                proposals[key].append(Proposal(model.name, rank, score))
    return tuple(
        ExplainedArticle(article, tuple(found), {}) for article, found in proposals.items()
    )
