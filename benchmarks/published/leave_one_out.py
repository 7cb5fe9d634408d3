"""Fitting, early stopping, choosing and scoring of models and peers on a published split."""

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from scipy import sparse

from benchmarks.peers.exchange import Task
from benchmarks.peers.peer_process import peer_of, run_peers
from benchmarks.published.splits import Split
from benchmarks.ranking_measures import Lists, Values, evenly_spread, measure
from benchmarks.static_models import Numbers, blend_of, fit_model, scores
from hemline.data.histories import Histories
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender

CHOSEN_ON: Final = "ndcg@10"
"""The metric that the published models were chosen on, and so ours."""

LONGEST: Final = 100
_STOPPED_AT: Final = 10
_STOPPED_ON: Final = 5000


class FittedLists(NamedTuple):
    """The lists of all customers, and CPU seconds of fitting."""

    lists: Lists
    cpu_seconds: float


def fit_on(name: str, numbers: Numbers, split: Split) -> Recommender:
    """Return the named model fitted on the train matrix; networks stop on validation."""
    return fit_model(
        name,
        numbers,
        Histories.from_interactions(split.train),
        validate=lambda model: on_validation(model, split, n_customers=_STOPPED_ON),
        n_conditions=0,
    )


def own_lists(settings: Mapping[str, dict[str, Any]], split: Split) -> dict[str, FittedLists]:
    """Return the lists of every model of a split's settings; a blend stands after its models."""
    fitted: dict[str, Recommender] = {}
    listed: dict[str, FittedLists] = {}
    for name, numbers in settings.items():
        start = time.process_time()
        if "weights" in numbers:
            fitted[name] = blend_of(numbers, fitted)
            seconds = sum(listed[each].cpu_seconds for each in numbers["weights"])
        else:
            fitted[name] = fit_on(name, numbers, split)
            seconds = time.process_time() - start
        listed[name] = FittedLists(lists_of(fitted[name], split), seconds)
    return listed


def peer_lists(
    settings: Mapping[str, Any], split: Split, *, seed: int
) -> tuple[dict[str, FittedLists], list[str]]:
    """Return the lists of the peers of a split's settings that ran, and a note on each."""
    task = Task(
        split.train,
        split.validation,
        {"seed": seed, **settings},
        list_length=LONGEST,
        chosen_at=_STOPPED_AT,
    )
    outcomes = run_peers([peer_of(name) for name in settings], task)
    listed = {
        each.name: FittedLists(each.lists, each.cpu_seconds)
        for each in outcomes
        if each.lists is not None
    }
    return listed, [each.note for each in outcomes]


def on_validation(model: Recommender, split: Split, *, n_customers: int | None = None) -> float:
    """Return ndcg@10 on the validation articles, of all or of evenly spread customers."""
    n_rows = split.train.shape[0]
    rows = evenly_spread(n_rows, n_customers or n_rows)
    histories = Histories.from_interactions(split.train[rows])
    return float(scores(model, histories, split.validation[rows], 10)[CHOSEN_ON].mean())


def lists_of(model: Recommender, split: Split) -> Lists:
    """Return the list of LONGEST articles of every customer, without those of train.

    Train is the history for validation and for test, so one list serves both.
    """
    return (
        ExcludeBought(model).recommend(Histories.from_interactions(split.train), LONGEST).articles
    )


def scores_at(lists: Lists, held_out: sparse.csr_matrix, k: int) -> dict[str, Values]:
    """Return ndcg@k and recall@k of every customer."""
    values = measure(lists, held_out, k)
    del values[f"hit@{k}"]  # one article is held out: the same as recall
    return values
