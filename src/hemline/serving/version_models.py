"""The models of a layout: what is served, any other by name, and what the articles' pages need."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_array
from hemline.errors import BadInput
from hemline.models.cascade import RANK, Served, cascade_of, load_models, served_by
from hemline.models.catalogue import CATALOGUE
from hemline.models.neighbours import Neighbours, load_similar
from hemline.models.popularity import Popularity
from hemline.models.ranker.ranker import Ranker
from hemline.models.recommender import Recommender
from hemline.models.served_orders import ServeParams


class VersionModels:
    """The fitted models of one version, each loaded when it is first needed."""

    def __init__(self, folder: Path, params: Path, n_articles: int) -> None:
        """Take the folder of models and the params.yaml that say what is served."""
        self._folder = folder
        self._orders = ServeParams.of_version(params).orders(folder)
        self._n_articles = n_articles
        self._loaded: dict[str, Recommender] = {}

    @property
    def per_product(self) -> int:
        """How many articles of one product the version serves in a list; 0: any number."""
        return self._orders.per_product

    @cached_property
    def served(self) -> Served:
        """What customers get; how many articles of one product, each request says (ListRules)."""
        unlimited, names = replace(self._orders, per_product=0), self._orders.models
        return served_by(unlimited, load_models(self._folder, names), np.empty(0, np.int32))

    @property
    def first(self) -> frozenset[str]:
        """The first model of both orders."""
        return frozenset((*self._orders.warm[:1], *self._orders.cold[:1]))

    def names(self) -> list[str]:
        """Return the names of the models of the version."""
        return [name for name in (RANK, *CATALOGUE) if (self._folder / name).is_dir()]

    def by_name(self, name: str) -> Recommender:
        """Return one model alone; raises BadInput where the version has none of that name."""
        if name not in self.names():
            raise BadInput(
                f"a model of this version is one of {', '.join(self.names())}",
                found=repr(name),
                fix="use one of them",
            )
        if name not in self._loaded:
            self._loaded[name] = cascade_of(name, [name], load_models(self._folder, [name]))
        return self._loaded[name]

    @cached_property
    def ranker(self) -> Ranker | None:
        """The ranker, if it is served."""
        models = (*self.served.warm.models, *self.served.cold.models)
        return next((model for model in models if isinstance(model, Ranker)), None)

    @cached_property
    def alike(self) -> Neighbours:
        """The similar articles; none where the version has no such table."""
        return load_similar(self._folder, self._n_articles)

    @cached_property
    def together(self) -> Neighbours:
        """The articles that the same customers bought; none likewise."""
        return self._neighbours("copurchase")

    @cached_property
    def support(self) -> npt.NDArray[np.int32]:
        """How many customers bought both, beside the articles of `together`."""
        path = self._folder / "copurchase" / "support.npy"
        if not path.exists():
            return np.zeros(self.together.articles.shape, np.int32)
        return load_array(path)

    @cached_property
    def segment_popularity(self) -> Popularity | None:
        """What each segment buys most."""
        folder = self._folder / "segment_popularity"
        return Popularity.load(folder) if folder.is_dir() else None

    def _neighbours(self, name: str) -> Neighbours:
        if (self._folder / name).is_dir():
            return Neighbours.load(self._folder / name)
        return Neighbours.none(name, self._n_articles)
