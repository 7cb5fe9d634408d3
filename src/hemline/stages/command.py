"""How every DVC stage is started: typed path options, one log format, readable refusals."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from hemline.errors import BadInput

InPath = Annotated[Path, typer.Option(exists=True)]
OutPath = Annotated[Path, typer.Option()]
ParamsPath = Annotated[Path, typer.Option(exists=True)]


def run(main: Callable[..., None]) -> None:
    """Run a stage's `main` with its options from the command line; BadInput ends it with exit 1."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except BadInput as refusal:
        typer.secho(f"\n{refusal}", err=True, fg="red")
        raise SystemExit(1) from None
