"""Input and output of a model that runs in a process of its own: one folder of arrays and json.

Every model, ours included, is fitted in a fresh process and timed in the same way: wall and CPU
seconds of whole epochs, without reading data, validation and the first epoch (warm-up).
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import sparse

from benchmarks.ranking_measures import Lists, evenly_spread, measure

LIST_LENGTH: Final = 20
_VALIDATED: Final = 5000
_REST: Final = "task.json"


@dataclass(frozen=True)
class Task:
    """The input of a peer; all matrices are CSR of ones over the same articles.

    Attributes:
        train: purchases of the customers to fit on.
        validation: what other purchases the customers of `validation_known` made, to choose on.
        settings: numbers shared by all peers, and those of each peer under its name.
        known: purchases of the customers to list for, who need not be in `train`; None: `train`.
        validation_known: purchases that the validation is predicted from; None: `train`.
        before_validation: what a network is trained on until it stops, to train as long on `train`
            afterwards; None: `train` itself, without a second training.
        list_length: articles in a list.
        chosen_at: k of the ndcg@k that networks stop on.
    """

    train: sparse.csr_matrix
    validation: sparse.csr_matrix
    settings: dict[str, Any]
    known: sparse.csr_matrix | None = None
    validation_known: sparse.csr_matrix | None = None
    before_validation: sparse.csr_matrix | None = None
    list_length: int = LIST_LENGTH
    chosen_at: int = LIST_LENGTH

    def save(self, folder: Path) -> None:
        """Write the task to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        rest = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, sparse.csr_matrix):
                sparse.save_npz(folder / f"{each.name}.npz", value)
            else:
                rest[each.name] = value
        (folder / _REST).write_text(json.dumps(rest), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Task":
        """Return the task saved in a folder."""
        rest = json.loads((folder / _REST).read_text(encoding="utf-8"))
        matrices = {
            path.stem: sparse.csr_matrix(sparse.load_npz(path))
            for path in sorted(folder.glob("*.npz"))
        }
        return cls(**{**rest, **matrices})

    def numbers_of(self, name: str) -> dict[str, Any]:
        """Return the numbers of a peer; none if it runs with the defaults of its library."""
        return dict(self.settings.get(name) or {})

    def listed_for(self) -> sparse.csr_matrix:
        """Return the purchases of the customers to list for."""
        return self.train if self.known is None else self.known

    def stopped_on(self) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """Return purchases and validation purchases of at most 5,000 customers, evenly spread."""
        customers = np.flatnonzero(np.diff(self.validation.indptr))
        rows = customers[evenly_spread(len(customers), _VALIDATED)]
        known = self.train if self.validation_known is None else self.validation_known
        return sparse.csr_matrix(known[rows]), sparse.csr_matrix(self.validation[rows])


@dataclass
class Timing:
    """The time that a model used, in seconds.

    Attributes:
        fit_seconds: wall time from the matrix to the fitted model, without validation.
        fit_cpu_seconds: CPU time of the same, over all threads.
        epoch_seconds: wall time of each epoch, for models that have epochs.
        epoch_cpu_seconds: CPU time of each epoch.
        validation_cpu_seconds: CPU time of the validation that stopped a network.
        list_seconds: wall time of the lists of all customers.
        versions: of the libraries.
    """

    fit_seconds: float = 0.0
    fit_cpu_seconds: float = 0.0
    epoch_seconds: list[float] = field(default_factory=list)
    epoch_cpu_seconds: list[float] = field(default_factory=list)
    validation_cpu_seconds: float = 0.0
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

    def spent_validating(self) -> None:
        """Count the last interval as validation, which is no fitting."""
        self.timing.validation_cpu_seconds += self.restart()[1]

    def write(self, lists: Callable[[], Lists], folder: Path) -> None:
        """Time the lists and write everything to the folder."""
        self.restart()
        articles = lists()
        self.timing.list_seconds, _ = self.restart()
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "lists.npy", articles)
        (folder / "timing.json").write_text(json.dumps(asdict(self.timing)), encoding="utf-8")


def kind_of(name: str) -> str:
    """Return the model in a peer's name, which begins with its library.

    >>> kind_of("implicit-als"), kind_of("rectools ease tuned")
    ('als', 'ease')
    """
    return name.replace("-", " ").split()[1]


def validation_ndcg(task: Task, lists: Callable[[sparse.csr_matrix], Lists]) -> float:
    """Return the ndcg that networks stop on.

    Args:
        task: gives the customers and their validation purchases.
        lists: returns the lists of customers with the given purchases.
    """
    known, wanted = task.stopped_on()
    k = task.chosen_at
    return float(measure(lists(known), wanted, k)[f"ndcg@{k}"].mean())
