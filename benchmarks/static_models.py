"""Hemline's models on a plain interaction table: a name, numbers and histories in, a model out.

The benchmarks' tables have no weeks to come: the defaults of every section, without decay, label
shift and sale windows, are each model's textbook form. Networks stop on the validation figure of
the benchmark, which the other models never see while they are fitted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from scipy import sparse

from benchmarks.blend import Blend
from benchmarks.ranking_measures import Values, measure
from hemline.data.histories import Histories
from hemline.models.catalogue import TrainingData, Validation, entry_of
from hemline.models.cvae.cvae_training import fit_cvae_for
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender

Numbers = Mapping[str, Any]
Validate = Callable[[Recommender], float]

_CPU: Final = {"device": "cpu"}
"""A network is trained on the processor of its peers."""


def fit_model(
    name: str,
    numbers: Numbers,
    histories: Histories,
    *,
    validate: Validate,
    n_conditions: int,
    known: Histories | None = None,
) -> Recommender:
    """Return the named model.

    Args:
        name: of the catalogue.
        numbers: its parameters; the others are the section's defaults. For "cvae", `n_epochs` of
            null means to stop on validation, a number to train exactly that long.
        histories: what it is fitted on.
        validate: scores a model; higher is better; called by "cvae" only.
        n_conditions: number of clusters in the histories; read by "cvae" only.
        known: the histories that "cvae" is trained on until `validate` stops it, before its final
            epochs on all; None for all.
    """
    numbers, entry = dict(numbers), entry_of(name)
    n_epochs = numbers.pop("n_epochs", None)
    params = entry.params.model_validate({**numbers, **(_CPU if name == "cvae" else {})})
    if n_epochs is not None:
        return fit_cvae_for(histories, params, n_conditions=n_conditions, n_epochs=n_epochs)
    data = TrainingData(
        histories=lambda: histories,
        validation=lambda _: Validation(histories if known is None else known, validate),
        n_clusters=n_conditions,
    )
    return entry.fit(data, params)


def blend_of(numbers: Numbers, fitted: Mapping[str, Recommender]) -> Blend:
    """Return the blend that the settings describe: weights by model name, and a depth."""
    weights = numbers["weights"]
    return Blend("blend", [fitted[name] for name in weights], [*weights.values()], numbers["depth"])


def scores(
    model: Recommender, histories: Histories, held_out: sparse.csr_matrix, k: int
) -> dict[str, Values]:
    """Return the metrics at k of every customer; what a history holds is not listed."""
    return measure(ExcludeBought(model).recommend(histories, k).articles, held_out, k)
