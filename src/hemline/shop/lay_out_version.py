"""Lay out the version that has an alias or a number, in a process of its own.

    python -m hemline.shop.lay_out_version --database .hemline/mlflow.db --alias champion \
        --layouts .hemline/serving

prints the number of the version and the folder of its layout as JSON. A worker that answers
visitors neither waits for this nor keeps the memory that it takes.
"""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from hemline.errors import BadInput, exit_on_bad_input, full_disk_refused
from hemline.serving.answers import Answers
from hemline.serving.layout import laid_out
from hemline.shop.first_answers import try_answers
from hemline.shop.registered_versions import (
    CHAMPION,
    RegistryUnreadable,
    version_with_alias,
    version_with_number,
)


def main(
    database: Annotated[Path, typer.Option(help="MLflow's database.")],
    layouts: Annotated[Path, typer.Option(help="Folder of the layouts.")],
    *,
    alias: Annotated[str, typer.Option(help="champion or challenger.")] = CHAMPION,
    number: Annotated[int | None, typer.Option(help="Of the version, instead.")] = None,
    try_it: Annotated[bool, typer.Option("--try-it", help="Let it answer once.")] = False,
) -> None:
    """Print {"version": ..., "layout": ...}, or {} where there is no such version."""
    try:
        if number is None:
            version = version_with_alias(database, alias)
        else:
            version = version_with_number(database, number)
    except RegistryUnreadable as error:
        raise BadInput(
            "the registry can be read", found=str(error), fix="wait, or run: hemline history"
        ) from error
    if version is None:
        typer.echo("{}")
        return
    with full_disk_refused(layouts):
        layout = laid_out(version.files(), version.hashes, layouts)
    if try_it:
        try_answers(Answers.open(layout))
    typer.echo(json.dumps({"version": version.number, "layout": str(layout)}))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with exit_on_bad_input():
        typer.run(main)
