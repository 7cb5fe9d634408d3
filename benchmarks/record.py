"""The results of every benchmark: rows, with the date, commit and machine of the measurement.

A result can only be checked if its commit and machine are known, so both are stored with the rows;
names of hosts and folders are not. A commit with uncommitted changes is marked `-dirty`.
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

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.ranking_measures import Values, mean_and_stderr

RESULTS: Final = Path(__file__).parent / "results"
_LIBRARIES: Final = ("numpy", "scipy", "torch", "lightgbm", "implicit")


class Row(NamedTuple):
    """One number; `stderr` is None where there is none (times, some published rows)."""

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


def publish(name: str | None, rows: Sequence[Row], *, notes: Sequence[str]) -> None:
    """Print the tables and notes, and write them as results under a name; not without one."""
    every_metric = list(dict.fromkeys(row.metric for row in rows))
    lines = "\n".join(f"- {note}" for note in notes)
    Console().print(Markdown(as_markdown(rows, every_metric) + lines))
    if name is not None:
        typer.echo(f"written to {write_results(name, rows, notes=notes)}")


def as_markdown(rows: Iterable[Row], metrics: Sequence[str]) -> str:
    """Return a Markdown table per case with a line per model, the first metric descending.

    Cases without any of the metrics have no table.
    """
    cases: dict[str, list[Row]] = {}
    for row in rows:
        if row.metric in metrics:
            cases.setdefault(row.case, []).append(row)
    return "\n\n".join(_table(case, of_case, metrics) for case, of_case in cases.items()) + "\n"


def _table(case: str, rows: Sequence[Row], metrics: Sequence[str]) -> str:
    cells = {(row.model, row.metric): row for row in rows}
    shown = [metric for metric in metrics if any(row.metric == metric for row in rows)]
    models = list(dict.fromkeys(row.model for row in rows))
    models.sort(key=lambda model: -_value(cells.get((model, shown[0]))))
    lines = [f"| {case} | {' | '.join(shown)} |", "|---" * (1 + len(shown)) + "|"]
    for model in models:
        values = " | ".join(_cell(cells.get((model, metric))) for metric in shown)
        lines.append(f"| {model} | {values} |")
    return "\n".join(lines)


def commit() -> str:
    """Return the commit of this tree, with `-dirty` if any file but the results differs from it."""
    here = Path(__file__).parent.parent
    head = _git(here, "rev-parse", "--short=12", "HEAD")
    changes = _git(here, "status", "--porcelain", "--", ".", ":!benchmarks/results")
    return f"{head}-dirty" if changes else head


def machine() -> dict[str, str | int | float]:
    """Return what times depend on: processor, cores, memory, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        **{library: version(library) for library in _LIBRARIES},
    }


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    value = f"{row.value:.4f}" if abs(row.value) < 10 else f"{row.value:,.1f}"  # noqa: PLR2004  (scores have four digits, seconds one)
    # Also of earlier records: values that are all alike show no error.
    return f"{value} ({row.stderr:.4f})" if row.stderr else value


def _value(row: Row | None) -> float:
    return float("-inf") if row is None else row.value


def _rounded(row: Row) -> dict[str, str | float | None]:
    stderr = None if row.stderr is None else round(row.stderr, 6)
    return {**row._asdict(), "value": round(row.value, 6), "stderr": stderr}
