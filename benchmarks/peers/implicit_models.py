"""implicit's models on the task, by implicit's own interface.

ALS solves for the factors of customers who were not in training, and neighbours need none. BPR can
list for nobody but the customers it was fitted on.
"""

import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.utils import ParameterWarning
from threadpoolctl import threadpool_limits

from benchmarks.peers.exchange import Output, Task, kind_of
from benchmarks.ranking_measures import Lists

_MODELS: Final = {
    "als": AlternatingLeastSquares,
    "bpr": BayesianPersonalizedRanking,
    "bm25": BM25Recommender,
    "cosine": CosineRecommender,
    "tfidf": TFIDFRecommender,
}
_RANDOM: Final = ("als", "bpr")


def main(folder: Path, name: str) -> None:
    """Fit the named model on the task of the folder and write lists and timing below it."""
    task, kind = Task.load(folder), kind_of(name)
    if kind == "bpr" and task.known is not None:
        raise ValueError("implicit's BPR lists for no customers but those it was fitted on")
    model = _model(kind, task.numbers_of(name), task.settings["seed"])
    output = Output(implicit=version("implicit"))
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ParameterWarning)  # it converts its own weights
        model.fit(task.train, show_progress=False)
        output.spent_fitting()
        output.write(lambda: _lists(model, task, kind), folder / name)


def _model(kind: str, numbers: dict[str, Any], seed: int) -> Any:
    if kind not in _MODELS:
        raise ValueError(f"{kind} is no model of implicit ({', '.join(_MODELS)})")
    return _MODELS[kind](**numbers, **({"random_state": seed} if kind in _RANDOM else {}))


def _lists(model: Any, task: Task, kind: str) -> Lists:
    known = task.listed_for()
    rows = np.arange(known.shape[0])
    unseen = {"recalculate_user": True} if kind == "als" and task.known is not None else {}
    articles, _ = model.recommend(rows, known, N=task.list_length, **unseen)
    return np.asarray(articles, np.int32)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
