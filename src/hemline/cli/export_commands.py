"""The command that writes everybody's recommendations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.terminal import open_registry
from hemline.errors import exit_on_bad_input

if TYPE_CHECKING:
    from hemline.registry.versions import Version
    from hemline.storefront import Storefront


def export(
    *,
    folder: Annotated[
        Path, typer.Option(help="Where the lists go; after a break, name it again to go on.")
    ] = Path(".hemline/export"),
    version: Annotated[
        str | None, typer.Option(help="Number of the version that answers; else the champion.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="served, or models asked in turn: cvae, repurchase,popularity.")
    ] = "served",
    length: Annotated[int, typer.Option("-n", min=1, max=500, help="Length of the lists.")] = 12,
    without_bought: Annotated[
        bool, typer.Option("--without-bought", help="Leave out what the customer bought before.")
    ] = False,
    customers_per_part: Annotated[
        int, typer.Option(min=1, help="So many customers' lists are lost at most when it is cut.")
    ] = 20_000,
) -> None:
    """Write everybody's recommendations: recommendations.parquet and Kaggle's submission.csv."""
    with exit_on_bad_input():
        open_registry()
        from tqdm import tqdm  # noqa: PLC0415  (--help should not wait for it)

        from hemline.export import ExportSpec, export_lists  # noqa: PLC0415  (as above)

        answering, storefront = _load(version)
        spec = ExportSpec(
            answering.number,
            answering.tags["models_hash"],
            answering.tags["data_hash"],
            model,
            length,
            without_bought,
            customers_per_part,
        )
        with tqdm(unit=" customers", desc=f"version {answering.number}") as progress:

            def on_start(n_done: int, n_customers: int, discarded: str) -> None:
                if discarded:
                    progress.write(f"Starting again: {discarded}.")
                progress.reset(n_customers)
                # What an earlier run did is no part of this one's speed.
                progress.initial = progress.n = progress.last_print_n = n_done
                progress.refresh()

            done = export_lists(
                storefront, spec, folder, on_start=on_start, on_part=progress.update
            )
    earlier = f", {done.n_resumed} of them by an earlier run" if done.n_resumed else ""
    typer.echo(f"{done.n_customers} customers{earlier}: {done.table}, {done.submission}")


def _load(number: str | None) -> "tuple[Version, Storefront]":
    from hemline.registry.versions import (  # noqa: PLC0415  (as above)
        known_version,
        load_champion,
        load_version,
    )

    if number is None:
        return load_champion()
    version = known_version(number)
    return version, load_version(version)
