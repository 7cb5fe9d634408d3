"""implicit's ALS, BPR and cosine neighbours on the task, by implicit's own interface."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import CosineRecommender
from threadpoolctl import threadpool_limits

from benchmarks.peers.exchange import LIST_LENGTH, Output, Task


def main(folder: Path, name: str) -> None:
    """Fit als, bpr or cosine on the task of the folder and write lists and timing below it."""
    task = Task.load(folder)
    model = _model(name, task.settings)
    output = Output(implicit=version("implicit"))
    with threadpool_limits(1, "blas"):
        model.fit(task.train, show_progress=False)
        output.spent_fitting()
        customers = np.arange(task.train.shape[0])
        output.write(
            lambda: model.recommend(customers, task.train, N=LIST_LENGTH)[0].astype(np.int32),
            folder / f"implicit-{name}",
        )


def _model(name: str, settings: dict[str, Any]) -> Any:
    numbers, seed = settings[f"implicit-{name}"], settings["seed"]
    if name == "als":
        return AlternatingLeastSquares(**numbers, random_state=seed)
    if name == "bpr":
        return BayesianPersonalizedRanking(**numbers, random_state=seed)
    return CosineRecommender(**numbers)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
