"""What every step took, kept as files, so that an interrupted benchmark goes on where it was."""

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

OUT_OF_ROOM = 3
"""What a peer exits with that reached its limit of memory."""

_STOPPED = (OUT_OF_ROOM, -signal.SIGKILL, -signal.SIGABRT)  # the last: C++ without memory
_ONE_CORE = ("one_answer", "served_answer", "numpy_answer")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Measured:
    """What one step took at one size, by which commit, and what it told of itself."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    status: int
    commit: str
    told: dict[str, float]

    @property
    def whole_cpu_seconds(self) -> float:
        """Return CPU seconds for everybody, scaled up where a step did a part."""
        return self.told.get("whole cpu seconds", self.cpu_seconds)

    @property
    def whole_seconds(self) -> float:
        """Return seconds for everybody, scaled up where a step did a part."""
        return self.told.get("whole seconds", self.seconds)


def measured(shop: BenchmarkShop, name: str) -> Measured | None:
    """Return what a step took, or None if it has not run yet."""
    path = _path(shop, name)
    return Measured(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def forget(shop: BenchmarkShop, name: str) -> None:
    """Let a step be measured again."""
    _path(shop, name).unlink(missing_ok=True)


def run_step(
    shop: BenchmarkShop, name: str, command: Sequence[str], *, most_seconds: float | None = None
) -> Measured:
    """Run a step in the shop's folder and keep what it took if it ended well or at its limit."""
    told = shop.root / "told" / f"{name}.json"
    told.unlink(missing_ok=True)
    taken = measure_process(
        command, cwd=shop.root, env=_environment(name), most_seconds=most_seconds
    )
    numbers = json.loads(told.read_text("utf-8")) if told.exists() else {}
    result = Measured(*taken, commit(), numbers)
    if taken.status == 0 or (most_seconds is not None and taken.status in _STOPPED):
        _path(shop, name).parent.mkdir(exist_ok=True)
        _path(shop, name).write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result


def module_command(module: str, shop: BenchmarkShop, name: str) -> list[str]:
    """Return the command of a step that is not a stage."""
    return [sys.executable, "-m", module, name, str(shop.root), str(shop.percent)]


def _path(shop: BenchmarkShop, name: str) -> Path:
    return shop.root / "taken" / f"{name}.json"


def _environment(name: str) -> dict[str, str]:
    """Return our environment, the repository on the path, held to one core where that is asked."""
    root = str(Path(__file__).parents[2])
    threads = dict.fromkeys(_THREADS, "1") if name in _ONE_CORE else {}
    return {**os.environ, "PYTHONPATH": root, "DVC_NO_ANALYTICS": "1", **threads}
