"""`python -m benchmarks.scale`: the cost of each step at 1, 10 and 100 % of Kaggle's counts."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.record import publish
from benchmarks.scale.scale_project import (
    ROOT,
    SHOPS,
    BenchmarkShop,
    load_settings,
    open_shop,
    stage_commands,
)
from benchmarks.scale.scale_tables import notes_of, rows_of, with_whole
from benchmarks.scale.step_costs import StepCost, forget, module_command, run_step, stored_cost
from hemline.errors import BadInput
from hemline.stages.command import run

_BEFORE: Final = ("generator", "kaggle_files")
_AFTER: Final = (
    *("histories", "cosine", "item_knn", "rp3beta", "ease", "cvae_epoch", "scored_model"),
    *("all_lists", "all_lists_without_bought", "one_query", "served_query"),
)
_DVC: Final = "dvc"


def main(
    *,
    sizes: Annotated[str, typer.Option(help="Percent of Kaggle's customers.")] = "1,10,100",
    steps: Annotated[str, typer.Option(help="Steps to run, separated by commas.")] = "",
    again: Annotated[str, typer.Option(help="Steps to measure again, or 'all'.")] = "",
    peers: Annotated[bool, typer.Option(help="Also measure the alternatives.")] = True,
    folder: Annotated[Path, typer.Option(help="Shops and earlier measurements.")] = SHOPS,
    write: Annotated[bool, typer.Option(help="Write benchmarks/results/scale.json.")] = True,
) -> None:
    """Measure the steps without a measurement, then print and write the results of all steps."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a step ends with the benchmark
    settings = load_settings()
    shops = [open_shop(folder.absolute(), int(percent)) for percent in sizes.split(",")]
    failed: list[str] = []
    for shop in shops:
        for name, command in _commands(shop, settings, peers=peers):
            if steps and name not in steps.split(","):
                continue
            if again == "all" or name in again.split(","):
                forget(shop, name)
            if stored_cost(shop, name) is None and not _run(shop, name, command, settings):
                failed.append(f"{name} at {shop.percent} %")
    _report(shops, settings, write=write)
    if failed:
        raise BadInput(
            "every step succeeds, or is a peer that reaches its limit",
            found=f"failed: {', '.join(failed)}",
            fix="read the output above, then run the same command again to resume",
        )


def _commands(
    shop: BenchmarkShop, settings: dict[str, Any], *, peers: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and command of every step of a size; inputs precede their readers."""
    for name in _BEFORE:
        yield name, module_command("benchmarks.scale.scale_steps", shop, name)
    yield from stage_commands(shop.root / "dvc.yaml").items()
    yield _DVC, [sys.executable, "-m", "dvc", "commit", "--force", "--quiet"]
    for name in _AFTER:
        yield name, module_command("benchmarks.scale.scale_steps", shop, name)
    for name, peer in settings["peers"].items():
        if peers and shop.percent in peer["sizes"]:
            yield name, module_command("benchmarks.scale.scale_peers", shop, name)


def _run(shop: BenchmarkShop, name: str, command: list[str], settings: dict[str, Any]) -> bool:
    typer.echo(f"{shop.percent} %: {name}", err=True)
    limit = settings["max_seconds"] if name in settings["peers"] else None
    cost = run_step(shop, name, command, max_seconds=limit)
    typer.echo(
        f"{shop.percent} %: {name}: {cost.seconds:.1f} s, {cost.cpu_seconds:.1f} CPU s, "
        f"{cost.peak_gb:.2f} GB, status {cost.status}",
        err=True,
    )
    return stored_cost(shop, name) is not None


def _report(shops: list[BenchmarkShop], settings: dict[str, Any], *, write: bool) -> None:
    stages = [*stage_commands(ROOT / "dvc.yaml"), _DVC]
    costs = with_whole({shop.percent: _all_costs(shop, settings) for shop in shops}, stages)
    counts = {shop.percent: shop.n_transactions() for shop in shops if _has_tables(shop)}
    rows = list(rows_of(costs, counts, settings))
    notes = list(notes_of(costs, counts, settings))
    publish("scale" if write else None, rows, notes=notes)


def _all_costs(shop: BenchmarkShop, settings: dict[str, Any]) -> dict[str, StepCost]:
    names = [name for name, _ in _commands(shop, settings, peers=True)]
    return {name: cost for name in names if (cost := stored_cost(shop, name)) is not None}


def _has_tables(shop: BenchmarkShop) -> bool:
    return (shop.tables / "transactions.parquet").exists()


if __name__ == "__main__":
    run(main)
