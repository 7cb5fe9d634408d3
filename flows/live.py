"""A living shop to watch: simulated customers buy, week after week, in fast motion."""

import shutil
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from flows.command_line import run_command
from flows.living.living_page import serving_page, write_living_page
from flows.living.living_project import open_living_project
from flows.living.living_shop import LivingShop, wake
from flows.one_run import only_run
from hemline.cli.terminal import say
from hemline.simulation.living_params import LivingParams
from hemline.simulation.simulation_params import SimulationParams

FOLDER: Final = Path(".hemline") / "living-shop"


def main(
    weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks it lives.")] = 26,
    speed: Annotated[
        float, typer.Option(min=0, help="Days a minute, at most; 0: as fast as it goes.")
    ] = 0.0,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Of the page.")] = 5003,
    folder: Annotated[Path, typer.Option(help="Where the shop lies.")] = FOLDER,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin a new shop.")] = False,
) -> None:
    """Let a shop live, in a project folder of its own; begun before, it goes on.

    Its customers come, look, buy, dislike and send back by the service; at the end of each week
    its data are monitored, and what follows is done. One page shows what happens.
    """
    root, folder = Path.cwd(), folder.resolve()
    live = LivingParams.load(root / "params.yaml")
    behaviour = SimulationParams.load(root / "params.yaml")
    weeks = min(weeks, live.weeks)
    with only_run(folder.with_name(f".{folder.name}.lock"), "the living shop", say):
        if fresh and folder.exists():
            shutil.rmtree(folder)
        project = open_living_project(root, folder, live)
        say(f"The shop lies in {folder}; its past is being lived through.")
        shop = LivingShop(project, wake(live, behaviour), say)
        shop.open()
        with serving_page(project.page, port) as page, project.serving() as address:
            say(f"Its page: {page}   The shop itself: {address}   Ctrl-C ends it; it can go on.")
            record = None
            for record in shop.weeks(weeks, address, lambda: _rest(speed)):
                write_living_page(project.page, record, is_over=False)
        if record is not None:
            write_living_page(project.page, record, is_over=True)
    say(f"It has lived for {weeks} weeks: {project.page}")


def _rest(speed: float) -> None:
    if speed:
        time.sleep(60 / speed)


if __name__ == "__main__":
    run_command("live", main)
