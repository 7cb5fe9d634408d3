"""Hemline's models on the task, each in a process of its own like the other peers."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from scipy import sparse

from benchmarks.peers.exchange import Output, Task, validation_ndcg
from benchmarks.ranking_measures import Lists
from benchmarks.static_models import Numbers, fit_model
from hemline.data.histories import Histories
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender

_SHARED: Final = ("hidden", "latent", "batch_size", "max_epochs", "patience", "seed")


def main(folder: Path, name: str) -> None:
    """Fit the named model on the task of the folder and write lists and timing below it."""
    task = Task.load(folder)
    histories = Histories.from_interactions(task.train)
    output = Output(torch=version("torch"), numpy=version("numpy"))
    if name == "cvae":
        model = _fit_cvae(task, histories, output)
    else:
        model = fit_model(name, task.numbers_of(name), histories, validate=_refuse, n_conditions=0)
        output.spent_fitting()
    output.write(lambda: _lists(model, task.listed_for(), task), folder / f"hemline-{name}")


def _fit_cvae(task: Task, histories: Histories, output: Output) -> Recommender:
    """Fit with the width, batch and patience of all networks; only training is timed.

    Networks are compared with a network: there is no walk beside ours.
    """
    shared = {key: task.settings[key] for key in _SHARED}
    numbers: Numbers = {**task.numbers_of("cvae"), **shared, "walk_weight": 0.0}

    def validate(model: Recommender) -> float:
        output.spent_on_epoch()
        ndcg = validation_ndcg(task, lambda known: _lists(model, known, task))
        output.spent_validating()
        return ndcg

    return fit_model("cvae", numbers, histories, validate=validate, n_conditions=0)


def _lists(model: Recommender, known: sparse.csr_matrix, task: Task) -> Lists:
    histories = Histories.from_interactions(known)
    return ExcludeBought(model).recommend(histories, task.list_length).articles


def _refuse(model: Recommender) -> float:
    raise AssertionError(f"{model.name} used the validation part")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
