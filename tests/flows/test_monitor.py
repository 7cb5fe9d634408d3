"""The monitoring flow on the tiny trained project: its data end with the week before 2020-09-23."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.settings import PREFECT_API_URL

from flows.monitor import MonitorRun, main, monitor
from flows.project import Project
from flows.train import train
from monitoring.alerts.alert_delivery import StoredAlert, read_alerts
from monitoring.alerts.retrain_events import read_events
from monitoring.records import MonitorRecords
from tests.crawler import broken_links
from tests.processes import eventually
from tests.tiny_project import changed_params

# Evidently 0.7.23 reaches for names that numpy and litestar have moved.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEEK_END = date(2020, 9, 23)
LATE = date(2020, 9, 16)
EARLIER = date(2020, 9, 9)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test harness' server stores no event, so there is nothing to wait for."""
    monkeypatch.setattr("monitoring.alerts.retrain_events._WAIT_SECONDS", 0)


@pytest.fixture(scope="module")
def killed(trained: Path) -> Path:
    """The project after a first run that was killed as soon as its decision was recorded."""
    live = Project.at(trained).monitoring
    for kind in ("decisions", "verdicts", "performance", "alerts", "events"):
        shutil.rmtree(live / kind, ignore_errors=True)  # of other files' tests
    decision = live / "decisions" / f"{WEEK_END}.parquet"
    server = {"PREFECT_API_URL": PREFECT_API_URL.value() or ""}
    first = subprocess.Popen(
        [sys.executable, "-m", "flows.monitor"],
        cwd=trained,
        env={**os.environ, **server},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert eventually(decision.exists, seconds=180)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    return trained


def test_the_decision_of_a_killed_run_counts_and_the_next_run_does_what_is_missing(
    killed: Path,
) -> None:
    records = MonitorRecords(Project.at(killed).monitoring)
    before = records.decision_of(WEEK_END)
    run = completed(monitor(killed))
    assert not run.is_new
    assert run.decision == before
    assert [alert.alert.kind for alert in alerts(killed)] == ["digest"]
    assert [event.week_end for event in events(killed)] == [WEEK_END]
    assert "Week of" in run.page.read_text(encoding="utf-8")
    assert (run.page.parent / "evidently.html").is_file()
    with get_client(sync_client=True) as client:
        key = ArtifactFilter(key=ArtifactFilterKey(any_=["week"]))
        artifacts = client.read_artifacts(artifact_filter=key)
    assert "## Verdicts" in str(artifacts[0].data)


@pytest.mark.slow
def test_a_kill_between_page_and_alert_loses_neither(killed: Path) -> None:
    live = Project.at(killed).monitoring
    for kind in ("pages", "alerts", "events"):
        shutil.rmtree(live / kind, ignore_errors=True)
    server = {"PREFECT_API_URL": PREFECT_API_URL.value() or ""}
    code = (
        "import os, signal, flows.monitor as flow\n"
        "flow.announce = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "flow.monitor()"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=killed,
        env={**os.environ, **server},
        capture_output=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    pages = killed / ".hemline" / "pages"
    assert "Week of" in (pages / "monitoring" / str(WEEK_END) / "index.html").read_text("utf-8")
    assert broken_links(pages) == []
    assert alerts(killed) == events(killed) == []
    completed(monitor(killed))
    (digest,) = alerts(killed)
    assert len(events(killed)) == 1
    for address in (digest.alert.links["dashboard"], digest.alert.runbook):
        assert (pages / urlsplit(address).path[1:]).is_file()
    assert urlsplit(digest.alert.links["dashboard"]).path.endswith(f"/{WEEK_END}/index.html")
    assert "sent to log" in (pages / "monitoring" / "index.html").read_text("utf-8")


@pytest.mark.slow
def test_a_page_that_cannot_be_drawn_delays_no_alert(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Project.at(killed).monitoring
    for kind in ("pages", "alerts", "events"):
        shutil.rmtree(live / kind, ignore_errors=True)
    with monkeypatch.context() as patch:
        patch.setattr("flows.monitor_steps.write_week_page", _fail)
        state = monitor(killed, return_state=True)
    assert state.is_failed()
    (digest,) = alerts(killed)
    assert len(events(killed)) == 1
    address = urlsplit(digest.alert.links["dashboard"]).path
    assert (killed / ".hemline" / "pages" / address[1:]).is_file()
    completed(monitor(killed))
    assert len(alerts(killed)) == 1


def _fail(*_: object, **__: object) -> None:
    raise OSError("no space left")


def test_the_same_week_twice_has_one_decision_one_alert_and_one_event(killed: Path) -> None:
    first = completed(monitor(killed)).decision.decided_at
    assert completed(monitor(killed)).decision.decided_at == first
    assert len(alerts(killed)) == 1
    assert len(events(killed)) == 1


def test_an_expected_week_that_is_not_there_is_one_alert_and_no_decision(killed: Path) -> None:
    for _ in range(2):
        state = monitor(killed, expects_a_new_week=True, return_state=True)
        assert state.is_failed()
        assert "2020-09-30 lacks transactions" in str(state.message)
    assert [alert.alert.kind for alert in alerts(killed)] == ["digest", "data late"]
    assert MonitorRecords(Project.at(killed).monitoring).decision_of(date(2020, 9, 30)) is None


def test_tables_that_cannot_be_updated_are_an_alert_that_blames_no_rule(killed: Path) -> None:
    kaggle = killed / "data" / "source"
    kaggle.rename(kaggle.with_name("away"))
    try:
        state = monitor(killed, return_state=True)
    finally:
        kaggle.with_name("away").rename(kaggle)
    assert state.is_failed()
    alert = alerts(killed)[-1].alert
    assert alert.title == "The tables could not be updated"
    assert "acquire" in alert.happened
    assert "No such file" in alert.happened


@pytest.mark.parametrize("day", [date(2020, 9, 22), date(2020, 9, 30)])
def test_a_day_that_ends_no_week_of_the_data_is_refused_and_no_alert(
    killed: Path, day: date
) -> None:
    n_alerts = len(alerts(killed))
    state = monitor(killed, week_end=day, return_state=True)
    assert state.is_failed()
    assert "a Wednesday up to 2020-09-23" in str(state.message)
    assert len(alerts(killed)) == n_alerts
    assert decided(killed) == [WEEK_END]


def test_a_week_before_the_latest_decision_is_a_dry_run_without_alerts(killed: Path) -> None:
    n_alerts = len(alerts(killed))
    run = completed(monitor(killed, week_end=EARLIER))
    assert run.is_new
    assert run.is_dry_run
    assert run.standing is None
    assert run.page == dry_run_records(killed).page_of(EARLIER)
    text = run.page.read_text(encoding="utf-8")
    assert "<title>DRY RUN: Week of" in text
    assert "No alert was sent and no training was started" in text
    assert "trained on later data (its cut is 2020-09-16), so it has no age yet" in text
    assert "days old" not in text
    assert decided(killed) == [WEEK_END]
    assert len(alerts(killed)) == n_alerts
    assert [event.week_end for event in events(killed)] == [WEEK_END]


def test_a_dry_run_records_nothing_and_sends_nothing(killed: Path) -> None:
    live = Project.at(killed).monitoring
    (live / "decisions" / f"{WEEK_END}.parquet").rename(live / "away.parquet")
    before = len(alerts(killed)), len(events(killed))
    try:
        run = completed(monitor(killed, dry_run=True))
        assert decided(killed) == []
    finally:
        (live / "away.parquet").rename(live / "decisions" / f"{WEEK_END}.parquet")
    assert run.is_new
    assert run.is_dry_run
    assert run.decision.week_end == WEEK_END
    assert (len(alerts(killed)), len(events(killed))) == before


def test_a_dry_run_of_a_decided_week_changes_nothing_and_prints_the_decision_that_stands(
    killed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = live_files(killed)
    standing = MonitorRecords(Project.at(killed).monitoring).decision_of(WEEK_END)
    monkeypatch.chdir(killed)
    main(dry_run=True)
    printed = capsys.readouterr().out
    assert "Dry run: nothing is recorded, no alerts are sent." in printed
    assert f"page:    {dry_run_records(killed).page_of(WEEK_END)}" in printed
    answer = "yes" if standing.retrain else "no"
    assert f"The decision recorded before stands: retrain: {answer}. " in printed
    assert standing.reasons[0] in printed.partition("stands")[2]
    text = dry_run_records(killed).page_of(WEEK_END).read_text(encoding="utf-8")
    assert "<title>DRY RUN: Week of" in text
    assert live_files(killed) == before


@pytest.fixture(scope="module")
def behind(killed: Path) -> Path:
    """The project as if its latest decision were two weeks back."""
    live = Project.at(killed).monitoring
    monitor(killed, week_end=EARLIER)
    for kind in ("decisions", "verdicts", "performance"):
        (live / kind / f"{WEEK_END}.parquet").unlink()
        shutil.copy(dry_run_records(killed).folder / kind / f"{EARLIER}.parquet", live / kind)
    return killed


def test_weeks_that_break_a_rule_are_not_judged(behind: Path) -> None:
    with changed_params(behind, {("validate", "max_price"): 0.01}):
        state = monitor(behind, return_state=True)
    assert state.is_failed()
    assert "transactions.price" in str(state.message)
    assert decided(behind) == [EARLIER]
    refused = [one.alert for one in alerts(behind) if one.alert.kind == "validation failed"]
    assert [alert.week_end for alert in refused if alert.week_end] == [LATE, WEEK_END]


@pytest.mark.slow
def test_a_week_that_came_late_is_evaluated_with_the_next_one(behind: Path) -> None:
    assert completed(monitor(behind)).decision.week_end == WEEK_END
    assert decided(behind) == [EARLIER, LATE, WEEK_END]
    assert LATE in [event.week_end for event in events(behind)]


def test_a_training_gets_its_cut_or_week_end_and_not_both(killed: Path) -> None:
    state = train(killed, cut="latest", week_end=WEEK_END, return_state=True)
    assert state.is_failed()
    assert "either a cut or a week_end" in str(state.message)


def completed(result: Any) -> MonitorRun:
    assert isinstance(result, MonitorRun), result
    return result


def alerts(root: Path) -> list[StoredAlert]:
    """Return the alerts about the data; who was made champion depends on the tests before."""
    stored = read_alerts(Project.at(root).monitoring / "alerts")
    return [one for one in stored if one.alert.kind != "champion changed"]


def decided(root: Path) -> list[date]:
    days: list[date] = MonitorRecords(Project.at(root).monitoring).decisions["week_end"].tolist()
    return days


def dry_run_records(root: Path) -> MonitorRecords:
    return MonitorRecords(Project.at(root).monitoring / "dry-run")


def live_files(root: Path) -> dict[Path, tuple[int, bytes]]:
    """Return when each live page, record, alert and event was written, and what it holds."""
    live = Project.at(root).monitoring
    kinds = ("pages", "decisions", "verdicts", "performance", "alerts", "events", "evidently")
    files = [path for kind in kinds for path in (live / kind).rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def events(root: Path) -> list[Any]:
    return read_events(Project.at(root).monitoring / "events")
