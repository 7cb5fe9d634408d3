"""Several models as one: each fills what the ones before it left empty.

The order is params.yaml's, and every article keeps the name of the model that gave it, so a list
that falls back to popularity says so. Scores of different models do not compare, so a cascade has
none: 1 / rank stands in their place, which says the order once more and is shown to nobody.

A cascade lists nothing that the customer does not want to see (data/unlikes.py). All lists are made
by cascades, so this is the one place where unlikes are left out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE, empty_lists
from hemline.models.catalogue import CATALOGUE, load_model
from hemline.models.ranker.sources import RankerSettings
from hemline.models.recommender import Recommendations, Recommender, by_rank, first_where
from hemline.models.served_orders import NEW_ARTICLES, ServedOrders

RANK: Final = "rank"
"""Name and folder of the ranker, which is loaded over the models beside it."""
_DEEPER: Final = 3
"""How many times as deep a cascade is read at first, so that few lists need more."""


class Cascade:
    """Models in order of preference; a Recommender that is put together, never saved."""

    def __init__(self, name: str, models: Sequence[Recommender]) -> None:
        self.name = name
        self.models = tuple(models)

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources of all its models, in their order."""
        return tuple(name for model in self.models for name in model.source_names)

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return lists of length k, filled from the first model on, without duplicates.

        Longer lists are made for customers with unlikes, which are then left out.
        """
        lists = self._filled(histories, k)
        rows, counts = np.unique(histories.unlikes.rows.astype(np.int64), return_counts=True)
        if len(rows):
            some = histories.rows(rows)
            longer = self._filled(some, k + int(counts.max()))
            is_wanted = ~some.unlikes.include(np.arange(len(rows))[:, None], longer.articles)
            permitted = first_where(longer, is_wanted, k)
            lists.articles[rows], lists.sources[rows] = permitted.articles, permitted.sources
        return by_rank(lists.articles, lists.sources, self.source_names)

    def _filled(self, histories: Histories, k: int) -> Recommendations:
        from hemline.kernels.merged_lists import append_lists  # noqa: PLC0415  (numba)

        articles, _ = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        short, first_source = np.arange(histories.n_customers), 0
        for model in self.models:
            if not len(short):
                break
            is_everybody = len(short) == histories.n_customers
            more = model.recommend(histories if is_everybody else histories.rows(short), k)
            appended = more.articles, more.sources, first_source
            short = append_lists(short, articles, sources, *appended)
            first_source += len(model.source_names)
        return by_rank(articles, sources, self.source_names)


class CascadeWithNewArticle(Cascade):
    """A cascade whose lists have the best new article at one place, unless it stands earlier.

    A new article has few buyers, so models that learn from buyers list it late, and it finds no
    buyers. Where only so many articles of a product are listed, the place may be some earlier.
    """

    def __init__(
        self, name: str, models: Sequence[Recommender], new_articles: Recommender, place: int
    ) -> None:
        """Take what a cascade takes, a model that lists new articles alone, and a place from 1."""
        super().__init__(name, models)
        self._new_articles, self._place = new_articles, place

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources of all its models, the one of new articles last."""
        own = (name for model in self.models for name in model.source_names)
        return (*own, *self._new_articles.source_names)

    def _filled(self, histories: Histories, k: int) -> Recommendations:
        lists, before = super()._filled(histories, k), self._place - 1
        if k <= before or not histories.n_customers:
            return lists
        new = self._new_articles.recommend(histories, self._place)
        earlier = lists.articles[:, :before]
        is_fit = (new.articles != NO_ARTICLE) & (new.articles[..., None] != earlier[:, None]).all(
            -1
        )
        is_fit &= (earlier != NO_ARTICLE).all(axis=1, keepdims=True)
        rows, best = np.arange(len(new.articles)), is_fit.argmax(axis=1)
        chosen = np.where(is_fit.any(axis=1), new.articles[rows, best], NO_ARTICLE)
        source = len(self.source_names) - len(self._new_articles.source_names)
        articles = np.insert(lists.articles, before, chosen, axis=1)
        sources = np.insert(lists.sources, before, source, axis=1)
        is_out = (articles == chosen[:, None]) & (np.arange(k + 1) != before)
        is_out[:, before] = chosen == NO_ARTICLE
        order = np.argsort(is_out, axis=1, kind="stable")[:, :k]
        articles = np.take_along_axis(articles, order, axis=1)
        sources = np.take_along_axis(sources, order, axis=1)
        sources[articles == NO_ARTICLE] = 0
        return by_rank(articles, sources, self.source_names)


