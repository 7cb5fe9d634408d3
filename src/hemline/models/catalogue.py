"""Every model that stands on its own: its params, how it is fitted, how it is loaded.

Training, serving, the benchmarks and the contract tests read this one table, so a model is a
module, an entry here and a section of params.yaml. The ranker is no entry: it is fitted over these
models (hemline.training) and loaded with them (models/cascade).

An entry imports its module when it is used, because torch, numba and implicit take a second each.
The price of one table: a change to it makes every stage stale that fits or loads models.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from hemline.data.histories import Histories, with_guests
from hemline.errors import BadInput
from hemline.models.recommender import Model, Recommender
from hemline.params import Section

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from hemline.data.past_weeks import PurchaseLog

P = TypeVar("P", bound=Section)


class Validation(NamedTuple):
    """Where a network stops.

    Attributes:
        known: histories before the validation week.
        score: scores a model on that week; higher is better.
    """

    known: Histories
    score: Callable[[Recommender], float]


def _absent(*_: object) -> Any:
    raise BadInput(
        "the training data hold what the model reads (catalogue.TrainingData)",
        found="a part that was not passed",
        fix="pass histories, articles, validation or purchases, whichever the model is fitted from",
    )


def _nobody() -> None:
    return None


@dataclass(frozen=True)
class TrainingData:
    """What models are fitted from. Each part is made when a model reads it, and only then.

    Attributes:
        histories: of all customers before the cut, with their segments.
        articles: as tables.read_described returns them.
        guests: histories of baskets that nobody known bought before the cut; None without such.
        validation: by at most this many buyers of the validation week.
        purchases: all before the cut, with their days; what past weeks are made from.
        embeddings: of articles, as content.embeddings saves them; none where there are none.
        n_clusters: number of clusters in the histories.
        n_age_bands: number of age bands there are, whether in the histories or not.
    """

    histories: Callable[[], Histories] = _absent
    articles: "Callable[[], pd.DataFrame]" = _absent
    validation: Callable[[int], Validation] = _absent
    purchases: "Callable[[], PurchaseLog]" = _absent
    n_clusters: int = 0
    n_age_bands: int = 0
    guests: Callable[[], Histories | None] = _nobody
    embeddings: "Callable[[], Sequence[npt.NDArray[np.float32]]]" = tuple

    def buyers(self) -> Histories:
        """Return the histories of all customers, and after them those of the guests' baskets."""
        guests = self.guests()
        return self.histories() if guests is None else with_guests(self.histories(), guests)


@dataclass(frozen=True)
class CatalogueEntry(Generic[P]):
    """What there is to know of a model.

    Attributes:
        params: its section of params.yaml.
        fit: returns the fitted model.
        load: returns the model saved in a folder.
    """

    params: type[P]
    fit: Callable[[TrainingData, P], Model]
    load: Callable[[Path], Model]

    def fit_as_in(self, params: Path, data: TrainingData) -> Model:
        """Return the model fitted with the numbers of params.yaml."""
        return self.fit(data, self.params.load(params))


def entry_of(name: str) -> CatalogueEntry[Any]:
    """Return the entry of a model; raises BadInput where there is none of that name."""
    if name not in CATALOGUE:
        raise BadInput(
            f"a model of the catalogue ({', '.join(CATALOGUE)})",
            found=name,
            fix="correct the name, or add the model to hemline/models/catalogue.py",
        )
    return CATALOGUE[name]()


def load_model(name: str, folder: Path) -> Model:
    """Return the model of that name saved in the folder.

    Unlike its entry this imports nothing that only fitting needs: torch, pandas, scikit-learn.
    """
    if name in {"popularity", "segment_popularity"}:
        from hemline.models.popularity import Popularity

        return Popularity.load(folder)
    if name in {"tfidf", "copurchase"}:
        from hemline.models.neighbours import Neighbours

        return Neighbours.load(folder)
    if name in {"item_knn", "rp3beta", "ease", "new_articles"}:
        from hemline.models.article_weights import ArticleWeights

        return ArticleWeights.load(folder)
    return _load_network(name, folder)


def _load_network(name: str, folder: Path) -> Model:
    """Return a saved network without importing torch; any other model by its entry."""
    if name == "cvae":
        from hemline.models.cvae.cvae import Cvae

        return Cvae.load(folder)
    if name == "sequence":
        from hemline.models.sequence.sequence import SequenceModel

        return SequenceModel.load(folder)
    return entry_of(name).load(folder)


def _from_histories(fit: Callable[[Histories, P], Model]) -> Callable[[TrainingData, P], Model]:
    return lambda data, params: fit(data.histories(), params)


def _from_buyers(fit: Callable[[Histories, P], Model]) -> Callable[[TrainingData, P], Model]:
    return lambda data, params: fit(data.buyers(), params)


def _popularity() -> CatalogueEntry[Any]:
    from hemline.models.popularity import Popularity, PopularityParams, fit_popularity

    return CatalogueEntry(PopularityParams, _from_buyers(fit_popularity), Popularity.load)


