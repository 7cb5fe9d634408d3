"""SANSA on the task, in an environment of its own: it needs SuiteSparse's headers to be built."""

import logging
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sansa import (  # type: ignore[import-not-found]
    SANSA,
    ICFGramianFactorizerConfig,
    SANSAConfig,
    UMRUnitLowerTriangleInverterConfig,
)

from benchmarks.peers.exchange import Output, Task
from benchmarks.ranking_measures import Lists


def main(folder: Path, name: str) -> None:
    """Fit on the task of the folder and write lists and timing below it."""
    task = Task.load(folder)
    logging.disable(logging.INFO)
    numbers = task.numbers_of(name)
    config = SANSAConfig(
        l2=numbers["l2"],
        weight_matrix_density=numbers["density"],
        gramian_factorizer_config=ICFGramianFactorizerConfig(
            factorization_shift_step=numbers["shift_step"],
            factorization_shift_multiplier=2.0,
        ),
        lower_triangle_inverter_config=UMRUnitLowerTriangleInverterConfig(
            scans=numbers["scans"], finetune_steps=numbers["finetune_steps"]
        ),
    )
    output = Output(sansa=version("sansa"))
    model = SANSA(config).fit(task.train)
    output.spent_fitting()

    def lists() -> Lists:
        articles, _ = model.recommend(task.listed_for(), k=task.list_length, mask_input=True)
        return np.asarray(articles, np.int32)

    output.write(lists, folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
