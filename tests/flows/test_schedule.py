"""The deployments and automations: what the repository says becomes runs on a real server.

With sqlalchemy 2.1 everything below deploys without a word and no run is ever scheduled.
"""

import json
import logging
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5
from zoneinfo import ZoneInfo

import pytest
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deploy import automations
from hemline.identity import project_id
from monitoring.alerts.outbox import Outbox
from monitoring.alerts.retrain_events import (
    EventName,
    StoredEvent,
    deliver_events,
    read_events,
)
from tests.processes import eventually, free_ports
from tests.servers import ask, server_environment, serving
from tests.tiny_project import REPOSITORY, copy_project, run

LOGGER = logging.getLogger(__name__)
PROJECT = project_id(REPOSITORY)
WEEKS = iter(
    [date(2020, 5, 6), date(2020, 6, 3), date(2020, 7, 1), date(2020, 8, 5), date(2020, 9, 9)]
)  # one a test: a server forgets none


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a server answers; everything was deployed twice."""
    home = tmp_path_factory.mktemp("prefect")
    environment = server_environment(home, free_ports(1)[0])
    with serving(home, environment):
        for _ in range(2):
            run(REPOSITORY, sys.executable, "-m", "flows.deploy", env=environment)
        yield environment


@pytest.fixture
def here(server: dict[str, str]) -> Iterator[None]:
    """This process talks to the server."""
    with temporary_settings({PREFECT_API_URL: server["PREFECT_API_URL"]}):
        yield


@pytest.fixture(scope="module")
def training(server: dict[str, str]) -> Any:
    return ask(server, f"deployments/name/train/weekly-{PROJECT}")


@pytest.fixture(scope="module")
def monitoring(server: dict[str, str]) -> Any:
    return ask(server, f"deployments/name/monitor/weekly-{PROJECT}")


def test_one_weekly_run_at_a_time_and_the_next_one_waits(training: Any, monitoring: Any) -> None:
    for deployment in (training, monitoring):
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"


def test_the_shop_is_looked_at_before_it_is_trained_on(training: Any, monitoring: Any) -> None:
    assert training["schedules"][0]["schedule"]["cron"] == "0 4 * * 1"
    assert monitoring["schedules"][0]["schedule"]["cron"] == "0 3 * * 1"


def test_a_worker_finds_the_flows_in_the_project_folder(training: Any, monitoring: Any) -> None:
    for deployment in (training, monitoring):
        (step,) = deployment["pull_steps"]
        (settings,) = step.values()
        assert (Path(settings["directory"]) / deployment["entrypoint"].split(":")[0]).is_file()


def test_the_schedules_become_scheduled_runs(
    server: dict[str, str], training: Any, monitoring: Any
) -> None:
    for deployment in (training, monitoring):
        mine = {"deployments": {"id": {"any_": [deployment["id"]]}}}
        assert eventually(lambda mine=mine: ask(server, "flow_runs/filter", mine), seconds=90)
        runs = ask(server, "flow_runs/filter", mine)
        assert {one["state"]["type"] for one in runs} == {"SCHEDULED"}
        times = [datetime.fromisoformat(one["expected_start_time"]) for one in runs]
        stockholm = ZoneInfo("Europe/Stockholm")
        assert {time.astimezone(stockholm).isoweekday() for time in times} == {1}


def test_deploying_twice_doubles_no_automation(server: dict[str, str]) -> None:
    names = [automation["name"] for automation in ask(server, "automations/filter", {})]
    assert sorted(names) == [
        f"a run of hemline-{PROJECT} without a heartbeat has crashed",
        "the monitor's decision starts a training",
    ]


@pytest.mark.parametrize(("project", "is_ours"), [(PROJECT, True), ("0123456789ab", False)])
def test_only_our_own_runs_are_watched_for_heartbeats(project: str, is_ours: bool) -> None:
    (automation,) = automations(REPOSITORY)
    trigger = EventTrigger.model_validate(automation.trigger.model_dump(mode="json"))
    tag = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.hemline-{project}"}
    for event in ("heartbeat", "Completed"):
        seen = ReceivedEvent.model_validate(
            {
                "occurred": datetime.now(tz=UTC),
                "event": f"prefect.flow-run.{event}",
                "resource": {"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
                "related": [tag],
                "id": uuid4(),
            }
        )
        assert trigger.covers_resources(seen.resource, seen.related) == is_ours


def test_a_run_that_is_watched_carries_the_tag_of_its_project(
    training: Any, monitoring: Any
) -> None:
    for deployment in (training, monitoring):
        assert f"hemline-{PROJECT}" in deployment["tags"]
        assert deployment["work_pool_name"] == f"hemline-{PROJECT}"


@pytest.mark.usefixtures("here")
@pytest.mark.slow
def test_another_clone_on_the_same_server_is_left_alone(
    server: dict[str, str], tmp_path: Path
) -> None:
    week_end = next(WEEKS)
    clone = copy_project(tmp_path / "clone")
    run(clone, sys.executable, "-m", "flows.deploy", env=server)
    deployed = {one["name"] for one in ask(server, "deployments/filter", {})}
    assert deployed == {f"weekly-{PROJECT}", f"weekly-{project_id(clone)}"}
    outbox = tmp_path / "outbox"
    store(outbox, week_end, "hemline.drift.confirmed", retrain=True)
    shutil.copytree(outbox, copied := tmp_path / "copied outbox")
    oldest = date(2020, 1, 1)
    for folder, project in ((outbox, PROJECT), (copied, project_id(clone))):
        deliver_events(folder, project=project, oldest=oldest, logger=LOGGER)
        assert stored(folder).progress == "in training"
    tags = sorted(tag for one in trainings(server, week_end) for tag in one["tags"])
    assert tags == sorted(
        ["training", "training", f"hemline-{PROJECT}", f"hemline-{project_id(clone)}"]
    )


@pytest.mark.usefixtures("here")
def test_a_decision_to_retrain_starts_one_training_that_knows_the_day(
    server: dict[str, str], tmp_path: Path
) -> None:
    week_end = next(WEEKS)
    assert announced(tmp_path, week_end, "hemline.drift.confirmed", retrain=True) == "in training"
    assert announced(tmp_path, week_end, "hemline.drift.confirmed", retrain=True) == "in training"
    (started,) = trainings(server, week_end)
    assert started["parameters"]["cut"] is None


@pytest.mark.usefixtures("here")
def test_a_decision_not_to_retrain_is_sent_and_starts_nothing(
    server: dict[str, str], tmp_path: Path
) -> None:
    week_end = next(WEEKS)
    assert announced(tmp_path, week_end, "hemline.drift.confirmed", retrain=False) == "done"
    confirmed = {"filter": {"event": {"name": ["hemline.drift.confirmed"]}}}
    payloads = [event["payload"] for event in ask(server, "events/filter", confirmed)["events"]]
    assert {"week_end": week_end.isoformat(), "retrain": False, "attempt": 1} in payloads
    assert not trainings(server, week_end)


@pytest.mark.usefixtures("here")
@pytest.mark.slow
def test_a_training_that_crashed_is_requested_again_and_one_that_failed_is_not(
    server: dict[str, str], tmp_path: Path
) -> None:
    week_end = next(WEEKS)
    assert announced(tmp_path, week_end, "hemline.drift.ok", retrain=True) == "in training"
    end(server, trainings(server, week_end)[0], "CRASHED")
    assert announced(tmp_path, week_end, "hemline.drift.ok", retrain=True) == "in training"
    assert stored(tmp_path).attempt == 2
    (again,) = (one for one in trainings(server, week_end) if one["state_type"] != "CRASHED")
    end(server, again, "FAILED")
    forget_events(server)
    assert announced(tmp_path, week_end, "hemline.drift.ok", retrain=True) == "done"
    assert stored(tmp_path).attempt == 2
    assert len(trainings(server, week_end)) == 2


def test_without_a_server_an_event_waits_and_the_run_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert announced(tmp_path, date(2020, 9, 2), "hemline.drift.ok", retrain=True) == "waiting"
    assert "make deploy" in caplog.text


@pytest.mark.usefixtures("here")
def test_an_event_overtaken_by_newer_weeks_is_given_up(tmp_path: Path) -> None:
    store(tmp_path, date(2020, 1, 1), "hemline.drift.confirmed", retrain=True)
    (event,) = deliver_events(tmp_path, project=PROJECT, oldest=date(2020, 3, 1), logger=LOGGER)
    assert event.progress == "given up"
    assert not deliver_events(tmp_path, project=PROJECT, oldest=date(2020, 3, 1), logger=LOGGER)


@pytest.mark.usefixtures("here")
def test_an_event_stored_before_as_of_became_week_end_starts_its_training(
    server: dict[str, str], tmp_path: Path
) -> None:
    week_end = next(WEEKS)
    payload = {"as_of": week_end.isoformat(), "retrain": True}
    old = {"name": "hemline.drift.ok", "as_of": week_end.isoformat(), "payload": payload}
    old |= {"attempt": 0, "progress": "waiting"}
    (tmp_path / f"{week_end}.json").write_text(json.dumps(old), encoding="utf-8")
    assert announced(tmp_path, week_end, "hemline.drift.ok", retrain=True) == "in training"
    assert len(trainings(server, week_end)) == 1
    assert stored(tmp_path).id == uuid5(
        NAMESPACE_URL, f"hemline:{PROJECT}:{week_end}:hemline.drift.ok:1"
    )


def announced(outbox: Path, week_end: date, name: EventName, *, retrain: bool) -> str:
    store(outbox, week_end, name, retrain=retrain)
    deliver_events(outbox, project=PROJECT, oldest=date(2020, 1, 1), logger=LOGGER)
    return stored(outbox).progress


def store(outbox: Path, week_end: date, name: EventName, *, retrain: bool) -> None:
    payload = {"retrain": retrain}
    event = StoredEvent(name=name, week_end=week_end, payload=payload, project=PROJECT)
    Outbox(outbox, StoredEvent).add(event)


def stored(outbox: Path) -> StoredEvent:
    (event,) = read_events(outbox)
    return event


def trainings(server: dict[str, str], week_end: date) -> list[Any]:
    runs = ask(server, "flow_runs/filter", {"flows": {"name": {"any_": ["train"]}}})
    return [one for one in runs if one["parameters"].get("week_end") == week_end.isoformat()]


def forget_events(server: dict[str, str]) -> None:
    """Do what the server itself does to events after a week."""
    with closing(sqlite3.connect(Path(server["PREFECT_HOME"]) / "prefect.db", timeout=60)) as it:
        it.execute("delete from events")
        it.commit()


def end(server: dict[str, str], training: Any, state: str) -> None:
    ask(server, f"flow_runs/{training['id']}/set_state", {"state": {"type": state}, "force": True})
