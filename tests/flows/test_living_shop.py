"""A living shop as a process: it is killed, goes on, and ends with the record of one that was not.

Each shop trains once, so this takes minutes.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import eventually, free_ports
from tests.tiny_project import change_params, copy_project

SMALL = {
    ("live", "customers"): 600,
    ("live", "articles"): 200,
    ("live", "history_weeks"): 30,
    ("validate", "max_missing_days"): 60,
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_project(tmp_path_factory.mktemp("origin"))
    change_params(root, SMALL)
    return root


def start(origin: Path, folder: Path) -> "subprocess.Popen[bytes]":
    [port] = free_ports(1)
    ours = {"MLFLOW_TRACKING_URI", "PREFECT_HOME", "PREFECT_API_DATABASE_CONNECTION_URL"}
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "flows.live", "--weeks", "1", "--port", str(port)),
            *("--folder", str(folder)),
        ],
        cwd=origin,
        env={**variables, "PYTHONPATH": f"{origin / 'src'}:{origin}"},
        start_new_session=True,
    )


def journal_of(folder: Path) -> dict[str, list[Any]]:
    """Return the answers of each day without the ids of requests, which are new each time."""
    found = {}
    for file in sorted((folder / ".hemline" / "live" / "journal").glob("*.jsonl")):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        found[file.stem] = [line if line == "ended" else line[:-1] for line in lines]
    return found


def record_of(folder: Path) -> Any:
    return json.loads((folder / ".hemline" / "live" / "record" / "record.json").read_text())


@pytest.mark.slow
def test_a_shop_that_was_killed_twice_ends_with_the_same_record(
    origin: Path, tmp_path: Path
) -> None:
    whole, cut_off = tmp_path / "whole", tmp_path / "cut-off"
    assert start(origin, whole).wait() == 0
    days = sorted(journal_of(whole))
    for day in (days[1], days[4]):
        process = start(origin, cut_off)
        file = cut_off / ".hemline" / "live" / "journal" / f"{day}.jsonl"
        assert eventually(lambda file=file: file.exists() and file.stat().st_size > 0, seconds=900)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert len(journal_of(cut_off)) < len(days)
    assert start(origin, cut_off).wait() == 0
    assert journal_of(cut_off) == journal_of(whole)
    assert record_of(cut_off) == record_of(whole)
    [week] = record_of(whole)["weeks"]
    assert week["outcome"]["week_end"] == "2020-09-30"
    assert sum(day["visits"] for day in week["days"]) > 10
