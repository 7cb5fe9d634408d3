from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hemline.data.acquire.feedback_events import read_events
from hemline.errors import BadInput
from hemline.shop.event_log import EventLog, ShopEvent
from hemline.shop.feedback_export import export_days, forget_in_days
from hemline.shop.shop_clock import ShopClock
from hemline.shop.sqlite_log import SqliteLog

ANNA, GUEST = "customer:anna", "guest:1"
FIRST = date(2020, 9, 23)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    opened = SqliteLog(tmp_path / "events.db")
    yield opened
    opened.close()


def append(log: EventLog, key: str, day: int, hour: int = 12, **changes: object) -> None:
    at = datetime(2026, 5, day, hour, tzinfo=UTC)
    event = ShopEvent("purchase", ANNA, "0108775015", key, at, price=0.02)
    log.append([replace(event, **changes)]).result(timeout=20)  # type: ignore[arg-type]


def export(log: EventLog, folder: Path, today: int, *, close_today: bool = False) -> list[str]:
    clock = ShopClock(date(2026, 5, 1), FIRST)
    now = clock.day_of(datetime(2026, 5, today, tzinfo=UTC))
    written = export_days(
        log, folder, day_of=clock.day_of, today=now, close_today=close_today
    )  # fmt: skip
    return [path.stem for path in written]


def test_each_complete_day_is_a_file_and_each_event_in_one(log: EventLog, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    assert export(log, folder, today=1) == []
    append(log, "1", 1)
    append(log, "2", 1, kind="unlike")
    append(log, "3", 3)
    assert export(log, folder, today=3) == ["2020-09-23"]
    assert export(log, folder, today=3) == []
    append(log, "4", 3)
    assert export(log, folder, today=4) == ["2020-09-25"]
    told = read_events(folder)
    assert told["sequence"].to_pylist() == [1, 2, 3, 4]
    assert told["t_dat"].to_pylist() == [FIRST, FIRST, date(2020, 9, 25), date(2020, 9, 25)]
    assert told["kind"].to_pylist() == ["purchase", "unlike", "purchase", "purchase"]


def test_what_comes_after_a_day_was_ended_is_the_next_days(log: EventLog, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    append(log, "1", 1)
    assert export(log, folder, today=1, close_today=True) == ["2020-09-23"]
    append(log, "2", 1, hour=13)
    append(log, "late", 1, hour=11)
    assert export(log, folder, today=1, close_today=True) == []
    append(log, "3", 2)
    assert export(log, folder, today=2, close_today=True) == ["2020-09-24"]
    assert read_events(folder)["sequence"].to_pylist() == [1, 2, 3, 4]


def test_a_file_is_never_changed(log: EventLog, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    append(log, "1", 1)
    append(log, "2", 2)
    export(log, folder, today=3)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert {path.stat().st_mode & 0o777 for path in before} == {0o440}
    append(log, "3", 2)
    export(log, folder, today=9)
    assert {path: path.read_bytes() for path in before} == before
    last = max(folder.iterdir())
    last.chmod(0o600)
    last.write_bytes(last.read_bytes()[:-50])
    with pytest.raises(BadInput, match="as `hemline feedback export` wrote it, and stays so"):
        export(log, folder, today=10)


def test_another_log_goes_on_after_the_last_day(log: EventLog, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    append(log, "1", 2)
    export(log, folder, today=3)
    other = SqliteLog(tmp_path / "other.db")
    append(other, "1", 1)
    append(other, "2", 5)
    assert export(other, folder, today=6) == ["2020-09-25", "2020-09-27"]
    other.close()
    assert len(read_events(folder)) == 3


def test_who_is_forgotten_is_in_no_file(log: EventLog, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    append(log, "1", 1)
    append(log, "2", 1, visitor="customer:ben")
    append(log, "3", 2, visitor="customer:ben")
    export(log, folder, today=3)
    assert [path.stem for path in forget_in_days(folder, ANNA)] == ["2020-09-23"]
    assert set(read_events(folder)["visitor"].to_pylist()) == {"customer:ben"}
    append(log, "4", 3)
    assert export(log, folder, today=4) == ["2020-09-25"]  # the files are still whole
