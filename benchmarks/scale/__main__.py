"""`python -m benchmarks.scale`: what each step costs at 1, 10 and 100 % of Kaggle's counts."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.record import show, write_results
from benchmarks.scale.measured import Measured, forget, measured, module_command, run_step
from benchmarks.scale.scale_project import BenchmarkShop, load_settings, open_shop, stage_commands
from benchmarks.scale.scale_tables import notes_of, rows_of, with_whole
from hemline.errors import BadInput
from hemline.stages.command import run

_ROOT: Final = Path(__file__).parents[2]
_BEFORE: Final = ("generator", "kaggle_files")
_AFTER: Final = (
    *("histories", "cosine", "item_knn", "rp3beta", "ease", "cvae_epoch", "scored_model"),
    *("everybody", "everybody_unseen", "one_answer", "served_answer"),
)
_DVC: Final = "dvc"


def main(
    *,
    sizes: Annotated[str, typer.Option(help="Percent of Kaggle's customers.")] = "1,10,100",
    steps: Annotated[str, typer.Option(help="Names, with commas; all without it.")] = "",
    again: Annotated[str, typer.Option(help="Names to measure anew, or all.")] = "",
    peers: Annotated[bool, typer.Option(help="What others use, beside it.")] = True,
    keep: Annotated[Path, typer.Option(help="The shops, and what is measured already.")] = _ROOT
    / ".hemline"
    / "bench-scale",
    write: Annotated[bool, typer.Option(help="Write benchmarks/results/scale.json.")] = True,
) -> None:
    """Measure what has not been measured yet, and show and write all that has."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a step ends with its benchmark
    settings = load_settings()
    shops = [open_shop(keep.absolute(), int(percent)) for percent in sizes.split(",")]
    failed: list[str] = []
    for shop in shops:
        for name, command in _commands(shop, settings, peers=peers):
            if steps and name not in steps.split(","):
                continue
            if again == "all" or name in again.split(","):
                forget(shop, name)
            if measured(shop, name) is None and not _run(shop, name, command, settings):
                failed.append(f"{name} at {shop.percent} %")
    _report(shops, settings, write=write)
    if failed:
        raise BadInput(
            "every step ends well, one of a peer at least at its limit",
            found=f"{', '.join(failed)} did not",
            fix="read what it printed above; the same command goes on with what is missing",
        )


def _commands(
    shop: BenchmarkShop, settings: dict[str, Any], *, peers: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yield what can be run at a size, in an order in which inputs come before what reads them."""
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
    most = settings["most_seconds"] if name in settings["peers"] else None
    taken = run_step(shop, name, command, most_seconds=most)
    typer.echo(
        f"{shop.percent} %: {name}: {taken.seconds:.1f} s, {taken.cpu_seconds:.1f} CPU s, "
        f"{taken.peak_gb:.2f} GB, status {taken.status}",
        err=True,
    )
    return measured(shop, name) is not None


def _report(shops: list[BenchmarkShop], settings: dict[str, Any], *, write: bool) -> None:
    stages = [*stage_commands(_ROOT / "dvc.yaml"), _DVC]
    taken = with_whole({shop.percent: _all_measured(shop, settings) for shop in shops}, stages)
    counts = {shop.percent: shop.n_transactions() for shop in shops if _has_tables(shop)}
    rows = list(rows_of(taken, counts, settings))
    notes = list(notes_of(taken, counts, settings))
    show(rows, notes=notes)
    if write:
        typer.echo(f"written to {write_results('scale', rows, notes=notes)}")


def _all_measured(shop: BenchmarkShop, settings: dict[str, Any]) -> dict[str, Measured]:
    names = [name for name, _ in _commands(shop, settings, peers=True)]
    found = {name: measured(shop, name) for name in names}
    return {name: each for name, each in found.items() if each is not None}


def _has_tables(shop: BenchmarkShop) -> bool:
    return (shop.tables / "transactions.parquet").exists()


if __name__ == "__main__":
    run(main)
