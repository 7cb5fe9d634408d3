"""How every DVC stage is started: typed path options, one log format, short error messages."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from hemline.errors import exit_on_bad_input, full_disk_refused, print_safely

InPath = Annotated[Path, typer.Option(exists=True)]
OutPath = Annotated[Path, typer.Option()]
ParamsPath = Annotated[Path, typer.Option(exists=True)]


def run(main: Callable[..., None]) -> None:
    """Run a stage's `main` with its options from the command line.

    Bad input, a full disk and exhausted memory end it with a short message and exit status 1.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(print_safely)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(_checking_disk(main))
    with exit_on_bad_input():
        app()


def _checking_disk(main: Callable[..., None]) -> Callable[..., None]:
    hints = get_type_hints(main, include_extras=True)

    @functools.wraps(main)
    def checked(**options: Any) -> None:
        written = [path for name, path in options.items() if hints[name] == OutPath]
        with full_disk_refused(*written):
            main(**options)

    return checked
