"""Hemline's models on a plain interaction table: a name, numbers and histories in, a model out.

The benchmarks' tables have no weeks to come, so fading, label shift and sale windows are switched
off and every model is its textbook form. Networks stop on the validation figure of the benchmark,
which the other models never see while they are fitted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from scipy import sparse

from benchmarks.blend import Blend
from benchmarks.ranking_measures import Values, measure
from hemline.data.histories import Histories
from hemline.models.als import AlsParams, fit_als
from hemline.models.cvae.cvae_training import CvaeParams, fit_cvae, fit_cvae_for
from hemline.models.ease import EaseParams, fit_ease
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.item_knn import ItemKnnParams, Rp3betaParams, fit_item_knn, fit_rp3beta
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.models.recommender import Recommender

Numbers = Mapping[str, Any]
Validate = Callable[[Recommender], float]

STATIC: Final[Numbers] = {
    "input_half_life_days": 1.0e9,
    "target_half_life_days": 1.0e9,
    "on_sale_days": 1_000_000,
    "recent_half_life_days": 1.0e9,
    "shift": 0.0,
}
"""No purchase fades, nothing is off sale, nothing is shifted: time plays no part."""

WHOLE: Final[Numbers] = {
    "precision": "float32",
    "epoch_customers": 1_000_000_000,
    "validation_customers": 1_000_000_000,
    "device": "cpu",
}
"""A network is taught by every customer, in full precision, on the processor of its peers."""


def fit_model(
    name: str,
    numbers: Numbers,
    histories: Histories,
    *,
    validate: Validate,
    n_conditions: int,
) -> Recommender:
    """Return the named model.

    Args:
        name: a key of FITS, or "cvae".
        numbers: its parameters; STATIC fills what they do not name. For "cvae", `n_epochs` of null
            means to stop on validation, a number to train so long and look at nothing.
        histories: what it is fitted on.
        validate: scores a model; higher is better; asked by "cvae" only.
        n_conditions: number of clusters in the histories; asked by "cvae" only.
    """
    if name == "cvae":
        return _fit_cvae(numbers, histories, validate, n_conditions)
    return FITS[name](numbers, histories)


def blend_of(numbers: Numbers, fitted: Mapping[str, Recommender]) -> Blend:
    """Return the blend that the settings describe: weights by model name, and a depth."""
    weights = numbers["weights"]
    return Blend("blend", [fitted[name] for name in weights], [*weights.values()], numbers["depth"])


def scores(
    model: Recommender, histories: Histories, held_out: sparse.csr_matrix, k: int
) -> dict[str, Values]:
    """Return the metrics at k of every customer; what a history holds is not listed."""
    return measure(ExcludeBought(model).recommend(histories, k).articles, held_out, k)


def _fit_cvae(
    numbers: Numbers, histories: Histories, validate: Validate, n_conditions: int
) -> Recommender:
    numbers = dict(numbers)
    n_epochs = numbers.pop("n_epochs")
    params = CvaeParams.model_validate({**STATIC, **WHOLE, **numbers})
    if n_epochs is not None:
        return fit_cvae_for(histories, params, n_conditions=n_conditions, n_epochs=n_epochs)
    return fit_cvae(
        histories,
        histories,
        params,
        n_conditions=n_conditions,
        validate=validate,
        on_epoch=lambda _: None,
    )


def _fit_popularity(numbers: Numbers, histories: Histories) -> Recommender:
    always = {"window_days": 1_000_000, "half_life_days": 1.0e9}
    return fit_popularity(histories, PopularityParams.model_validate({**always, **numbers}))


def _fit_item_knn(numbers: Numbers, histories: Histories) -> Recommender:
    return fit_item_knn(histories, ItemKnnParams.model_validate({**STATIC, **numbers}))


def _fit_rp3beta(numbers: Numbers, histories: Histories) -> Recommender:
    return fit_rp3beta(histories, Rp3betaParams.model_validate({**STATIC, **numbers}))


def _fit_ease(numbers: Numbers, histories: Histories) -> Recommender:
    return fit_ease(histories, EaseParams.model_validate({**STATIC, **numbers}))


def _fit_als(numbers: Numbers, histories: Histories) -> Recommender:
    return fit_als(histories, AlsParams.model_validate({**STATIC, **numbers}))


FITS: Final[Mapping[str, Callable[[Numbers, Histories], Recommender]]] = {
    "popularity": _fit_popularity,
    "item_knn": _fit_item_knn,
    "rp3beta": _fit_rp3beta,
    "als": _fit_als,
    "ease": _fit_ease,
}
"""Models that are fitted without looking at validation."""
