"""The first page of `hemline ui` in every state of a project."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from flows.addresses import Addresses
from flows.control_room import ControlPanel, control_panels, note_run
from hemline.experiment_pages.experiment_index import write_index
from hemline.experiment_pages.experiment_page import write_experiment
from hemline.experiments.experiment_files import (
    add_step,
    experiments_folder,
    plan_experiment,
    read_experiment,
)
from hemline.shop.running_shops import announced, metrics_folder, running_shops
from monitoring.records import append_decision
from tests.experiments.test_experiment_files import PLAN
from tests.tiny_project import REPOSITORY

WHERE = Addresses("http://prefect", "http://mlflow", "http://pages", "http://evidently")
NOW = datetime(2020, 9, 23, 12, tzinfo=UTC)
REGISTRY = """
CREATE TABLE registered_model_aliases (name TEXT, alias TEXT, version INT);
CREATE TABLE model_versions (name TEXT, version INT, run_id TEXT, creation_time INT);
CREATE TABLE model_version_tags (name TEXT, version INT, key TEXT, value TEXT);
CREATE TABLE runs (run_uuid TEXT, experiment_id INT);
INSERT INTO registered_model_aliases VALUES ('hemline', 'champion', 7);
INSERT INTO model_versions VALUES ('hemline', 7, 'abc', 0);
INSERT INTO model_version_tags VALUES ('hemline', 7, 'cut', '2020-09-16');
INSERT INTO runs VALUES ('abc', 3);
"""
WORKER = """
from hemline.shop.shop_metrics import ShopMetrics

