"""How a benchmark and a model in a process of its own talk: one folder of arrays and json.

Every model is fitted in a fresh process and timed by the same stopwatch, ours included: wall and
CPU seconds of whole epochs, without reading data, validation or the first epoch (warm-up).
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

from benchmarks.ranking_measures import Lists, lists_from_scores, measure

LIST_LENGTH: Final = 20
_VALIDATED: Final = 5000


@dataclass(frozen=True)
class Task:
    """What a peer is given.

    Attributes:
        train: CSR of shape (customers, articles), ones; the history of every customer.
        validation: of the same shape; what may be looked at to choose.
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

    def validated(self) -> npt.NDArray[np.int64]:
        """Return the customers a network is stopped on: at most 5,000, evenly spread."""
        asked = np.flatnonzero(np.diff(self.validation.indptr))
        n_looked_at = min(len(asked), _VALIDATED)
        return asked[np.linspace(0, len(asked) - 1, n_looked_at).astype(np.int64)]


@dataclass
class Timing:
    """Seconds a model took.

    Attributes:
        fit_seconds: wall time of everything from the matrix to the fitted model, validation left
            out.
        fit_cpu_seconds: CPU time of the same, over all threads.
        epoch_seconds: wall time of each epoch, for models that have epochs.
        epoch_cpu_seconds: CPU time of each epoch.
        list_seconds: wall time of the lists of all customers.
        versions: of the libraries that did the work.
    """

    fit_seconds: float = 0.0
    fit_cpu_seconds: float = 0.0
    epoch_seconds: list[float] = field(default_factory=list)
    epoch_cpu_seconds: list[float] = field(default_factory=list)
    list_seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)


class Stopwatch:
    """Wall and CPU seconds since it was last asked."""

    def __init__(self) -> None:
        self.lap()

    def lap(self) -> tuple[float, float]:
        """Return the wall and CPU seconds since the last lap, and start the next."""
        now = time.perf_counter(), time.process_time()
        before = getattr(self, "_before", now)
        self._before = now
        return now[0] - before[0], now[1] - before[1]


class Answer:
    """A peer's lists and timing in the making; `write` hands them over."""

    def __init__(self, **versions: str) -> None:
        self.timing = Timing(versions=versions)
        self._stopwatch = Stopwatch()

    def restart(self) -> None:
        """Forget the seconds since the last call: they were spent on something else."""
        self._stopwatch.lap()

    def spent_fitting(self) -> None:
        """Count the seconds since the last call as fitting."""
        wall, cpu = self._stopwatch.lap()
        self.timing.fit_seconds += wall
        self.timing.fit_cpu_seconds += cpu

    def spent_on_epoch(self) -> None:
        """Count the seconds since the last call as one epoch of fitting."""
        wall, cpu = self._stopwatch.lap()
        self.timing.fit_seconds += wall
        self.timing.fit_cpu_seconds += cpu
        self.timing.epoch_seconds.append(wall)
        self.timing.epoch_cpu_seconds.append(cpu)

    def write(self, lists: Callable[[], Lists], folder: Path) -> None:
        """Time the lists and write everything to the folder."""
        self._stopwatch.lap()
        articles = lists()
        self.timing.list_seconds = self._stopwatch.lap()[0]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "lists.npy", articles)
        (folder / "timing.json").write_text(json.dumps(asdict(self.timing)), encoding="utf-8")


def validation_ndcg(
    task: Task, score: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32]]
) -> float:
    """Return ndcg@20 on the customers a network is stopped on.

    Args:
        task: gives the customers, what they know and what they should get.
        score: dense scores of shape (rows, articles) for rows of `task.train`.
    """
    asked = task.validated()
    lists = lists_from_scores(lambda rows: score(asked[rows]), task.train[asked], LIST_LENGTH)
    values = measure(lists, task.validation[asked], LIST_LENGTH)
    return float(values[f"ndcg@{LIST_LENGTH}"].mean())
