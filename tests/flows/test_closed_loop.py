"""The loop without a hand: a real server, a real worker, and a shop whose stores close.

Everything runs as it does under `make ui` and `make deploy`, in processes of its own.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hemline import environment
from hemline.identity import label, project_id
from tests.processes import eventually, free_ports
from tests.servers import PREFECT, ask, running, server_environment, serving
from tests.tiny_project import change_params, commit_all, copy_project, run

# The smallest shop that is big enough that closed stores are significant, and has a last year.
SHOP = {
    "n_customers": 1500,
    "n_articles": 200,
    "first_day": "2019-07-03",
    "last_day": "2020-09-22",
}
STORES_CLOSE = {"kind": "closed_stores", "date": "2020-09-09", "until": None, "size": "large"}
FEWER_ROWS = {
    "popularity": ["popularity"],
    "repurchase": ["repurchase", "popularity"],
    "cvae": ["cvae"],
}
# Half a year of fashion later the first champion is significantly worse.
TRAINED_BEFORE = "2020-04-01"
PATIENCE = 600  # seconds, for machines that are busy with something else
ENDED = {"COMPLETED", "FAILED", "CRASHED"}


@dataclass(frozen=True)
class Loop:
    """A project and the environment in which its server and worker run."""

    root: Path
    environment: dict[str, str]

    def python(self, *arguments: str) -> str:
        return run(self.root, sys.executable, "-m", *arguments, env=self.environment)

    def hemline(self, *arguments: str) -> str:
        command = str(Path(sys.executable).with_name("hemline"))
        return run(self.root, command, *arguments, env=self.environment)

    def runs(self, flow: str) -> list[Any]:
        filters = {"flows": {"name": {"any_": [flow]}}}
        runs = ask(self.environment, "flow_runs/filter", filters)
        return [one for one in runs if one["auto_scheduled"] is False]

    def ended(self, flow: str, count: int) -> list[Any]:
        return [one for one in self.runs(flow) if one["state_type"] in ENDED][count - 1 :]

    def start_monitor(self) -> None:
        """Start the deployment as its schedule does."""
        deployment = ask(
            self.environment, f"deployments/name/monitor/weekly-{project_id(self.root)}"
        )
        ask(self.environment, f"deployments/{deployment['id']}/create_flow_run", {})


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    root = copy_project(tmp_path_factory.mktemp("shop"))
    changes = {
        ("synthetic", "size"): SHOP,
        ("synthetic", "events"): [STORES_CLOSE],
        ("evaluate", "rows"): FEWER_ROWS,
        ("gate", "min_customers"): 20,  # some 40 buy in a week once the stores are closed
    }
    change_params(root, changes)
    commit_all(root)
    home = root / ".hemline" / "prefect"
    home.mkdir(parents=True)
    served = loop_environment(root, free_ports(1)[0])
    pool = label(project_id(root))
    worker = [*PREFECT, "worker", "start", "--pool", pool, "--type", "process"]
    with ExitStack() as stack:
        stack.enter_context(serving(home, served))
        loop = Loop(root, served)
        loop.python("flows.deploy")
        loop.python("flows.train", "--cut", TRAINED_BEFORE)
        stack.enter_context(running(worker, home / "worker.log", served, root))
        yield loop


def loop_environment(root: Path, port: int) -> dict[str, str]:
    """What the loop's processes see: of their own root, wherever other tests of this process are.

    The session's tiny project leaves its registry and its Prefect in this process' environment.
    """
    home = root / ".hemline" / "prefect"
    return {**server_environment(home, port), **environment.defaults(root)}


@pytest.mark.slow
def test_closed_stores_lead_to_a_new_champion_and_a_rollback_to_the_old_one(loop: Loop) -> None:
    loop.start_monitor()
    assert eventually(lambda: loop.ended("monitor", 1), seconds=PATIENCE), loop.runs("monitor")
    (path,) = (loop.root / ".hemline" / "monitoring" / "events").glob("*.json")
    event = json.loads(path.read_text())
    assert event["name"] == "hemline.drift.confirmed"
    assert "sales_channel_id" in event["payload"]["confirmed"]

    assert eventually(lambda: loop.ended("train", 2), seconds=PATIENCE), loop.runs("train")
    (training,) = (one for one in loop.runs("train") if one["deployment_id"])
    assert training["parameters"]["week_end"] == "2020-09-23"
    assert training["state_type"] == "COMPLETED", training["state"]

    loop.hemline("rollback", "--reason", "the loop is only being tested")
    changes = json.loads(loop.hemline("history", "--json"))["changes"]
    assert [(change["how"], change["version"]) for change in changes] == [
        ("gate", "1"),
        ("gate", "2"),
        ("rollback", "1"),
    ]
