"""How every DVC stage is started: typed path options, one log format, readable refusals."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from hemline.errors import BadInput, full_disk_refused

InPath = Annotated[Path, typer.Option(exists=True)]
OutPath = Annotated[Path, typer.Option()]
ParamsPath = Annotated[Path, typer.Option(exists=True)]


def run(main: Callable[..., None]) -> None:
    """Run a stage's `main` with its options from the command line; BadInput ends it with exit 1.

    So do a full disk and memory that is used up.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(_with_refusals(main))
    try:
        app()
    except BadInput as refusal:
        typer.secho(f"\n{refusal}", err=True, fg="red")
        raise SystemExit(1) from None


def _with_refusals(main: Callable[..., None]) -> Callable[..., None]:
    hints = get_type_hints(main, include_extras=True)

    @functools.wraps(main)
    def refusing(**options: Any) -> None:
        written = [path for name, path in options.items() if hints[name] == OutPath]
        with full_disk_refused(*written):
            main(**options)

    return refusing
