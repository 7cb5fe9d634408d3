"""The weekly deployment: what prefect.yaml says becomes runs on a real server.

With sqlalchemy 2.1 everything below deploys without a word and no run is ever scheduled.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flows.dvc import end_group
from flows.ui import HOST, answers
from tests.processes import eventually, free_ports
from tests.tiny_project import REPOSITORY, run

PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a server with its scheduler answers; the test harness has none."""
    home = tmp_path_factory.mktemp("prefect")
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
    }
    serving = [*PREFECT, "server", "start", "--host", HOST, "--port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            serving, env=environment, stdout=log, stderr=log, text=True, start_new_session=True
        )
        try:
            assert eventually(lambda: answers(f"http://{HOST}:{port}/api/health"), seconds=120)
            yield environment
        finally:
            end_group(process)


@pytest.fixture(scope="module")
def deployment(server: dict[str, str]) -> Any:
    for command in (["work-pool", "create", "hemline", "--type", "process"], ["deploy", "--all"]):
        run(REPOSITORY, *PREFECT, *command, env=server)
    return ask(server, "deployments/name/train/weekly")


def test_one_weekly_run_at_a_time_and_the_next_one_waits(deployment: Any) -> None:
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert deployment["schedules"][0]["schedule"]["cron"] == "0 4 * * 1"


def test_a_worker_finds_the_flow_in_the_project_folder(deployment: Any) -> None:
    (step,) = deployment["pull_steps"]
    (settings,) = step.values()
    assert (Path(settings["directory"]) / deployment["entrypoint"].partition(":")[0]).is_file()


def test_the_schedule_becomes_scheduled_runs(server: dict[str, str], deployment: Any) -> None:
    mine = {"deployments": {"id": {"any_": [deployment["id"]]}}}
    assert eventually(lambda: ask(server, "flow_runs/filter", mine), seconds=90)
    runs = ask(server, "flow_runs/filter", mine)
    assert {one["state"]["type"] for one in runs} == {"SCHEDULED"}
    times = [datetime.fromisoformat(one["expected_start_time"]) for one in runs]
    assert {time.astimezone(ZoneInfo("Europe/Stockholm")).isoweekday() for time in times} == {1}


def ask(server: dict[str, str], path: str, question: object = None) -> Any:
    request = urllib.request.Request(  # noqa: S310  (our own loopback address)
        f"{server['PREFECT_API_URL']}/{path}",
        data=None if question is None else json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310  (as above)
        return json.load(reply)
