"""A week of the full-size shop: how long its monitoring takes and how much memory.

Every step is a process of its own, so that its time and its peak memory include its imports and
nothing else; flows/monitor does the weekly steps in one process. The tables are made once and
stored (0.3 GB), the summaries are made every time. The lists for the week's buyers depend on the
model and are not measured.
"""

import sys
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.monitoring.full_scale_steps import LAST_END, STEPS
from benchmarks.monitoring.plan import WEEK
from benchmarks.process import measure_process
from benchmarks.record import Row
from hemline.errors import BadInput

_ALL: Final = "weekly: all of it"


def measure_full_scale(folder: Path, params: Path) -> tuple[list[Row], list[str]]:
    """Return rows of seconds, CPU seconds and peak memory per step, and notes.

    Args:
        folder: of the full-size tables, made where they are missing, and of all that is written.
        params: params.yaml.
    """
    first, *others = STEPS
    steps = others if (folder / "tables").exists() else [first, *others]
    measured = {step: _measure(step, folder, params) for step in steps}
    weekly = [numbers for step, numbers in measured.items() if step.startswith("weekly")]
    measured[_ALL] = {
        "seconds": sum(numbers["seconds"] for numbers in weekly),
        "cpu seconds": sum(numbers["cpu seconds"] for numbers in weekly),
        "peak GB": max(numbers["peak GB"] for numbers in weekly),
    }
    rows = [
        Row("full size", step, metric, value, None)
        for step, numbers in measured.items()
        for metric, value in numbers.items()
    ]
    return rows, [
        f"Generated shop of the full size: {_size(folder / 'tables')}.",
        "Wall and CPU seconds with imports; peak memory of the process. No lists are scored.",
    ]


def _size(tables: Path) -> str:
    paths = {name: tables / f"{name}.parquet" for name in ("customers", "articles", "transactions")}
    rows = [f"{pq.read_metadata(path).num_rows:,} {name}" for name, path in paths.items()]
    days = [("t_dat", ">=", LAST_END - WEEK), ("t_dat", "<", LAST_END)]
    week = pq.read_table(paths["transactions"], columns=["t_dat"], filters=days)
    return f"{', '.join(rows)}, {week.num_rows:,} of them in the week"


def _measure(step: str, folder: Path, params: Path) -> dict[str, float]:
    """Run a step in a process of its own and return what it needs."""
    module = "benchmarks.monitoring.full_scale_steps"
    measured = measure_process([sys.executable, "-m", module, step, str(folder), str(params)])
    if measured.status:
        raise BadInput(
            f"the step '{step}' ends well",
            found=f"exit {measured.status}",
            fix="read its output above",
        )
    return {
        "seconds": measured.seconds,
        "cpu seconds": measured.cpu_seconds,
        "peak GB": measured.peak_gb,
    }
