"""`python -m benchmarks.shop.project_costs FOLDER`: what it costs to serve a project of any size.

CPU of an answer and of its parts, the layout, start and memory of the service, the first answer on
the command line, and an export of everybody as served. The project's champion, its events and the
layouts of `.hemline/serving` stay as they are.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
import yaml

from benchmarks.process import Usage, measure_process
from benchmarks.record import Row, publish
from benchmarks.shop.answer_costs import cost_rows
from benchmarks.shop.champion_parts import opened_champion, served_parts, some_ids
from benchmarks.shop.list_parts import ListParts
from benchmarks.shop.open_load import Request, send_at_once
from benchmarks.shop.shop_process import free_port, memory_megabytes, serving
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.ranker.ranker import Ranker
from hemline.relocation import DATABASE
from hemline.serving.answers import Answers
from hemline.serving.layout import about
from hemline.serving.version_models import VersionModels
from hemline.serving.visitor_history import SessionState
from hemline.serving.visitors import Visitors
from hemline.stages.command import run

_BIN: Final = Path(sys.executable).parent
_COLD_STARTS: Final = 5
_MEGABYTE: Final = 2**20


def main(
    project: Annotated[Path, typer.Argument(help="Folder of the trained project.")],
    *,
    export: Annotated[int, typer.Option(help="Export lists of so many customers; 0: all.")] = 0,
    write: Annotated[
        bool, typer.Option(help="Write benchmarks/results/shop-full-scale.json.")
    ] = True,
) -> None:
    """Measure the champion of a project that was trained at full size."""
    settings = yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text("utf-8"))
    root, rng = project.absolute(), np.random.default_rng(settings["seed"])
    customer_ids, _ = some_ids(root, settings["customers"], rng)
    with tempfile.TemporaryDirectory(dir=root / ".hemline") as folder:
        rows = [
            *_answer_rows(root, customer_ids),
            *_layout_rows(root, Path(folder)),
            *_service_rows(root, Path(folder), settings, customer_ids),
            *_command_rows(root, customer_ids),
            *_export_rows(root, Path(folder), export),
        ]
    publish("shop-full-scale" if write else None, rows, notes=_notes(root, settings))


def _answer_rows(root: Path, customer_ids: Sequence[str]) -> list[Row]:
    answers = opened_champion(root)
    visitors, n_articles = Visitors(answers.layout), len(answers.articles)

    def row_of(customer_id: str) -> Histories:
        history = visitors.history(visitors.find(customer_id), SessionState())
        return history.as_histories(n_articles)

    return [
        *cost_rows("CPU of an answer", served_parts(answers), customer_ids),
        *cost_rows("parts of the list", ListParts(_ranker(answers), row_of).parts(), customer_ids),
    ]


def _ranker(answers: Answers) -> Ranker:
    files = answers.layout / "models", answers.layout / "params.yaml"
    ranker = VersionModels(*files, len(answers.articles)).ranker
    if ranker is None:
        raise BadInput("the champion serves the ranker", found="none", fix="train one: make demo")
    return ranker


def _layout_rows(root: Path, folder: Path) -> Iterator[Row]:
    """Yield what a layout costs: made once for a version, then shared by all workers."""
    layouts = folder / "layouts"
    command = [sys.executable, "-m", "hemline.shop.lay_out_version", "--alias", "champion"]
    command += ["--database", str(root / ".hemline" / DATABASE), "--layouts", str(layouts)]
    used = _measured(command, root)
    size = sum(path.stat().st_size for path in layouts.rglob("*") if path.is_file())
    yield from _usage_rows("layout", "made", used)
    yield Row("layout", "made", "MB", size / _MEGABYTE, None)


def _service_rows(
    root: Path, folder: Path, settings: dict[str, Any], customer_ids: Sequence[str]
) -> list[Row]:
    """Return how fast `hemline serve` starts where the layout is made, and the workers' memory."""
    for name in ("events", "sessions"):
        os.environ[f"HEMLINE_SHOP_{name.upper()}"] = f"sqlite:{folder}/{name}.db"
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(_BIN / "hemline"), "serve", "--port", str(port)]
    command += ["--workers", str(settings["workers"])]
    begin = time.perf_counter()
    with serving(command, root, address, "/ready") as server:
        started = time.perf_counter() - begin
        requests = [Request("recommend", f"/recommendations/{one}") for one in [*customer_ids] * 4]
        answered = send_at_once(address, requests, settings["connections"])
        memory = np.mean(memory_megabytes(server), axis=0)
    failed = sum(one.status != 200 for one in answered)  # noqa: PLR2004  (HTTP's OK)
    if failed:
        raise BadInput("every request is answered", found=f"{failed} failed", fix="read the log")
    return [
        Row("service", "start until it answers", "seconds", started, None),
        Row("service", "a worker", "private MB", float(memory[0]), None),
        Row("service", "a worker", "shared MB", float(memory[1]), None),
    ]


