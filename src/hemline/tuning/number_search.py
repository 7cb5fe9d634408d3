"""A bounded search for each model's numbers on one fold, and what it brought on another.

Random search is fair at any number of trials and simple (Bergstra & Bengio 2012). Trial 0 has the
numbers that the search starts from, so it can only confirm or improve them on the validation fold.
What the best of many trials scores there flatters it; what counts is the test fold, which no trial
has seen, with the paired interval of the customers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.evaluation.protocol import AP, METRICS, recommend_in_batches, score_customers
from hemline.evaluation.significance import bootstrap_means, interval, sign_flip_p
from hemline.models.catalogue import TrainingData, entry_of
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender
from hemline.params import Section
from hemline.tuning.folds import Fold, Folds
from hemline.tuning.search_spaces import TUNED, draw, space_of

_LIST_LENGTH = 20
_SAMPLES, _FLIPS = 1000, 10_000

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SearchBounds:
    """How long is searched, and by what.

    Attributes:
        trials: of each model, the start included.
        seconds: of each model; after so many no further trial begins.
        metric: of METRICS.
        seed: draws the trials.
    """

    trials: int = 20
    seconds: float = 300.0
    metric: str = AP
    seed: int = 7


@dataclass(frozen=True)
class Tuned:
    """What the search found for a model.

    Attributes:
        model: its name.
        start: the numbers it started from.
        best: those of the best trial on the validation fold.
        n_trials: that were made.
        n_wanted: that were to be made.
        on_validation: mean of the metric at the start and at the best.
        on_test: the same on the test fold.
        gain: of the best over the start on the test fold, with the ends of its 95 % interval.
        p_value: of the paired sign-flip test of that gain; 1 where the start was the best.
        n_customers: of the test fold.
    """

    model: str
    start: Mapping[str, Any]
    best: Mapping[str, Any]
    n_trials: int
    n_wanted: int
    on_validation: tuple[float, float]
    on_test: tuple[float, float]
    gain: tuple[float, float, float]
    p_value: float
    n_customers: int

    @property
    def changed(self) -> dict[str, Any]:
        """The numbers that differ from those at the start."""
        return {key: value for key, value in self.best.items() if value != self.start[key]}


def tune(
    folds: Folds,
    models: Sequence[str] = TUNED,
    bounds: SearchBounds | None = None,
    *,
    has_days: bool,
    starts: Mapping[str, Section] | None = None,
    on_trial: Callable[[str, int, float], object] = lambda _model, _trial, _value: None,
) -> list[Tuned]:
    """Return what a search found for each model.

    Args:
        folds: of a table (folds.split_table).
        models: of TUNED.
        bounds: of the search.
        has_days: whether the table says when: only then are numbers about days searched.
        starts: the numbers to start from, by model; default: those of its class.
        on_trial: called after every trial with model, number and mean of the metric.

    Raises:
        BadInput: a model has nothing to be searched, or there is no such metric.
    """
    bounds, starts = bounds or SearchBounds(), starts or {}
    _check(models, bounds)
    found = []
    for model in models:
        start = starts.get(model) or entry_of(model).params()
        found.append(_tune_one(folds, model, start, bounds, has_days=has_days, on_trial=on_trial))
    return found


def _check(models: Sequence[str], bounds: SearchBounds) -> None:
    unknown = [model for model in models if model not in TUNED]
    if unknown or not models:
        raise BadInput(
            f"models that can be tuned are {', '.join(TUNED)}",
            found=", ".join(unknown) or "none",
            fix="name some of them, separated by commas",
        )
    if bounds.metric not in METRICS:
        raise BadInput(
            f"the metric is one of {', '.join(METRICS)}",
            found=bounds.metric,
            fix="name one of them",
        )


def _tune_one(
    folds: Folds,
    model: str,
    start: Section,
    bounds: SearchBounds,
    *,
    has_days: bool,
    on_trial: Callable[[str, int, float], object],
) -> Tuned:
    rng, space = np.random.default_rng(bounds.seed), space_of(model, has_days=has_days)
    began, values, tried = monotonic(), list[float](), list[Section]()
    n_wanted = bounds.trials if space else 1
    while len(tried) < n_wanted and (not tried or monotonic() - began < bounds.seconds):
        drawn = draw(space, rng) if tried else {}
        tried.append(type(start).model_validate(start.model_dump() | drawn))
        values.append(float(_scores(folds.validation, model, tried[-1], bounds.metric).mean()))
        on_trial(model, len(tried) - 1, values[-1])
    best = tried[int(np.argmax(values))]
    at_start = _scores(folds.test, model, start, bounds.metric)
    at_best = at_start if best == start else _scores(folds.test, model, best, bounds.metric)
    gain, p_value = _compare(at_best, at_start, bounds.seed)
    return Tuned(
        model,
        start.model_dump(),
        best.model_dump(),
        len(tried),
        n_wanted,
        (values[0], max(values)),
        (float(at_start.mean()), float(at_best.mean())),
        gain,
        p_value,
        len(at_best),
    )


def _scores(fold: Fold, model: str, params: Section, metric: str) -> Values:
    """Return the metric of each customer of the fold."""
    data = TrainingData(histories=_always(fold.fit))
    fitted: Recommender = entry_of(model).fit(data, params)
    listing = fitted if fold.lists_known else ExcludeBought(fitted)
    lists = recommend_in_batches(listing, fold.known, _LIST_LENGTH).articles
    return score_customers(lists, fold.held_out)[metric].to_numpy(np.float64)


def _always(histories: Histories) -> Callable[[], Histories]:
    return lambda: histories


def _compare(best: Values, start: Values, seed: int) -> tuple[tuple[float, float, float], float]:
    differences, rng = (best - start)[:, None], np.random.default_rng(seed)
    if not differences.any():
        return (0.0, 0.0, 0.0), 1.0
    draws = bootstrap_means(differences, n_samples=_SAMPLES, rng=rng)
    low, high = interval(draws, least=-1.0, most=1.0)
    p_value = sign_flip_p(differences, n_flips=_FLIPS, rng=rng)
    gain = float(differences.mean()), float(low[0]), float(high[0])
    return gain, float(p_value[0])
