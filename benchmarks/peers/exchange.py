"""Input and output of a model that runs in a process of its own: one folder of arrays and json.

Every model, ours included, is fitted in a fresh process and timed in the same way: wall and CPU
seconds of whole epochs, without reading data, validation and the first epoch (warm-up).
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from benchmarks.ranking_measures import Lists, evenly_spread, measure

LIST_LENGTH: Final = 20
_VALIDATED: Final = 5000


@dataclass(frozen=True)
class Task:
    """The input of a peer.

    Attributes:
        train: CSR of shape (customers, articles), ones; the history of every customer.
        validation: of the same shape; purchases to choose on.
        settings: numbers shared by all peers, see settings.yaml.
    """

    train: sparse.csr_matrix
    validation: sparse.csr_matrix
    settings: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write the task to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        sparse.save_npz(folder / "train.npz", self.train)
        sparse.save_npz(folder / "validation.npz", self.validation)
        (folder / "settings.json").write_text(json.dumps(self.settings), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Task":
        """Return the task saved in a folder."""
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        train = sparse.csr_matrix(sparse.load_npz(folder / "train.npz"))
        return cls(train, sparse.csr_matrix(sparse.load_npz(folder / "validation.npz")), settings)

    def validation_customers(self) -> npt.NDArray[np.int64]:
        """Return the customers a network is stopped on: at most 5,000, evenly spread."""
        customers = np.flatnonzero(np.diff(self.validation.indptr))
        return customers[evenly_spread(len(customers), _VALIDATED)]


@dataclass
class Timing:
    """The time that a model used, in seconds.

    Attributes:
        fit_seconds: wall time from the matrix to the fitted model, without validation.
        fit_cpu_seconds: CPU time of the same, over all threads.
        epoch_seconds: wall time of each epoch, for models that have epochs.
        epoch_cpu_seconds: CPU time of each epoch.
        list_seconds: wall time of the lists of all customers.
        versions: of the libraries.
    """

    fit_seconds: float = 0.0
    fit_cpu_seconds: float = 0.0
    epoch_seconds: list[float] = field(default_factory=list)
    epoch_cpu_seconds: list[float] = field(default_factory=list)
    list_seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)


class Output:
    """The lists and the timing of a peer, to be written to its folder."""

    def __init__(self, **versions: str) -> None:
        self.timing = Timing(versions=versions)
        self._start = (time.perf_counter(), time.process_time())

    def restart(self) -> tuple[float, float]:
        """Start a new interval, and return the wall and CPU seconds of the last one."""
        start, self._start = self._start, (time.perf_counter(), time.process_time())
        return self._start[0] - start[0], self._start[1] - start[1]

    def spent_fitting(self) -> tuple[float, float]:
        """Count the last interval as fitting, and return its wall and CPU seconds."""
        wall, cpu = self.restart()
        self.timing.fit_seconds += wall
        self.timing.fit_cpu_seconds += cpu
        return wall, cpu

    def spent_on_epoch(self) -> None:
        """Count the last interval as one epoch of fitting."""
        wall, cpu = self.spent_fitting()
        self.timing.epoch_seconds.append(wall)
        self.timing.epoch_cpu_seconds.append(cpu)

    def write(self, lists: Callable[[], Lists], folder: Path) -> None:
        """Time the lists and write everything to the folder."""
        self.restart()
        articles = lists()
        self.timing.list_seconds, _ = self.restart()
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "lists.npy", articles)
        (folder / "timing.json").write_text(json.dumps(asdict(self.timing)), encoding="utf-8")


def validation_ndcg(task: Task, lists: Callable[[npt.NDArray[np.int64]], Lists]) -> float:
    """Return ndcg@20 on the validation customers.

    Args:
        task: gives the customers and their validation articles.
        lists: returns the lists of the given rows of `task.train`.
    """
    rows = task.validation_customers()
    values = measure(lists(rows), task.validation[rows], LIST_LENGTH)
    return float(values[f"ndcg@{LIST_LENGTH}"].mean())
