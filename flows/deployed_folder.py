"""Deployments that name the folder their runs work in, in a project that was moved.

Prefect stores that folder with each deployment, so the worker of a moved project would look for its
flows where they were. `hemline ui` runs this module once its server responds and before its worker
starts. A copy is a project of its own, whose worker takes no run of the original's.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import typer
from prefect.client.orchestration import SyncPrefectClient, get_client

from flows.deploy import deploy
from hemline.errors import BadInput, exit_on_bad_input
from hemline.identity import label, project_id

_STEP: Final = "prefect.deployments.steps.set_working_directory"


def former_folders(client: SyncPrefectClient, root: Path) -> list[str]:
    """Return the other folders that the project's deployments on the server name, in order."""
    named = set(_folders(client, label(project_id(root))))
    return sorted(name for name in named if Path(name) != root.resolve())


def deploy_again_if_moved(root: Path, environment: Mapping[str, str]) -> None:
    """Deploy again, in a process of its own, where deployments name another folder.

    Args:
        root: the project folder.
        environment: names its Prefect server, and how to log in.

    Raises:
        BadInput: they name another folder, and deploying again failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "flows.deployed_folder"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BadInput(
            "the weekly runs work in this folder",
            found=f"{done.stdout}{done.stderr}".strip(),
            fix="correct what the message names, then start `hemline ui` again",
        )
    typer.echo(done.stdout, nl=False)


def main() -> None:
    """Deploy the project in the current folder again if its deployments name another one."""
    root = Path.cwd()
    with get_client(sync_client=True) as client:
        former = former_folders(client, root)
    if former:
        deploy(root)
        typer.echo(f"The weekly runs were deployed in {', '.join(former)}; they now work here.")


def _folders(client: SyncPrefectClient, pool: str) -> Iterator[str]:
    for deployment in client.read_deployments():
        steps = deployment.pull_steps or [] if deployment.work_pool_name == pool else []
        for step in steps:
            if _STEP in step:
                yield str(step[_STEP]["directory"])


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
