"""`hemline deploy`: work pool, deployments and automations, handed to the Prefect server.

Deploying again replaces everything by name and duplicates nothing: Prefect replaces deployments and
their automations, this module those of automations.yaml.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import typer
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL

from flows.addresses import addresses, responds
from flows.command_line import run_command
from hemline.errors import BadInput

POOL: Final = "hemline"
_AUTOMATIONS: Final = "automations.yaml"


def deploy(root: Path) -> list[str]:
    """Deploy everything and return the names of the automations in automations.yaml.

    Raises:
        BadInput: no server responds, or it refuses the work pool or a deployment.
    """
    api = PREFECT_API_URL.value()
    if not api or not responds(f"{api}/health"):
        raise BadInput(
            "a Prefect server is running",
            found=f"none at {api or addresses().prefect}",
            fix="start one: hemline ui",
        )
    _prefect(root, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    _prefect(root, "deploy", "--all")
    with get_client(sync_client=True) as client:
        return [_put(client, automation) for automation in _automations(root)]


def main() -> None:
    """Hand the weekly runs and the automations to the Prefect server of 'hemline ui'.

    Deploying again replaces what has changed.
    """
    names = deploy(Path.cwd())
    typer.echo("".join(f"automation in place: {name}\n" for name in names), nl=False)


def _automations(root: Path) -> list[AutomationCore]:
    content = yaml.safe_load((root / _AUTOMATIONS).read_text(encoding="utf-8"))
    return [AutomationCore.model_validate(one) for one in content["automations"]]


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
