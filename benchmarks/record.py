"""One form for every benchmark's numbers: rows, when, from which commit, on what machine.

A result without its commit and machine cannot be argued with, so both are written beside the rows;
names of hosts and folders are not. A commit with uncommitted changes says so.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.ranking_measures import Values, mean_and_stderr

RESULTS: Final = Path(__file__).parent / "results"
_LIBRARIES: Final = ("numpy", "scipy", "torch", "lightgbm", "implicit")


class Row(NamedTuple):
    """One number; `stderr` is None where it has none (a time, a published row without it)."""

    case: str
    model: str
    metric: str
    value: float
    stderr: float | None


def rows_of(case: str, model: str, values: dict[str, Values]) -> list[Row]:
    """Return a row per metric from per-customer values."""
    return [
        Row(case, model, metric, *mean_and_stderr(each)) for metric, each in sorted(values.items())
    ]


def write_results(
    name: str, rows: Sequence[Row], *, notes: Sequence[str], folder: Path = RESULTS
) -> Path:
    """Write folder/name.json and return its path."""
    content = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "notes": list(notes),
        "rows": [_rounded(row) for row in rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_results(path: Path) -> list[Row]:
    """Return the rows that `write_results` wrote."""
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def show(rows: Iterable[Row], *, notes: Sequence[str]) -> None:
    """Print a table per case: a line per model, a column per metric."""
    console = Console()
    for case, of_case in _grouped(rows).items():
        console.print(_as_table(case, of_case))
    for note in notes:
        console.print(note, style="dim")


def as_markdown(rows: Iterable[Row], metrics: Sequence[str]) -> str:
    """Return a Markdown table per case that has any of the metrics, best first by the first."""
    blocks = []
    for case, of_case in _grouped(rows).items():
        cells = {(row.model, row.metric): row for row in of_case}
        kept = [metric for metric in metrics if any(row.metric == metric for row in of_case)]
        if not kept:
            continue
        models = list(dict.fromkeys(row.model for row in of_case if row.metric in kept))
        models.sort(key=lambda model: -_value(cells.get((model, kept[0]))))
        lines = [f"| {case} | {' | '.join(kept)} |", "|---" * (1 + len(kept)) + "|"]
        lines += [
            f"| {model} | {' | '.join(_cell(cells.get((model, metric))) for metric in kept)} |"
            for model in models
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def commit() -> str:
    """Return the commit of this tree, with `-dirty` when anything but results differs from it."""
    here = Path(__file__).parent.parent
    head = _git(here, "rev-parse", "--short=12", "HEAD")
    changes = _git(here, "status", "--porcelain", "--", ".", ":!benchmarks/results")
    return f"{head}-dirty" if changes else head


def machine() -> dict[str, str | int | float]:
    """Return what a time depends on: processor, cores, memory, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        **{library: version(library) for library in _LIBRARIES},
    }


def _cpu() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    return cases


def _as_table(case: str, rows: list[Row]) -> Table:
    metrics = list(dict.fromkeys(row.metric for row in rows))
    cells = {(row.model, row.metric): row for row in rows}
    table = Table(title=case, title_justify="left")
    table.add_column("model")
    for metric in metrics:
        table.add_column(metric, justify="right")
    for model in dict.fromkeys(row.model for row in rows):
        table.add_row(model, *(_cell(cells.get((model, metric))) for metric in metrics))
    return table


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    value = f"{row.value:.4f}" if abs(row.value) < 10 else f"{row.value:,.1f}"  # noqa: PLR2004  (scores have four digits, seconds one)
    return value if row.stderr is None else f"{value} ({row.stderr:.4f})"


def _value(row: Row | None) -> float:
    return float("-inf") if row is None else row.value


def _rounded(row: Row) -> dict[str, str | float | None]:
    stderr = None if row.stderr is None else round(row.stderr, 6)
    return {**row._asdict(), "value": round(row.value, 6), "stderr": stderr}
