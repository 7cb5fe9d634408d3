"""All models on the same hold-out, each with the best of several settings.

A setting is fitted without the validation articles and chosen by recall_1 on them; then the model
is fitted on all known articles, a network for its best number of epochs. The test part is used
once, for the table.
"""

from collections.abc import Mapping
from typing import Any, Final

import typer

from benchmarks.poster.correlation import fit_correlation
from benchmarks.poster.holdout import Holdout
from benchmarks.poster.success import LIST_LENGTH
from benchmarks.poster.traindy import TrainDy, TrainDyParams, fit_traindy
from benchmarks.ranking_measures import Lists, evenly_spread
from benchmarks.static_models import blend_of, fit_model, scores
from hemline.data.histories import Histories
from hemline.models.cascade import Cascade
from hemline.models.cvae.cvae import Cvae
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.models.recommender import Recommender

TRAINDY: Final = "TrainDy CVAE"
DECK: Final = "deck: correlation"
_STOPPED_ON: Final = 4000
_CHOSEN_ON: Final = f"hit@{LIST_LENGTH}"

Settings = Mapping[str, list[dict[str, Any]]]


def run_contest(settings: Settings, holdout: Holdout, n_conditions: int) -> dict[str, Lists]:
    """Return each model's lists of 20 for all customers, cold ones included."""
    finals: dict[str, Recommender] = {}
    for name, tries in settings.items():
        if "weights" in tries[0]:
            finals[name] = blend_of(tries[0], finals)
            continue
        chosen = _choose(name, tries, holdout, n_conditions)
        finals[name] = _fit(name, chosen, holdout.known, holdout, n_conditions)
    return {
        name: ExcludeBought(model).recommend(holdout.known, LIST_LENGTH).articles
        for name, model in finals.items()
    }


def _choose(
    name: str, tries: list[dict[str, Any]], holdout: Holdout, n_conditions: int
) -> dict[str, Any]:
    """Return the best numbers on validation, including a network's number of epochs."""
    best, best_value = tries[0], -1.0
    for numbers in tries:
        model = _fit(name, numbers, holdout.fit, holdout, n_conditions)
        value = _on_validation(model, holdout, holdout.fit.n_customers)
        typer.echo(f"{name}: validation recall_1 {value:.4f} {numbers}", err=True)
        if value > best_value:
            best, best_value = {**numbers, **_stopped_at(model)}, value
    return best


def _stopped_at(model: Recommender) -> dict[str, float]:
    """Return what a network chose on validation; nothing for other models."""
    if isinstance(model, TrainDy):
        return {"n_epochs": model.n_epochs}
    if not isinstance(model, Cvae):
        return {}
    return {"n_epochs": model.shape.n_epochs, "walk_weight": model.shape.walk_weight}


def _fit(
    name: str,
    numbers: dict[str, Any],
    histories: Histories,
    holdout: Holdout,
    n_conditions: int,
) -> Recommender:
    def validate(model: Recommender) -> float:
        return _on_validation(model, holdout, _STOPPED_ON)

    if name == TRAINDY:
        numbers = dict(numbers)
        n_epochs = numbers.pop("n_epochs")
        return fit_traindy(
            histories,
            TrainDyParams.model_validate(numbers),
            n_conditions=n_conditions,
            validate=validate if n_epochs is None else None,
            n_epochs=n_epochs,
        )
    if name == DECK:
        popular = fit_popularity(histories, PopularityParams.model_validate(numbers))
        return Cascade(DECK, [fit_correlation(histories), popular])
    return fit_model(name, numbers, histories, validate=validate, n_conditions=n_conditions)


def _on_validation(model: Recommender, holdout: Holdout, n_customers: int) -> float:
    rows = evenly_spread(holdout.fit.n_customers, n_customers)
    values = scores(model, holdout.fit.rows(rows), holdout.validation[rows], LIST_LENGTH)
    return float(values[_CHOSEN_ON].mean())
