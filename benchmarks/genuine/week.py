"""Fitting and scoring our models on a week of baskets."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from scipy import sparse

from benchmarks.genuine.baskets import BasketSplit, HeldOutBaskets
from benchmarks.genuine.implicit_peers import ImplicitPeer
from benchmarks.ranking_measures import Values, measure
from benchmarks.record import Row, rows_of
from benchmarks.static_models import Numbers, fit_model
from hemline.data.histories import Histories
from hemline.models.catalogue import entry_of
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender

CHOSEN_ON: Final = "ndcg@100"
RECALL: Final = "recall@20"
PEER: Final = "implicit "
_LIST_LENGTH: Final = 100
_COMPARED: Final = "cvae"


class WeekModel(NamedTuple):
    """A model to fit: its name in the table, its name in the catalogue or PEER's, its numbers."""

    name: str
    kind: str
    numbers: Numbers


def models_of(settings: Mapping[str, Any], params: Path) -> list[WeekModel]:
    """Return the models with the numbers of params.yaml, then the tuned ones, then peers."""
    return [
        *(
            WeekModel(name, name, entry_of(name).params.load(params).model_dump())
            for name in settings["models"]
        ),
        *(WeekModel(f"{name} tuned", name, each) for name, each in settings["tuned"].items()),
        *(
            WeekModel(f"{PEER}{name}", f"{PEER}{name.split()[0]}", each)
            for name, each in settings.get("implicit", {}).items()
        ),
    ]


def scores_of(
    case: str, models: Sequence[WeekModel], split: BasketSplit, *, on_validation: bool = False
) -> list[Row]:
    """Return recall@20, ndcg@100 and the seconds of each model, and how far each is from the CVAE.

    Args:
        case: name of the table.
        models: to fit.
        split: of the baskets.
        on_validation: score the validation customers with models fitted without them.
    """
    train = split.before_validation if on_validation else split.train
    held_out = split.validation if on_validation else split.test
    rows, values_by_model = [], {}
    for model in models:
        start = time.perf_counter()
        fitted: Recommender | ImplicitPeer
        if model.kind.startswith(PEER):
            fitted = ImplicitPeer(model.kind.removeprefix(PEER), model.numbers, train)
        else:
            fitted = _fit(model, train, split)
        seconds = time.perf_counter() - start
        values_by_model[model.name] = values = held_out_scores(fitted, held_out)
        rows += [
            *rows_of(case, model.name, values),
            Row(case, model.name, "seconds", seconds, None),
        ]
    return [*rows, *_differences(case, values_by_model)]


def held_out_scores(
    model: Recommender | ImplicitPeer, held_out: HeldOutBaskets
) -> dict[str, Values]:
    """Return recall@20 and ndcg@100 of every customer; what is known is not listed."""
    if isinstance(model, ImplicitPeer):
        lists = model.lists(held_out.known, _LIST_LENGTH)
    else:
        histories = Histories.from_interactions(held_out.known)
        lists = ExcludeBought(model).recommend(histories, _LIST_LENGTH).articles
    return {
        RECALL: measure(lists, held_out.wanted, 20)[RECALL],
        CHOSEN_ON: measure(lists, held_out.wanted, _LIST_LENGTH)[CHOSEN_ON],
    }


def _fit(model: WeekModel, train: sparse.csr_matrix, split: BasketSplit) -> Recommender:
    """Return the fitted model; a network stops on validation, and is then trained on `train`."""
    return fit_model(
        model.kind,
        model.numbers,
        Histories.from_interactions(train),
        known=Histories.from_interactions(split.before_validation),
        validate=lambda each: float(held_out_scores(each, split.validation)[CHOSEN_ON].mean()),
        n_conditions=0,
    )


def _differences(case: str, values_by_model: Mapping[str, dict[str, Values]]) -> list[Row]:
    """Return how far above the CVAE each other model is, customer by customer."""
    if _COMPARED not in values_by_model:
        return []
    base = values_by_model[_COMPARED]
    return [
        row
        for name, values in values_by_model.items()
        if name != _COMPARED
        for row in rows_of(
            f"{case} minus {_COMPARED}", name, {key: values[key] - base[key] for key in base}
        )
    ]
