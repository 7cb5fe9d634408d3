"""`hemline deploy`: work pool, deployments and automations, handed to the Prefect server.

Deploying again replaces everything by name and duplicates nothing: Prefect replaces deployments and
their automations, this module those of automations.yaml.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import typer
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from flows.addresses import addresses, responds
from flows.command_line import run_command
from hemline.errors import BadInput
from hemline.params import read_mapping

POOL: Final = "hemline"
_AUTOMATIONS: Final = "automations.yaml"


def deploy(root: Path) -> list[str]:
    """Deploy everything and return the names of the automations in automations.yaml.

    Raises:
        BadInput: automations.yaml has another form, no server responds, or it refuses the work pool
            or a deployment.
    """
    automations, api = _automations(root), PREFECT_API_URL.value()
    if not api or not responds(f"{api}/health"):
        raise BadInput(
            "a Prefect server is running",
            found=f"none at {api or addresses().prefect}",
            fix="start one: hemline ui",
        )
    _prefect(root, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    _prefect(root, "deploy", "--all")
    with get_client(sync_client=True) as client:
        return [_put(client, automation) for automation in automations]


def main() -> None:
    """Hand the weekly runs and the automations to the Prefect server of 'hemline ui'.

    Deploying again replaces what has changed.
    """
    names = deploy(Path.cwd())
    typer.echo("".join(f"automation in place: {name}\n" for name in names), nl=False)


def _automations(root: Path) -> list[AutomationCore]:
    path = root / _AUTOMATIONS
    automations = read_mapping(path).get("automations")
    if not isinstance(automations, list):
        raise BadInput(
            f"{path} has a list of automations",
            found=f"{automations!r}",
            fix=f"correct {path.name}; an empty list is []",
        )
    return [_automation(path, one) for one in automations]


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


def _put(client: SyncPrefectClient, automation: AutomationCore) -> str:
    """Create an automation, or replace the one of its name."""
    known = client.read_automations_by_name(automation.name)
    if known:
        client.update_automation(known[0].id, automation)
    else:
        client.create_automation(automation)
    return automation.name


def _prefect(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(
            f"'prefect {' '.join(arguments)}' succeeds",
            found=f"{done.stdout}{done.stderr}".strip(),
            fix="correct prefect.yaml if the message names it; otherwise check that 'hemline ui' "
            "is still running, and deploy again",
        )


if __name__ == "__main__":
    run_command("deploy", main, joins_server=True)