@dataclass(frozen=True)
class Ranked:
    """One customer's list, best first.

    Attributes:
        articles: int32 of shape (n,).
        sources: name of the source of each.
    """

    articles: npt.NDArray[np.int32]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Served:
    """What customers get: one cascade for those with a history, another for cold ones.

    Of one product, which comes in several colours, only so many are listed; the places of the
    others go to what the same cascade lists after them.

    Attributes:
        warm: for customers with a history.
        cold: for the others.
        per_product: how many articles of one product a list may hold; 0 is any number.
        product_of: int32, the product of each article (product_numbers).
    """

    warm: Cascade
    cold: Cascade
    per_product: int = 0
    product_of: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    name: ClassVar[str] = "served"

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """Names of the sources of both cascades."""
        return (*self.warm.source_names, *self.cold.source_names)

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return each customer's list from the cascade meant for them."""
        articles, _ = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        is_cold = histories.is_cold()
        for cascade, rows in ((self.warm, ~is_cold), (self.cold, is_cold)):
            self._fill(cascade, histories, np.flatnonzero(rows), articles, sources)
        sources[is_cold] += np.int16(len(self.warm.source_names))
        sources[articles == NO_ARTICLE] = 0
        return by_rank(articles, sources, self.source_names)

    def ranked(self, histories: Histories, depth: int) -> Ranked:
        """Return the list of one customer as deep as requested, before products are limited.

        Args:
            histories: of one row.
            depth: how many articles at most.
        """
        is_cold = bool(histories.is_cold()[0])
        lists = (self.cold if is_cold else self.warm).recommend(histories, depth)
        articles = lists.articles[0][lists.articles[0] != NO_ARTICLE]
        names = [lists.source_names[source] for source in lists.sources[0, : len(articles)]]
        return Ranked(articles, tuple(names))

    def _fill(
        self,
        cascade: Cascade,
        histories: Histories,
        rows: npt.NDArray[np.int64],
        articles: npt.NDArray[np.int32],
        sources: npt.NDArray[np.int16],
    ) -> None:
        """Write the lists of some rows, from deeper and deeper in the cascade where need be."""
        from hemline.kernels.merged_lists import limit_products  # noqa: PLC0415  (numba)

        k = articles.shape[1]
        depth = k * _DEEPER if self.per_product else k
        while len(rows):
            is_everybody = len(rows) == histories.n_customers
            whole = cascade.recommend(histories if is_everybody else histories.rows(rows), depth)
            if not self.per_product:
                articles[rows], sources[rows] = whole.articles, whole.sources
                return
            limit = self.product_of, self.per_product
            limit_products(whole.articles, whole.sources, *limit, rows, articles, sources)
            is_short = articles[rows, -1] == NO_ARTICLE
            rows = rows[is_short & (whole.articles[:, -1] != NO_ARTICLE)]
            depth *= 2


def product_numbers(product_codes: Sequence[object]) -> npt.NDArray[np.int32]:
    """Return a number for the product of each article, equal where its code is equal.

    >>> product_numbers(["10", "20", "10"]).tolist()
    [0, 1, 0]
    """
    number_of: dict[object, int] = {}
    numbers = [number_of.setdefault(code, len(number_of)) for code in product_codes]
    return np.array(numbers, np.int32)


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
        name: load_model(name, folder / name) for name in loaded if (folder / name).is_dir()
    }
    if is_ranked:
        from hemline.models.ranker.ranker import Ranker  # noqa: PLC0415  (numba)

        models[RANK] = Ranker.load(folder / RANK, models)
    return models


def served_by(
    orders: ServedOrders,
    models: Mapping[str, Recommender],
    product_of: npt.NDArray[np.int32],
) -> Served:
    """Return what is served from the fitted models.

    Args:
        orders: which of them fill the lists.
        models: fitted, by name.
        product_of: int32, the product of each article (product_numbers).
    """
    warm, cold = (cascade_of(name, getattr(orders, name), models) for name in ("warm", "cold"))
    if orders.new_article_place:
        [new_articles] = cascade_of("serve.new_article_place", [NEW_ARTICLES], models).models
        warm = CascadeWithNewArticle("warm", warm.models, new_articles, orders.new_article_place)
    return Served(warm, cold, orders.per_product, product_of)


def cascade_of(name: str, order: Sequence[str], models: Mapping[str, Recommender]) -> Cascade:
    """Return the cascade of the named models; raises BadInput when one of them is not there."""
    absent = [model for model in order if model not in models]
    if absent or not order:
        raise BadInput(
            f"a cascade names fitted models ({', '.join(sorted(models))})",
            found=f"{name}: {', '.join(absent) or 'none'}",
            fix="correct serve, choose or evaluate.rows in params.yaml",
        )
    return Cascade(name, [models[model] for model in order])
