"""Hemline's models on the task, each in a process of its own like every peer."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.peers.exchange import LIST_LENGTH, Answer, Task
from benchmarks.ranking_measures import Lists, measure
from benchmarks.static_models import Numbers, fit_model
from hemline.data.histories import Histories
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender

_SHARED: Final = ("hidden", "latent", "batch_size", "max_epochs", "patience", "seed")


def main(folder: Path, name: str) -> None:
    """Fit the named model on the task of the folder and write lists and timing below it."""
    task = Task.load(folder)
    histories = Histories.from_interactions(task.train)
    answer = Answer(torch=version("torch"), numpy=version("numpy"))
    if name == "cvae":
        model = _fit_cvae(task, histories, answer)
    else:
        model = fit_model(name, task.settings[name], histories, validate=_nobody, n_conditions=0)
        answer.spent_fitting()
    answer.write(lambda: _listed(model, histories), folder / f"hemline-{name}")


def _fit_cvae(task: Task, histories: Histories, answer: Answer) -> Recommender:
    """Fit with the width, batch and patience of all networks; only training is timed."""
    shared = {key: task.settings[key] for key in _SHARED}
    numbers: Numbers = {**task.settings["cvae"], **shared}
    asked = task.validated()

    def validate(model: Recommender) -> float:
        answer.spent_on_epoch()
        lists = _listed(model, histories.rows(asked))
        values = measure(lists, task.validation[asked], LIST_LENGTH)
        answer.restart()
        return float(values[f"ndcg@{LIST_LENGTH}"].mean())

    return fit_model("cvae", numbers, histories, validate=validate, n_conditions=0)


def _listed(model: Recommender, histories: Histories) -> Lists:
    return ExcludeBought(model).recommend(histories, LIST_LENGTH).articles


def _nobody(model: Recommender) -> float:
    raise AssertionError(f"{model.name} looked at validation")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