metrics = ShopMetrics()
metrics.requests.labels("/events", "200").inc(2)
metrics.requests.labels("/events", "503").inc()
metrics.events.labels("view").inc(2)
metrics.events.labels("impression").inc(5)
"""


def panels(root: Path) -> dict[str, ControlPanel]:
    return {panel.title: panel for panel in control_panels(root, WHERE)}


def database(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.executescript(script)


def test_before_anything_has_run_every_panel_says_what_to_do(tmp_path: Path) -> None:
    shown = panels(tmp_path)
    assert shown["Champion"].lead == "none yet"
    assert shown["This week"].lead == "no verdict yet"
    assert shown["Last training"].lead == "none yet"
    assert shown["Shop"].lead == "does not run"
    assert shown["Alerts"].lead == "none"
    assert shown["Experiments"].lead == "none"
    assert "make shop" in shown["Shop"].notes[0]


def test_a_running_experiment_is_shown_with_its_last_step(tmp_path: Path) -> None:
    folder = experiments_folder(tmp_path)
    plan_experiment(folder, PLAN)
    assert panels(tmp_path)["Experiments"].lead == "prices is planned"
    add_step(folder, "prices", "started", exposed=0.1, reason="as planned", at=NOW)
    shown = panels(tmp_path)["Experiments"]
    assert (shown.lead, shown.tone) == ("prices is running", "holds")
    assert "Shown to 5% of the traffic." in shown.notes
    assert f"{NOW:%Y-%m-%d %H:%M}, started: as planned" in shown.notes
    assert not shown.links
    write_experiment(tmp_path, read_experiment(folder, "prices"), None, NOW, problem="no log")
    write_index(tmp_path)
    links = panels(tmp_path)["Experiments"].links
    assert links == {
        "What prices shows": "experiments/prices.html",
        "All experiments": "experiments/index.html",
    }
    assert all((tmp_path / "reports" / each).is_file() for each in links.values())
    (folder / "damaged.json").write_text("{")
    assert panels(tmp_path)["Experiments"].lead == "cannot be read"


def test_a_running_canary_is_shown_beside_the_champion(tmp_path: Path) -> None:
    database(tmp_path / ".hemline/mlflow.db", REGISTRY)
    folder = experiments_folder(tmp_path)
    plan_experiment(folder, PLAN.model_copy(update={"canary_days": 2.0}))
    assert not [note for note in panels(tmp_path)["Champion"].notes if "canary" in note]
    add_step(folder, "prices", "started", exposed=0.1, reason="it passed the gate", at=NOW)
    shown = panels(tmp_path)
    assert "Version 2 is in canary (prices)" in shown["Champion"].notes[-1]
    assert "2.5% of them now" in shown["Champion"].notes[-1]
    assert "each step of at least 2 days" in shown["Experiments"].notes[0]


def test_an_experiment_without_two_arms_says_what_it_does(tmp_path: Path) -> None:
    changes = {"kind": "bandit", "versions": (1, 2, 3)}
    plan_experiment(experiments_folder(tmp_path), PLAN.model_copy(update=changes))
    assert panels(tmp_path)["Experiments"].notes[0] == "Compares: bandit over 1, 2, 3."


def test_links_lead_to_the_version_and_the_runs(tmp_path: Path) -> None:
    database(tmp_path / ".hemline/mlflow.db", REGISTRY)
    note_run(tmp_path, "train", "run-1", NOW)
    note_run(tmp_path, "train", "run-2", NOW)
    shown = panels(tmp_path)
    assert shown["Champion"].lead == "version 7"
    assert "2020-09-16" in shown["Champion"].notes[0]
    assert list(shown["Champion"].links.values())[:2] == [
        "http://mlflow/#/models/hemline/versions/7",
        "http://mlflow/#/experiments/3/runs/abc",
    ]
    run = shown["Last training"].links["Last run of train"]
    assert run == "http://prefect/runs/flow-run/run-2"


def test_the_week_shows_its_decision_and_its_page(tmp_path: Path) -> None:
    folder = tmp_path / ".hemline/monitoring/decisions"
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    for day, retrain in ((9, False), (16, True)):
        decision = {
            "week_end": date(2020, 9, day),
            "retrain": retrain,
            "pages_a_person": False,
            "confirmed": ["price"] if retrain else [],
            "candidates": [],
            "reasons": ["drift is confirmed."] if retrain else [],
            "version": None,
            "model_age_days": None,
            "map_at_12": None,
            "popularity_map_at_12": None,
        }
        append_decision(folder, decision, decided_at=NOW)
    shown = panels(tmp_path)["This week"]
    assert shown.lead == "train again"
    assert shown.notes == ("Confirmed drift: like-for-like price.", "drift is confirmed.")
    assert "http://pages/monitoring/2020-09-16/index.html" in shown.links.values()


def test_scores_and_traffic_are_numbers(tmp_path: Path) -> None:
    scores = tmp_path / "reports/scores.json"
    scores.parent.mkdir()
    scores.write_text(json.dumps({"served": {"map@12": 0.1}, "popularity": {"map@12": 0.03}}))
    os.utime(scores, (NOW.timestamp(), NOW.timestamp()))
    shown = panels(tmp_path)
    assert shown["Last training"].lead == "MAP@12 0.1000"
    assert shown["Last training"].notes == ("Popularity has 0.0300.", "Scored on 2020-09-23.")


def test_the_shop_is_shown_where_it_runs_whatever_store_holds_its_events(tmp_path: Path) -> None:
    with announced(tmp_path, "0.0.0.0", 8123):  # noqa: S104  (nothing listens)
        folder = metrics_folder(tmp_path, 8123)
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", WORKER],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
            check=True,
        )
        shown = panels(tmp_path)["Shop"]
    assert shown.lead == "2 events of visitors"
    assert shown.notes[0].startswith("3 requests since 20")
    assert shown.notes[1:3] == ("Failed: 1.", "Events: impression 5, view 2.")
    assert shown.links["The shop"] == "http://127.0.0.1:8123"
    assert panels(tmp_path)["Shop"].lead == "does not run"


def test_a_shop_that_was_killed_does_not_run(tmp_path: Path) -> None:
    announce = (
        "import sys; from pathlib import Path; from hemline.shop.running_shops import announced\n"
        "with announced(Path(sys.argv[1]), '127.0.0.1', 8123): print('up', flush=True); input()"
    )
    shop = subprocess.Popen(
        [sys.executable, "-c", announce, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with shop:
        assert shop.stdout is not None
        assert shop.stdout.readline() == b"up\n"
        [running] = running_shops(tmp_path)
        assert running.address == "http://127.0.0.1:8123"
        shop.kill()
    assert list(tmp_path.rglob("running-8123.json"))
    assert running_shops(tmp_path) == []


def test_what_is_damaged_costs_one_panel(tmp_path: Path) -> None:
    database(tmp_path / ".hemline/mlflow.db", REGISTRY)
    for damaged in (".hemline/shop/running-8000.json", "reports/scores.json"):
        (tmp_path / damaged).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / damaged).write_text("not what it was")
    shown = panels(tmp_path)
    assert shown["Shop"].lead == shown["Last training"].lead == "cannot be read"
    assert shown["Champion"].lead == "version 7"
