"""Fitting and scoring our models and their peers on a week of baskets."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from scipy import sparse

from benchmarks.genuine.baskets import BasketSplit, HeldOutBaskets
from benchmarks.peers.exchange import Task
from benchmarks.peers.peer_process import peer_of, run_peers
from benchmarks.ranking_measures import Lists, Values, measure
from benchmarks.record import Row, rows_of
from benchmarks.static_models import Numbers, fit_model
from hemline.data.histories import Histories
from hemline.models.catalogue import entry_of
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender

CHOSEN_ON: Final = "ndcg@100"
RECALL: Final = "recall@20"
_LIST_LENGTH: Final = 100
_COMPARED: Final = "cvae"


class WeekModel(NamedTuple):
    """A model to fit: its name in the table, its name in the catalogue, its numbers."""

    name: str
    kind: str
    numbers: Numbers


def models_of(settings: Mapping[str, Any], params: Path) -> list[WeekModel]:
    """Return the models with the numbers of params.yaml, then the tuned ones."""
    return [
        *(
            WeekModel(name, name, entry_of(name).params.load(params).model_dump())
            for name in settings["models"]
        ),
        *(WeekModel(f"{name} tuned", name, each) for name, each in settings["tuned"].items()),
    ]


class WeekScores(NamedTuple):
    """Scores of the held-out customers, and CPU seconds of fitting."""

    by_metric: dict[str, Values]
    cpu_seconds: float


def own_scores(
    models: Sequence[WeekModel], split: BasketSplit, *, on_validation: bool = False
) -> dict[str, WeekScores]:
    """Return the scores of our models.

    Args:
        models: to fit.
        split: of the baskets.
        on_validation: score the validation customers with models fitted without them.
    """
    train, held_out = _parts(split, on_validation=on_validation)
    scored = {}
    for model in models:
        start = time.process_time()
        fitted = _fit(model, train, split)
        seconds = time.process_time() - start
        scored[model.name] = WeekScores(held_out_scores(fitted, held_out), seconds)
    return scored


def peer_scores(
    names: Sequence[str],
    settings: Mapping[str, Any],
    split: BasketSplit,
    *,
    on_validation: bool = False,
) -> tuple[dict[str, WeekScores], list[str]]:
    """Return the scores of the named peers that ran, and a note on each.

    Args:
        names: of peers, see `peer_of`.
        settings: their numbers by name, and those that several share.
        split: of the baskets.
        on_validation: score the validation customers with peers fitted without them.
    """
    train, held_out = _parts(split, on_validation=on_validation)
    task = Task(
        train,
        split.validation.wanted,
        dict(settings),
        known=held_out.known,
        validation_known=split.validation.known,
        before_validation=None if on_validation else split.before_validation,
        list_length=_LIST_LENGTH,
        chosen_at=_LIST_LENGTH,
    )
    scored, notes = {}, []
    for outcome in run_peers([peer_of(name) for name in names], task):
        notes.append(outcome.note)
        if outcome.lists is not None:
            values = _scores(outcome.lists, held_out.wanted)
            scored[outcome.name] = WeekScores(values, outcome.cpu_seconds)
    return scored, notes


def rows_of_week(case: str, scored: Mapping[str, WeekScores]) -> list[Row]:
    """Return the mean scores and CPU seconds of each model, and how far each is from the CVAE."""
    rows = []
    for name, each in scored.items():
        rows += [
            *rows_of(case, name, each.by_metric),
            Row(case, name, "cpu seconds", each.cpu_seconds, None),
        ]
    return [*rows, *_differences(case, {name: each.by_metric for name, each in scored.items()})]


def held_out_scores(model: Recommender, held_out: HeldOutBaskets) -> dict[str, Values]:
    """Return recall@20 and ndcg@100 of every customer; what is known is not listed."""
    histories = Histories.from_interactions(held_out.known)
    lists = ExcludeBought(model).recommend(histories, _LIST_LENGTH).articles
    return _scores(lists, held_out.wanted)


def _parts(split: BasketSplit, *, on_validation: bool) -> tuple[sparse.csr_matrix, HeldOutBaskets]:
    if on_validation:
        return split.before_validation, split.validation
    return split.train, split.test


def _scores(lists: Lists, wanted: sparse.csr_matrix) -> dict[str, Values]:
    return {
        RECALL: measure(lists, wanted, 20)[RECALL],
        CHOSEN_ON: measure(lists, wanted, _LIST_LENGTH)[CHOSEN_ON],
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
