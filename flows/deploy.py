"""`hemline deploy`: work pool, deployments and automations, handed to the Prefect server.

Deploying again replaces everything by name and duplicates nothing: Prefect replaces deployments and
their automations, this module those of automations.yaml. The names hold the id of the project, so
that two clones on one server replace nothing of each other.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import typer
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from flows.addresses import addresses, responds
from flows.command_line import foreign_server, run_command
from hemline.errors import BadInput
from hemline.identity import label, project_id
from hemline.params import read_mapping

_AUTOMATIONS: Final = "automations.yaml"
_PROJECT: Final = "HEMLINE_PROJECT"
_UNNAMED: Final = ("monitor/weekly", "train/weekly")
_UNNAMED_AUTOMATION: Final = "a run without a heartbeat has crashed"


def deploy(root: Path) -> list[str]:
    """Deploy everything and return the names of the automations in automations.yaml.

    Raises:
        BadInput: automations.yaml has another form, no server of this project responds, or it
            refuses the work pool or a deployment.
    """
    foreign = foreign_server()
    if foreign is not None:
        raise BadInput(
            "the Prefect server is the one of this project, or one that PREFECT_API_URL names",
            found=f"another one at {foreign}",
            fix="stop it and start this project's: hemline ui. To keep both, set "
            "HEMLINE_PREFECT_PORT=<another port> for `hemline ui` and `hemline deploy`",
        )
    ours, api = automations(root), PREFECT_API_URL.value()
    if not api or not responds(f"{api}/health"):
        raise BadInput(
            "a Prefect server is running",
            found=f"none at {api or addresses().prefect}",
            fix="start one: hemline ui",
        )
    pool = label(project_id(root))
    _prefect(root, "work-pool", "create", pool, "--type", "process", "--overwrite")
    _prefect(root, "deploy", "--all")
    with get_client(sync_client=True) as client:
        _remove_unnamed(client, root)
        return [_put(client, automation) for automation in ours]


def main() -> None:
    """Hand the weekly runs and the automations to the Prefect server of 'hemline ui'.

    Deploying again replaces what has changed.
    """
    names = deploy(Path.cwd())
    typer.echo("".join(f"automation in place: {name}\n" for name in names), nl=False)


def automations(root: Path) -> list[AutomationCore]:
    """Return the automations of automations.yaml, with the id of the project in their names.

    Raises:
        BadInput: the file has another form.
    """
    path = root / _AUTOMATIONS
    content = read_mapping(path).get("automations")
    if not isinstance(content, list):
        raise BadInput(
            f"{path} has a list of automations",
            found=f"{content!r}",
            fix=f"correct {path.name}; an empty list is []",
        )
    return [_with_id(_automation(path, one), project_id(root)) for one in content]


def _automation(path: Path, content: Any) -> AutomationCore:
    try:
        return AutomationCore.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        name = content.get("name") if isinstance(content, dict) else None
        raise BadInput(
            f"{path} holds automations as Prefect has them",
            found=f"{name or repr(content)}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            fix=f"correct it in {path.name}",
        ) from None


def _with_id(automation: AutomationCore, project: str) -> AutomationCore:
    """Put the project's id in, as Prefect does in prefect.yaml."""
    text = automation.model_dump_json(exclude_unset=True).replace(f"{{{{ ${_PROJECT} }}}}", project)
    return AutomationCore.model_validate_json(text)


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, _PROJECT: project_id(root)}


def _put(client: SyncPrefectClient, automation: AutomationCore) -> str:
    """Create an automation, or replace the one of its name."""
    known = client.read_automations_by_name(automation.name)
    if known:
        client.update_automation(known[0].id, automation)
    else:
        client.create_automation(automation)
    return automation.name


def _remove_unnamed(client: SyncPrefectClient, root: Path) -> None:
    """Remove what this folder deployed when names did not hold the id: it would run every week."""
    removed = False
    for name in _UNNAMED:
        try:
            deployment = client.read_deployment_by_name(name)
        except ObjectNotFound:
            continue
        if any(str(root) in str(step) for step in deployment.pull_steps or []):
            client.delete_deployment(deployment.id)
            removed = True
    if removed:
        for automation in client.read_automations_by_name(_UNNAMED_AUTOMATION):
            client.delete_automation(automation.id)


def _prefect(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(
        command, cwd=root, env=_environment(root), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BadInput(
            f"'prefect {' '.join(arguments)}' succeeds",
            found=f"{done.stdout}{done.stderr}".strip(),
            fix="correct prefect.yaml if the message names it; otherwise check that 'hemline ui' "
            "is still running, and deploy again",
        )


if __name__ == "__main__":
    run_command("deploy", main, joins_server=True)