def _segment_popularity() -> CatalogueEntry[Any]:
    from hemline.models.popularity import Popularity, PopularityParams, fit_segment_popularity

    def fit(data: TrainingData, params: PopularityParams) -> Popularity:
        return fit_segment_popularity(data.buyers(), params, n_bands=data.n_age_bands)

    return CatalogueEntry(PopularityParams, fit, Popularity.load)


def _repurchase() -> CatalogueEntry[Any]:
    from hemline.models.repurchase_hazard import (
        RepurchaseHazard,
        RepurchaseParams,
        fit_repurchase_hazard,
    )

    def fit(data: TrainingData, params: RepurchaseParams) -> RepurchaseHazard:
        return fit_repurchase_hazard(data.purchases(), params)

    return CatalogueEntry(RepurchaseParams, fit, RepurchaseHazard.load)


def _tfidf() -> CatalogueEntry[Any]:
    from hemline.models.neighbours import Neighbours
    from hemline.models.tfidf import TfidfParams, fit_tfidf

    return CatalogueEntry(
        TfidfParams, lambda data, params: fit_tfidf(data.articles(), params), Neighbours.load
    )


def _copurchase() -> CatalogueEntry[Any]:
    from hemline.models.copurchase import CopurchaseParams, count_buyers, fit_copurchase
    from hemline.models.neighbours import Neighbours

    def fit(data: TrainingData, params: CopurchaseParams) -> Neighbours:
        buyers = data.buyers()
        model = fit_copurchase(buyers, params)
        if buyers.n_customers == data.histories().n_customers:
            return model
        return replace(model, buyers=count_buyers(buyers, params))

    return CatalogueEntry(CopurchaseParams, fit, Neighbours.load)


def _item_knn() -> CatalogueEntry[Any]:
    from hemline.models.article_weights import ArticleWeights
    from hemline.models.item_knn import ItemKnnParams, fit_item_knn

    return CatalogueEntry(ItemKnnParams, _from_histories(fit_item_knn), ArticleWeights.load)


def _rp3beta() -> CatalogueEntry[Any]:
    from hemline.models.article_weights import ArticleWeights
    from hemline.models.item_knn import Rp3betaParams, fit_rp3beta

    return CatalogueEntry(Rp3betaParams, _from_histories(fit_rp3beta), ArticleWeights.load)


def _ease() -> CatalogueEntry[Any]:
    from hemline.models.article_weights import ArticleWeights
    from hemline.models.ease import EaseParams, fit_ease

    return CatalogueEntry(EaseParams, _from_histories(fit_ease), ArticleWeights.load)


def _new_articles() -> CatalogueEntry[Any]:
    from hemline.models.article_weights import ArticleWeights
    from hemline.models.new_articles import NewArticlesParams, fit_new_articles

    def fit(data: TrainingData, params: NewArticlesParams) -> ArticleWeights:
        return fit_new_articles(data.histories(), data.articles(), params, data.embeddings())

    return CatalogueEntry(NewArticlesParams, fit, ArticleWeights.load)


def _als() -> CatalogueEntry[Any]:
    from hemline.models.als import Als, AlsParams, fit_als

    return CatalogueEntry(AlsParams, _from_histories(fit_als), Als.load)


def _tifu_knn() -> CatalogueEntry[Any]:
    from hemline.models.tifu_knn import TifuKnn, TifuKnnParams, fit_tifu_knn

    return CatalogueEntry(TifuKnnParams, _from_histories(fit_tifu_knn), TifuKnn.load)


def _cvae() -> CatalogueEntry[Any]:
    from hemline.models.cvae.cvae import Cvae
    from hemline.models.cvae.cvae_params import CvaeParams
    from hemline.models.cvae.cvae_training import fit_cvae

    def fit(data: TrainingData, params: CvaeParams) -> Cvae:
        known, score = data.validation(params.validation_customers)
        return fit_cvae(
            known, data.histories(), params, n_conditions=data.n_clusters, validate=score
        )

    return CatalogueEntry(CvaeParams, fit, Cvae.load)


def _sequence() -> CatalogueEntry[Any]:
    from hemline.models.sequence.sequence import SequenceModel
    from hemline.models.sequence.sequence_training import SequenceParams, fit_sequence

    def fit(data: TrainingData, params: SequenceParams) -> SequenceModel:
        _, score = data.validation(params.validation_customers)
        return fit_sequence(data.purchases(), data.articles(), params, validate=score)

    return CatalogueEntry(SequenceParams, fit, SequenceModel.load)


CATALOGUE: Final[Mapping[str, Callable[[], CatalogueEntry[Any]]]] = {
    "popularity": _popularity,
    "segment_popularity": _segment_popularity,
    "repurchase": _repurchase,
    "tfidf": _tfidf,
    "copurchase": _copurchase,
    "item_knn": _item_knn,
    "rp3beta": _rp3beta,
    "ease": _ease,
    "new_articles": _new_articles,
    "als": _als,
    "tifu_knn": _tifu_knn,
    "cvae": _cvae,
    "sequence": _sequence,
}
"""By name of the model, which is also the name of its folder."""

TIMELESS: Final = frozenset({"tfidf"})
"""Models that no purchase enters: fitted once, they hold at every cut."""
