"""How every flow is started from the command line: environment, server, options, error messages.

Prefect reads its settings when it is imported, so a process that lacks any of them starts again
with them. `hemline` sets them first, which spares that. A run that joins the Prefect server of
`hemline ui` is seen by its automations and stops if that server stops; any other run has a server
of its own for as long as it lives.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import typer

from flows.addresses import addresses, responds
from hemline import environment
from hemline.errors import exit_on_bad_input

API_URL: Final = "PREFECT_API_URL"


def run_command(name: str, main: Callable[..., None], *, joins_server: bool = False) -> None:
    """Run the `main` of flows.<name> with the options of the command line, as `hemline <name>`.

    Args:
        name: of the command and of the module in flows.
        main: its typed options become those of the command.
        joins_server: whether to use the Prefect server of `hemline ui` while it runs.
    """
    lacks_variables = environment.apply(Path.cwd())
    if (joins_server and _join_server()) or lacks_variables:
        environment.restart(f"flows.{name}")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    with exit_on_bad_input():
        app(prog_name=f"hemline {name}")


def _join_server() -> bool:
    """Set the server's address unless there is one; return whether that changed anything."""
    api = f"{addresses().prefect}/api"
    if API_URL in os.environ or not responds(f"{api}/health"):
        return False
    os.environ[API_URL] = api
    return True
