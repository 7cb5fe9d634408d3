"""Several models as one: each fills what the ones before it left empty.

The order is params.yaml's, and every article keeps the name of the model that gave it, so a list
that falls back to popularity says so. Scores of different models do not compare, so a cascade has
none: 1 / rank stands in their place, which says the order once more and is shown to nobody.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE, empty_lists
from hemline.models.catalogue import CATALOGUE, entry_of
from hemline.models.ranker.sources import RankerSettings
from hemline.models.recommender import Recommendations, Recommender
from hemline.params import Section

RANK: Final = "rank"
"""Name and folder of the ranker, which is loaded over the models beside it."""


class ServeParams(Section):
    """Which models serve customers with a history, and cold ones, in order."""

    section: ClassVar[str] = "serve"
    warm: Annotated[tuple[str, ...], Field(min_length=1)]
    cold: Annotated[tuple[str, ...], Field(min_length=1)]


class Cascade:
    """Models in order of preference; a Recommender that is put together, never saved."""

    def __init__(self, name: str, models: Sequence[Recommender]) -> None:
        self.name = name
        self.models = tuple(models)

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return lists of length k, filled from the first model on, without duplicates."""
        articles, _ = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        names: tuple[str, ...] = ()
        open_rows = np.arange(histories.n_customers)
        # Also for no rows: the names of a model's sources come with its recommendations.
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
    """What customers get: one cascade for those with a history, another for cold ones."""

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
    folder: Path,
    names: Collection[str] = (*CATALOGUE, RANK),
    *,
    check: Callable[[str], object] = lambda _name: None,
) -> dict[str, Recommender]:
    """Return the named models that have a folder in `folder`, and those the ranker reads.

    Args:
        folder: of the models, each in a folder of its name.
        names: of models.
        check: called with each of the names before anything of that model is read.
    """
    if RANK in names:
        check(RANK)
    is_ranked = RANK in names and (folder / RANK).is_dir()
    proposing = RankerSettings.load(folder / RANK).depths if is_ranked else ()
    loaded = [name for name in CATALOGUE if name in {*names, *proposing}]
    for name in loaded:
        check(name)
    models: dict[str, Recommender] = {
        name: entry_of(name).load(folder / name) for name in loaded if (folder / name).is_dir()
    }
    if is_ranked:
        from hemline.models.ranker.ranker import Ranker  # noqa: PLC0415  (lightgbm and numba)

        models[RANK] = Ranker.load(folder / RANK, models)
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
    is_new = (both != NO_ARTICLE) & ~_seen_before(both)
    order = np.argsort(~is_new, axis=1, kind="stable")[:, :k]
    listed = np.take_along_axis(is_new, order, axis=1)
    return (
        np.where(listed, np.take_along_axis(both, order, axis=1), NO_ARTICLE).astype(np.int32),
        np.where(listed, np.take_along_axis(origin, order, axis=1), 0).astype(np.int16),
    )


def _seen_before(articles: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    order = np.argsort(articles, axis=1, kind="stable")
    ordered = np.take_along_axis(articles, order, axis=1)
    repeated = np.zeros(articles.shape, bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    seen = np.empty_like(repeated)
    np.put_along_axis(seen, order, repeated, axis=1)
    return seen
