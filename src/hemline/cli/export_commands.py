"""The command that writes recommendations for every customer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.terminal import open_registry, say
from hemline.errors import printable

if TYPE_CHECKING:
    from hemline.registry.versions import Version
    from hemline.storefront import Storefront


def export(
    *,
    folder: Annotated[
        Path, typer.Option(help="Folder of the lists. Pass the same folder again to resume.")
    ] = Path(".hemline/export"),
    version: Annotated[
        str | None, typer.Option(help="Number of the version; default: the champion.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="'served', or models in order: cvae; repurchase,popularity.")
    ] = "served",
    length: Annotated[int, typer.Option("-n", min=1, max=500, help="Length of each list.")] = 12,
    without_bought: Annotated[
        bool,
        typer.Option("--without-bought", help="Leave out what a customer bought before."),
    ] = False,
    all_colours: Annotated[
        bool, typer.Option("--all-colours", help="List any number of colours of one product.")
    ] = False,
    customers_per_part: Annotated[
        int,
        typer.Option(min=1, help="At most this many lists are lost if the export is interrupted."),
    ] = 20_000,
) -> None:
    """Write recommendations for every customer: parquet and csv."""
    open_registry()
    from tqdm import tqdm  # noqa: PLC0415  (--help should not wait for it)

    from hemline.export import ExportSpec, export_lists  # noqa: PLC0415  (as above)
    from hemline.serving.answers_params import AnswersParams  # noqa: PLC0415  (as above)

    chosen, storefront = _load(version)
    spec = ExportSpec(
        chosen.number,
        chosen.tags["models_hash"],
        chosen.tags["data_hash"],
        model,
        length,
        without_bought,
        customers_per_part,
        shop_rules=AnswersParams.load(Path("params.yaml")).model_dump_json(),
        all_colours=all_colours,
    )
    with tqdm(unit=" customers", desc=f"version {chosen.number}") as progress:

        def on_start(n_done: int, n_customers: int, discarded: str) -> None:
            if discarded:
                progress.write(printable(f"Made again: {discarded}."))
            progress.reset(n_customers)
            # Lists of an earlier run do not count towards the speed of this one.
            progress.initial = progress.n = progress.last_print_n = n_done
            progress.refresh()

        done = export_lists(storefront, spec, folder, on_start=on_start, on_part=progress.update)
    earlier = f", {done.n_resumed} of them by an earlier run" if done.n_resumed else ""
    say(f"{done.n_customers} customers{earlier}: {done.table}, {done.submission}")


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