def _command_rows(root: Path, customer_ids: Sequence[str]) -> list[Row]:
    """Return the cost of a list on the command line, in a new process for each."""
    command = [str(_BIN / "hemline"), "recommend", "--customer"]
    used = [_measured([*command, one], root) for one in customer_ids[:_COLD_STARTS]]
    cpu_seconds = float(np.median([one.cpu_seconds for one in used]))
    return [Row("commands", "hemline recommend --customer", "cpu seconds", cpu_seconds, None)]


def _export_rows(root: Path, folder: Path, export: int) -> list[Row]:
    """Return the cost of `hemline export`: of everybody, or computed from some customers."""
    n_customers, out = about(opened_champion(root).layout).n_customers, folder / "export"
    if not export:
        used = _measured([str(_BIN / "hemline"), "export", "--folder", str(out)], root)
        return list(_usage_rows("commands", "hemline export", used))
    command = [sys.executable, "-m", "benchmarks.shop.some_lists"]
    command += [str(root), str(export), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took = json.loads(done.stdout.splitlines()[-1])
    seconds, cpu_seconds = float(took["seconds"]), float(took["cpu_seconds"])
    case, share = f"hemline export of {export:,} customers", n_customers / export
    computed = f"the same computed for {n_customers:,}"
    return [
        Row("commands", case, "seconds", seconds, None),
        Row("commands", case, "cpu seconds", cpu_seconds, None),
        Row("commands", computed, "seconds", seconds * share, None),
        Row("commands", computed, "cpu seconds", cpu_seconds * share, None),
    ]


def _usage_rows(case: str, model: str, used: Usage) -> list[Row]:
    return [
        Row(case, model, "seconds", used.seconds, None),
        Row(case, model, "cpu seconds", used.cpu_seconds, None),
        Row(case, model, "peak GB", used.peak_gb, None),
    ]


def _measured(command: Sequence[str], root: Path) -> Usage:
    used = measure_process(command, cwd=root)
    if used.status:
        raise BadInput(
            f"{' '.join(command[:3])} succeeds",
            found=f"status {used.status}",
            fix="read the output above",
        )
    return used


def _notes(root: Path, settings: dict[str, Any]) -> list[str]:
    answers = opened_champion(root)
    described = about(answers.layout)
    trees = _ranker(answers).trees.arrays
    n_trees = "too large" if trees is None else f"{len(trees.ends)}"
    return [
        (
            f"Version of {described.n_customers:,} customers and {described.n_articles:,} "
            f"articles; its ranker has {n_trees} trees."
        ),
        (
            "CPU of an answer: one process, no server, "
            f"{settings['customers'] - 20} customers; the parts take turns."
        ),
        (
            "Private memory is what a worker shares with no other process (USS), shared memory the "
            "rest that is resident: mapped files of the layout and libraries."
        ),
        "The start is that of `hemline serve` with two workers, where the layout exists.",
        "An export of some customers is measured from when the version is loaded.",
    ]


if __name__ == "__main__":
    run(main)
