"""`python -m benchmarks.monitoring`: false alarms, planted events, seasons; a full-scale week."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.progress import track

from benchmarks.monitoring.full_scale import measure_full_scale
from benchmarks.monitoring.monitoring_notes import notes_of
from benchmarks.monitoring.monitoring_tables import rows_of
from benchmarks.monitoring.plan import Settings, list_cases
from benchmarks.monitoring.shop_runs import folder_for, run_calm, run_planted
from benchmarks.monitoring.shops import PARAMS
from benchmarks.record import Row, publish
from hemline.stages.command import run
from monitoring.monitor_params import MonitorParams

_STORE: Final = PARAMS.parent / ".hemline" / "bench-monitoring"
_Input = TypeVar("_Input")
_Output = TypeVar("_Output")


def main(
    *,
    quick: Annotated[bool, typer.Option(help="Few events, two seeds; writes nothing.")] = False,
    full_scale: Annotated[bool, typer.Option(help="Measure a full-size week instead.")] = False,
    processes: Annotated[int, typer.Option(help="Shops at once, each within 1 GB.")] = 2,
    keep: Annotated[
        Path, typer.Option(help="Folder of stored outcomes, and of the tables of the full size.")
    ] = _STORE,
) -> None:
    """Monitor many shops week by week, as flows/monitor does, and count alarms and detections."""
    if full_scale:
        rows, notes = measure_full_scale(keep / "full-scale", PARAMS)
        name = "monitoring-full-scale"
    else:
        settings = Settings.load("quick" if quick else "full")
        rows, notes = _run_shops(settings, keep, processes)
        name = "monitoring"
    publish(None if quick else name, rows, notes=notes)


def _run_shops(settings: Settings, keep: Path, processes: int) -> tuple[list[Row], list[str]]:
    """Run the shops in which nothing happens first: the others reuse their weeks."""
    params = MonitorParams.load(PARAMS)
    folder = folder_for(keep, settings, params)
    calm_run = partial(run_calm, settings=settings, params=params, folder=folder)
    planted_run = partial(run_planted, settings=settings, params=params, folder=folder)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        calm = _each(pool, calm_run, settings.seeds, "nothing planted")
        planted = _each(pool, planted_run, list_cases(settings), "planted events")
    return rows_of(calm, planted, settings), notes_of(calm, planted, settings)


def _each(
    pool: ProcessPoolExecutor,
    job: Callable[[_Input], _Output],
    inputs: Sequence[_Input],
    about: str,
) -> list[_Output]:
    return list(track(pool.map(job, inputs), about, total=len(inputs)))


if __name__ == "__main__":
    run(main)
