"""RecTools' models on the task, in RecTools' environment: its dataset and its `recommend`.

Those that need no order of purchases, which the splits do not have, so not its SASRec and BERT4Rec.
EASE and neighbours also list for customers who were not in training, by a dataset in which they
follow the customers of training; PureSVD has vectors for the customers of training alone.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from implicit.nearest_neighbours import CosineRecommender, TFIDFRecommender
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset, IdMap, Interactions  # type: ignore[import-not-found]
from rectools.models import (  # type: ignore[import-not-found]
    EASEModel,
    ImplicitItemKNNWrapperModel,
    PureSVDModel,
)
from scipy import sparse

from benchmarks.peers.exchange import Output, Task, kind_of
from benchmarks.ranking_measures import Lists

_NEIGHBOURS: Final = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender}
_OTHERS: Final = {"ease": EASEModel, "svd": PureSVDModel}


def main(folder: Path, name: str) -> None:
    """Fit the named model on the task of the folder and write lists and timing below it."""
    task, kind = Task.load(folder), kind_of(name)
    model = _model(kind, task.numbers_of(name))
    bought = np.flatnonzero(np.bincount(task.train.indices, minlength=task.train.shape[1]))
    train = sparse.csr_matrix(task.train[:, bought])
    known = sparse.csr_matrix(task.listed_for()[:, bought])
    if kind == "svd" and task.known is not None:
        raise ValueError("RecTools' PureSVD lists for no customers but those it was fitted on")
    output = Output(rectools=version("rectools"))
    model.fit(_dataset(train))
    output.spent_fitting()
    output.write(lambda: _lists(model, train, known, bought, task), folder / name)


def _model(kind: str, numbers: dict[str, Any]) -> Any:
    if kind in _NEIGHBOURS:
        return ImplicitItemKNNWrapperModel(_NEIGHBOURS[kind](**numbers))
    if kind not in _OTHERS:
        raise ValueError(f"{kind} is no model of RecTools ({', '.join(_OTHERS | _NEIGHBOURS)})")
    return _OTHERS[kind](**numbers)


def _dataset(bought: sparse.csr_matrix) -> Any:
    entries = bought.tocoo()
    table = pd.DataFrame(
        {
            Columns.User: entries.row,
            Columns.Item: entries.col,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp(0),
        }
    )
    keys = (IdMap.from_values(np.arange(size)) for size in bought.shape)
    return Dataset(*keys, Interactions(table))


def _lists(
    model: Any,
    train: sparse.csr_matrix,
    known: sparse.csr_matrix,
    bought: npt.NDArray[np.int64],
    task: Task,
) -> Lists:
    """Return the lists of the customers of `known`, as columns of the task."""
    n_before = 0 if task.known is None else train.shape[0]
    dataset = _dataset(train if n_before == 0 else sparse.csr_matrix(sparse.vstack([train, known])))
    customers = np.flatnonzero(np.diff(known.indptr)) + n_before
    table = model.recommend(customers, dataset, k=task.list_length, filter_viewed=True)
    lists = np.full((known.shape[0], task.list_length), -1, np.int32)
    rows = table[Columns.User].to_numpy() - n_before
    lists[rows, table[Columns.Rank].to_numpy() - 1] = bought[table[Columns.Item].to_numpy()]
    return lists


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
