"""The first page of `hemline ui` in every state of a project."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from flows.addresses import Addresses
from flows.control_room import ControlPanel, control_panels, note_run
from monitoring.records import append_decision

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
EVENTS = "CREATE TABLE events (kind TEXT, visitor TEXT, at_ms INT)"


def panels(root: Path) -> dict[str, ControlPanel]:
    return {panel.title: panel for panel in control_panels(root, WHERE, NOW)}


def database(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.executescript(script)


def test_before_anything_has_run_every_panel_says_what_to_do(tmp_path: Path) -> None:
    shown = panels(tmp_path)
    assert shown["Champion"].lead == "none yet"
    assert shown["This week"].lead == "no verdict yet"
    assert shown["Last training"].lead == "none yet"
    assert shown["Shop"].lead == "has not run yet"
    assert shown["Alerts"].lead == "none"
    assert "make shop" in shown["Shop"].notes[0]


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
    for day, retrain in ((9, False), (16, True)):
        decision = {
            "week_end": date(2020, 9, day),
            "retrain": retrain,
            "pages_a_person": False,
            "confirmed": ["price"] if retrain else [],
            "candidates": [],
            "reasons": ["drift is confirmed"] if retrain else [],
            "version": None,
            "model_age_days": None,
            "map_at_12": None,
            "popularity_map_at_12": None,
        }
        append_decision(folder, decision, decided_at=NOW)
    shown = panels(tmp_path)["This week"]
    assert shown.lead == "train again"
    assert shown.notes == ("Confirmed drift: price.", "drift is confirmed.")
    assert "http://pages/monitoring/2020-09-16/index.html" in shown.links.values()


def test_scores_and_traffic_are_numbers(tmp_path: Path) -> None:
    scores = tmp_path / "reports/scores.json"
    scores.parent.mkdir()
    scores.write_text(json.dumps({"served": {"map@12": 0.1}, "popularity": {"map@12": 0.03}}))
    os.utime(scores, (NOW.timestamp(), NOW.timestamp()))
    at = int(NOW.timestamp() * 1000)
    file = tmp_path / ".hemline/shop/events.db"
    database(file, EVENTS)
    ages = (("view", 0), ("unlike", 1), ("impression", 2), ("view", 8 * 86_400_000))
    with closing(sqlite3.connect(file)) as log:
        rows = [(kind, "guest:1", at - age) for kind, age in ages]
        log.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
        log.commit()
    shown = panels(tmp_path)
    assert shown["Last training"].lead == "MAP@12 0.1000"
    assert shown["Last training"].notes == ("Popularity has 0.0300.", "Scored on 2020-09-23.")
    assert shown["Shop"].lead == "2 events of visitors"
    assert shown["Shop"].notes[0] == "impression 1, unlike 1, view 1 in 7 days."


def test_what_is_damaged_costs_one_panel(tmp_path: Path) -> None:
    database(tmp_path / ".hemline/mlflow.db", REGISTRY)
    for damaged in (".hemline/shop/events.db", "reports/scores.json"):
        (tmp_path / damaged).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / damaged).write_text("not what it was")
    shown = panels(tmp_path)
    assert shown["Shop"].lead == shown["Last training"].lead == "cannot be read"
    assert shown["Champion"].lead == "version 7"
