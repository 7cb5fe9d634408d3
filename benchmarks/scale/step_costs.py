"""The cost of every step, stored in files, so that an interrupted benchmark can resume."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.process import measure_process
from benchmarks.record import commit
from benchmarks.scale.scale_project import BenchmarkShop

OUT_OF_MEMORY = 3
"""Exit status of a peer that reached its memory limit."""

_STOPPED = (OUT_OF_MEMORY, -signal.SIGKILL, -signal.SIGABRT)  # the last: C++ without memory
_ONE_CORE = ("one_query", "served_query", "numpy_answer")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class StepCost:
    """The cost of one step at one size, its commit, and the numbers that it reported itself."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    status: int
    commit: str
    reported: dict[str, float]

    @property
    def whole_cpu_seconds(self) -> float:
        """Return CPU seconds for all customers, extrapolated where a step did a part."""
        return self.reported.get("whole cpu seconds", self.cpu_seconds)

    @property
    def whole_seconds(self) -> float:
        """Return seconds for all customers, extrapolated where a step did a part."""
        return self.reported.get("whole seconds", self.seconds)


def stored_cost(shop: BenchmarkShop, name: str) -> StepCost | None:
    """Return the stored cost of a step, or None if it has not run yet."""
    path = _path(shop, name)
    return StepCost(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def forget(shop: BenchmarkShop, name: str) -> None:
    """Delete the stored cost of a step."""
    _path(shop, name).unlink(missing_ok=True)


def run_step(
    shop: BenchmarkShop, name: str, command: Sequence[str], *, max_seconds: float | None = None
) -> StepCost:
    """Run a step in the shop's folder; store its cost if it succeeded or reached its limit."""
    report = report_path(shop, name)
    report.unlink(missing_ok=True)
    usage = measure_process(command, cwd=shop.root, env=_environment(name), max_seconds=max_seconds)
    reported = json.loads(report.read_text("utf-8")) if report.exists() else {}
    cost = StepCost(*usage, commit(), reported)
    if cost.status == 0 or (max_seconds is not None and cost.status in _STOPPED):
        _path(shop, name).parent.mkdir(exist_ok=True)
        _path(shop, name).write_text(json.dumps(asdict(cost)), encoding="utf-8")
    return cost


def report_path(shop: BenchmarkShop, name: str) -> Path:
    """Return the file for the numbers that a step reports itself."""
    return shop.root / "reported" / f"{name}.json"


def module_command(module: str, shop: BenchmarkShop, name: str) -> list[str]:
    """Return the command of a step that is not a stage."""
    return [sys.executable, "-m", module, name, str(shop.root), str(shop.percent)]


def _path(shop: BenchmarkShop, name: str) -> Path:
    return shop.root / "costs" / f"{name}.json"


def _environment(name: str) -> dict[str, str]:
    """Return the environment of a step: the repository importable, one core for some steps."""
    root = str(Path(__file__).parents[2])
    threads = dict.fromkeys(_THREADS, "1") if name in _ONE_CORE else {}
    return {**os.environ, "PYTHONPATH": root, "DVC_NO_ANALYTICS": "1", **threads}
