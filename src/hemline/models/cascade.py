"""Several models as one: each is asked in turn until the list is full.

The order is params.yaml's, and every article keeps the name of the model that gave it, so a list
that falls back to popularity says so. Scores of different models do not compare; a cascade's score
is 1 / rank.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE, empty_lists
from hemline.models.als import Als
from hemline.models.article_weights import ArticleWeights
from hemline.models.cvae.cvae import Cvae
from hemline.models.neighbours import Neighbours
from hemline.models.popularity import Popularity
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.sources import Proposals
from hemline.models.recommender import Model, Recommendations, Recommender
from hemline.models.repurchase import Repurchase
from hemline.params import Section

MODELS: Final[dict[str, type[Model]]] = {
    "popularity": Popularity,
    "segment_popularity": Popularity,
    "repurchase": Repurchase,
    "tfidf": Neighbours,
    "copurchase": Neighbours,
    "item_knn": ArticleWeights,
    "rp3beta": ArticleWeights,
    "ease": ArticleWeights,
    "als": Als,
    "cvae": Cvae,
}
"""Every model that stands on its own, by name; the name is also its folder."""


class ServeParams(Section):
    """Who answers customers with a history and those without, in order."""

    section: ClassVar[str] = "serve"
    warm: tuple[str, ...]
    cold: tuple[str, ...]


class Cascade:
    """Models asked in order; a Recommender that is put together, never saved."""

    def __init__(self, name: str, models: Sequence[Recommender]) -> None:
        self.name = name
        self.models = tuple(models)

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return lists of length k, filled from the first model on, without duplicates."""
        articles, _ = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        names: tuple[str, ...] = ()
        open_rows = np.arange(histories.n_customers)
        # Nobody left to ask for still asks: a model tells its source names with its answer.
        for model in self.models:
            more = model.recommend(histories.rows(open_rows), k)
            articles[open_rows], sources[open_rows] = _append(
                articles[open_rows], sources[open_rows], more, len(names)
            )
            names += more.source_names
            open_rows = open_rows[(articles[open_rows] == NO_ARTICLE).any(axis=1)]
        ranks = np.arange(1, k + 1, dtype=np.float32)
        scores = np.where(articles == NO_ARTICLE, -np.inf, 1 / ranks).astype(np.float32)
        return Recommendations(articles, scores, sources, names)


class Served:
    """What customers get: one cascade for those with a history, another for those without."""

    name = "served"

    def __init__(self, warm: Cascade, cold: Cascade) -> None:
        self.warm = warm
        self.cold = cold

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return each customer's list from the cascade meant for them."""
        articles, scores = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        is_cold = histories.is_cold()
        names: tuple[str, ...] = ()
        for cascade, rows in ((self.warm, ~is_cold), (self.cold, is_cold)):
            lists = cascade.recommend(histories.rows(np.flatnonzero(rows)), k)
            articles[rows], scores[rows] = lists.articles, lists.scores
            sources[rows] = lists.sources + len(names)
            names += lists.source_names
        return Recommendations(articles, scores, sources, names)


def load_models(
    folder: Path, wanted: Collection[str] = (*MODELS, Ranker.name)
) -> dict[str, Recommender]:
    """Return the wanted models that have a folder in `folder`, and those the ranker asks."""
    is_ranked = Ranker.name in wanted and (folder / Ranker.name).is_dir()
    asked = Proposals.load(folder / Ranker.name).depths if is_ranked else ()
    models: dict[str, Recommender] = {
        name: model.load(folder / name)
        for name, model in MODELS.items()
        if name in {*wanted, *asked} and (folder / name).is_dir()
    }
    if is_ranked:
        models[Ranker.name] = Ranker.load(folder / Ranker.name, models)
    return models


def served_by(params: ServeParams, models: Mapping[str, Recommender]) -> Served:
    """Return what params.yaml serves from the fitted models."""
    return Served(cascade_of("warm", params.warm, models), cascade_of("cold", params.cold, models))


def cascade_of(name: str, order: Sequence[str], models: Mapping[str, Recommender]) -> Cascade:
    """Return the cascade of the named models; raises BadInput when one of them is not there."""
    absent = [model for model in order if model not in models]
    if absent or not order:
        raise BadInput(
            f"a cascade names fitted models ({', '.join(sorted(models))})",
            found=f"{name}: {', '.join(absent) or 'none'}",
            fix="correct serve or evaluate.rows in params.yaml",
        )
    return Cascade(name, [models[model] for model in order])


def _append(
    articles: npt.NDArray[np.int32],
    sources: npt.NDArray[np.int16],
    more: Recommendations,
    first_name: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
    """Return the lists with more articles at their end; more's sources count from first_name."""
    k = articles.shape[1]
    both = np.concatenate([articles, more.articles], axis=1)
    origin = np.concatenate([sources, more.sources + np.int16(first_name)], axis=1)
    keep = (both != NO_ARTICLE) & ~_seen_before(both)
    order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(keep, order, axis=1)
    return (
        np.where(kept, np.take_along_axis(both, order, axis=1), NO_ARTICLE).astype(np.int32),
        np.where(kept, np.take_along_axis(origin, order, axis=1), 0).astype(np.int16),
    )


def _seen_before(articles: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    order = np.argsort(articles, axis=1, kind="stable")
    ordered = np.take_along_axis(articles, order, axis=1)
    repeated = np.zeros(articles.shape, bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    seen = np.empty_like(repeated)
    np.put_along_axis(seen, order, repeated, axis=1)
    return seen
