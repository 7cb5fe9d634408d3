"""The folder in which the weekly runs of a moved project work."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.processes import free_ports
from tests.servers import ask, server_environment, serving
from tests.tiny_project import REPOSITORY, run


@pytest.mark.slow
def test_the_weekly_runs_of_a_moved_project_work_where_it_is(tmp_path: Path) -> None:
    original, copy, home = (tmp_path / name for name in ("original", "a copy #1", "home"))
    moved = tmp_path / "moved #1"
    for name in ("flows", "monitoring", "src"):
        shutil.copytree(REPOSITORY / name, original / name)
    for name in ("prefect.yaml", "automations.yaml", "params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, original)
    home.mkdir()
    server = server_environment(home, free_ports(1)[0])
    with serving(home, server):
        run(original, sys.executable, "-m", "flows.deploy", env=server)
        assert _folders(server) == {str(original)}
        shutil.copytree(original, copy)
        again = [sys.executable, "-m", "flows.deployed_folder"]
        assert run(copy, *again, env=server) == ""
        original.rename(moved)
        assert f"were deployed in {original}" in run(moved, *again, env=server)
        assert _folders(server) == {str(moved)}
        assert run(moved, *again, env=server) == ""


def _folders(server: dict[str, str]) -> set[str]:
    return {
        step["prefect.deployments.steps.set_working_directory"]["directory"]
        for deployment in ask(server, "deployments/filter", {})
        for step in deployment["pull_steps"]
    }
