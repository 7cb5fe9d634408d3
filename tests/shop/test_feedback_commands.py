"""`hemline feedback` as a command: what is written, and who is forgotten."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from hemline.cli import app
from hemline.data.acquire.feedback_events import read_events
from hemline.shop.event_log import EventLog, ShopEvent
from hemline.shop.session_stores import open_log
from tests.redis_server import DURABLE, needs_redis, redis_server
from tests.tiny_project import REPOSITORY

ANNA, BEN, GUEST = "a" * 64, "b" * 64, "guest:anna-before"


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def log(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EventLog]:
    """The events of a project, the current folder, which holds nothing else."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        opened = open_log("sqlite:.hemline/shop/events.db", tmp_path)
        yield opened
        opened.close()
        return
    with redis_server(tmp_path, *DURABLE) as url:
        monkeypatch.setenv("HEMLINE_SHOP_EVENTS", url)
        opened = open_log(url, tmp_path)
        yield opened
        opened.close()


def hemline(*arguments: str) -> Result:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    return done


def append(log: EventLog, key: str, visitor: str, **changes: object) -> None:
    event = ShopEvent("purchase", visitor, "0108775015", key, datetime.now(UTC), price=0.02)
    log.append([replace(event, **changes)]).result(timeout=20)  # type: ignore[arg-type]


def test_who_is_forgotten_is_in_no_log_and_no_exported_day(log: EventLog, tmp_path: Path) -> None:
    append(log, "1", GUEST)
    append(log, "2", f"customer:{ANNA}", guest=GUEST)
    append(log, "3", f"customer:{BEN}")
    folder = tmp_path / "data" / "feedback"
    assert "2020-09-23.parquet" in hemline("feedback", "export", "--close-today").stdout
    assert read_events(folder)["visitor"].to_pylist() == [
        f"customer:{one}" for one in (ANNA, ANNA, BEN)
    ]
    told = hemline("feedback", "forget", "--customer", ANNA)
    assert told.stdout.strip() == "2 events of the log and 1 exported days no longer name them."
    assert log.of(f"customer:{ANNA}") == log.of(GUEST) == []
    assert [one.event.key for one in log.since(0, 10)] == ["3"]
    assert set(read_events(folder)["visitor"].to_pylist()) == {f"customer:{BEN}"}
    assert "No day is complete" in hemline("feedback", "export", "--close-today").stdout
    again = hemline("feedback", "forget", "--customer", ANNA)
    assert again.stdout.strip() == "0 events of the log and 0 exported days no longer name them."
    log.close()
    stored = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path.suffix in {".db", ".parquet"}
    ]
    assert not any(ANNA.encode() in path.read_bytes() for path in stored)
    assert not any(GUEST.encode() in path.read_bytes() for path in stored)
