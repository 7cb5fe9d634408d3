"""How every flow is started from the command line: environment, server, options, error messages.

Prefect reads its settings when it is imported, so a process that lacks any of them starts again
with them. `hemline` sets them first, which spares that. A run that joins the Prefect server of
`hemline ui` is seen by its automations and stops if that server stops; any other run has a server
of its own for as long as it lives. A run joins the server of its own project, or the one that
PREFECT_API_URL names, and never another one that happens to use the port.
"""

import os
from collections.abc import Callable
from pathlib import Path

import typer

from flows.addresses import addresses, responds
from flows.server_processes import STARTED_BY, end_abandoned_servers
from flows.server_proof import belongs_to
from hemline import environment, prefect_auth
from hemline.errors import exit_on_bad_input
from hemline.identity import label, project_id


def run_command(name: str, main: Callable[..., None], *, joins_server: bool = False) -> None:
    """Run the `main` of flows.<name> with the options of the command line, as `hemline <name>`.

    Args:
        name: of the command and of the module in flows.
        main: its typed options become those of the command.
        joins_server: whether to use the Prefect server of `hemline ui` while it runs.
    """
    root = Path.cwd()
    with exit_on_bad_input():
        environment.require_name_for_dvc(root)
        environment.require_writable(root)
        changes = [environment.apply(root), joins_server and _join_server(root)]
        changes.append(prefect_auth.apply(root))
        if any(changes):
            environment.restart(f"flows.{name}")
        if prefect_auth.API_URL not in os.environ:
            os.environ[STARTED_BY] = str(os.getpid())
            end_abandoned_servers(os.environ["PREFECT_HOME"])
        from prefect import tags  # noqa: PLC0415  (reads the settings, which are complete now)

        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command()(main)
        with tags(label(project_id(root))):
            app(prog_name=f"hemline {name}")


def foreign_server() -> str | None:
    """Return the address of a Prefect server on our port that is not ours, and was not joined."""
    server = addresses().prefect
    is_joined = prefect_auth.API_URL in os.environ
    return server if not is_joined and responds(f"{server}/api/health") else None


def _join_server(root: Path) -> bool:
    """Use the project's own server, if it runs; return whether that changed the environment.

    A server that PREFECT_API_URL names was chosen by the user, so it is used whosever it is. Only
    the project's own is given the project's authentication string.
    """
    server = addresses().prefect
    api = f"{server}/api"
    if os.environ.get(prefect_auth.API_URL, api) != api or not belongs_to(root, server):
        return False
    before = dict(os.environ)
    os.environ.update({prefect_auth.API_URL: api, **prefect_auth.variables(root)})
    return os.environ != before
