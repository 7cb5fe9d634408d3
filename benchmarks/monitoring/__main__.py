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

_KEPT: Final = PARAMS.parent / ".hemline" / "bench-monitoring"
_Asked = TypeVar("_Asked")
_Done = TypeVar("_Done")


def main(
    *,
    quick: Annotated[bool, typer.Option(help="Few events, two seeds; writes nothing.")] = False,
    full_scale: Annotated[bool, typer.Option(help="Measure a full-size week instead.")] = False,
    processes: Annotated[int, typer.Option(help="Shops at once, each within 1 GB.")] = 2,
    keep: Annotated[
        Path, typer.Option(help="What is done already, and the tables of the full size.")
    ] = _KEPT,
) -> None:
    """Look at many shops week by week, as flows/monitor does, and count what was said."""
    if full_scale:
        rows, notes = measure_full_scale(keep / "full-scale", PARAMS)
        name = "monitoring-full-scale"
    else:
        settings = Settings.load("quick" if quick else "full")
        rows, notes = _look(settings, keep, processes)
        name = "monitoring"
    publish(None if quick else name, rows, notes=notes)


def _look(settings: Settings, keep: Path, processes: int) -> tuple[list[Row], list[str]]:
    """Run the shops in which nothing happens first: the others build on what is kept of them."""
    params = MonitorParams.load(PARAMS)
    folder = folder_for(keep, settings, params)
    look_at_calm = partial(run_calm, settings=settings, params=params, folder=folder)
    look_at_planted = partial(run_planted, settings=settings, params=params, folder=folder)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        calm = _each(pool, look_at_calm, settings.seeds, "nothing planted")
        planted = _each(pool, look_at_planted, list_cases(settings), "planted events")
    return rows_of(calm, planted, settings), notes_of(calm, planted, settings)


def _each(
    pool: ProcessPoolExecutor,
    act: Callable[[_Asked], _Done],
    asked: Sequence[_Asked],
    about: str,
) -> list[_Done]:
    return list(track(pool.map(act, asked), about, total=len(asked)))


if __name__ == "__main__":
    run(main)
