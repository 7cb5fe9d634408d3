"""A week's record is whole or absent, and no record that was reported as written is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from hemline.errors import BadInput
from monitoring.records import (
    DECISION_SCHEMA,
    PERFORMANCE_SCHEMA,
    append_decision,
    read_all,
    record_path,
    write_once,
)
from tests.tiny_project import REPOSITORY

WEEK_END = date(2020, 9, 16)
NOON = datetime(2020, 9, 16, 12, tzinfo=UTC)


def decision(week_end: date = WEEK_END, **changes: object) -> dict[str, object]:
    return {
        "week_end": week_end,
        "retrain": True,
        "pages_a_person": False,
        "confirmed": ["price"],
        "candidates": [],
        "reasons": ["price is unlike the season", "the model is 49 days old"],
        "version": "3",
        "model_age_days": 49,
        "map_at_12": 0.09,
        "popularity_map_at_12": 0.04,
    } | changes


def measured(week_end: date, version: str) -> pd.DataFrame:
    numbers = dict.fromkeys(("map_at_12", "popularity_map_at_12", "difference", "low", "high"), 0.5)
    row = {
        "week_end": week_end,
        "version": version,
        "version_cut": WEEK_END,
        "n_buyers": 7,
        "note": "",
    }
    return pd.DataFrame([row | numbers])


def test_the_first_decision_about_a_week_is_the_one_that_counts(tmp_path: Path) -> None:
    assert append_decision(tmp_path, decision(), decided_at=NOON)
    assert not append_decision(tmp_path, decision(retrain=False), decided_at=NOON)
    log = read_all(tmp_path, DECISION_SCHEMA)
    assert log["retrain"].tolist() == [True]
    assert log["reasons"].tolist() == [["price is unlike the season", "the model is 49 days old"]]
    assert log["candidates"].tolist() == [[]]
    assert log["week_end"].tolist() == [WEEK_END]
    assert log["decided_at"].tolist() == [pd.Timestamp(NOON)]


def test_the_log_is_in_order_and_pandas_reads_the_folder(tmp_path: Path) -> None:
    weeks = [WEEK_END, WEEK_END - timedelta(weeks=2), WEEK_END - timedelta(weeks=1)]
    for week_end in weeks:
        append_decision(tmp_path, decision(week_end), decided_at=NOON)
    assert read_all(tmp_path, DECISION_SCHEMA)["week_end"].tolist() == sorted(weeks)
    whole = pd.read_parquet(tmp_path)
    assert whole["week_end"].tolist() == sorted(weeks)
    assert list(whole.columns) == DECISION_SCHEMA.names


def test_a_decision_without_a_champion_has_no_version_and_no_number(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("version", "model_age_days", "map_at_12", "popularity_map_at_12"))
    append_decision(tmp_path, decision(**nothing), decided_at=NOON)
    assert read_all(tmp_path, DECISION_SCHEMA)[list(nothing)].isna().all(axis=None)


def test_a_log_that_nobody_wrote_to_is_empty_and_has_its_columns(tmp_path: Path) -> None:
    log = read_all(tmp_path / "none", DECISION_SCHEMA)
    assert log.empty
    assert list(log.columns) == DECISION_SCHEMA.names


def test_a_week_is_known_by_a_date_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="week_end"):
        append_decision(tmp_path, decision() | {"week_end": "2020-09-16"}, decided_at=NOON)


def test_a_record_that_lacks_a_column_is_refused_by_name(tmp_path: Path) -> None:
    measured(WEEK_END, "3").drop(columns="note").to_parquet(record_path(tmp_path, WEEK_END))
    with pytest.raises(BadInput, match=r"2020-09-16\.parquet(.|\n)*no note"):
        read_all(tmp_path, PERFORMANCE_SCHEMA)


def test_records_from_before_columns_were_renamed_are_read(tmp_path: Path) -> None:
    old_names = {"week_end": "as_of", "version_cut": "version_as_of"}
    write_once(tmp_path / "new", WEEK_END, measured(WEEK_END, "3"), PERFORMANCE_SCHEMA)
    new = pq.read_table(record_path(tmp_path / "new", WEEK_END))
    (tmp_path / "old").mkdir()
    old = new.rename_columns([old_names.get(name, name) for name in new.column_names])
    pq.write_table(old, record_path(tmp_path / "old", WEEK_END))
    assert "as_of" in pq.read_schema(record_path(tmp_path / "old", WEEK_END)).names
    pd.testing.assert_frame_equal(
        read_all(tmp_path / "old", PERFORMANCE_SCHEMA),
        read_all(tmp_path / "new", PERFORMANCE_SCHEMA),
    )


def test_what_a_killed_writer_left_is_not_read_and_then_removed(tmp_path: Path) -> None:
    write_once(tmp_path, WEEK_END, measured(WEEK_END, "3"), PERFORMANCE_SCHEMA)
    later = WEEK_END + timedelta(weeks=1)
    half = tmp_path / f".{record_path(tmp_path, later).name}.unfinished"
    half.write_bytes(b"PAR1 and no more")
    assert len(read_all(tmp_path, PERFORMANCE_SCHEMA)) == len(pd.read_parquet(tmp_path)) == 1
    assert write_once(tmp_path, later, measured(later, "3"), PERFORMANCE_SCHEMA)
    assert not half.exists()
    assert len(read_all(tmp_path, PERFORMANCE_SCHEMA)) == 2


def writer(folder: Path, name: str, n_weeks: int) -> subprocess.Popen[str]:
    """Start a process that writes one week after the other and prints a line for each it wrote."""
    code = f"""
import sys
from datetime import date, timedelta
from pathlib import Path
from monitoring.records import PERFORMANCE_SCHEMA, write_once
from tests.monitoring.test_records import measured
print("ready", flush=True)
sys.stdin.readline()
for week in range({n_weeks}):
    week_end = date(2000, 1, 5) + timedelta(weeks=week)
    row = measured(week_end, {name!r})
    if write_once(Path({str(folder)!r}), week_end, row, PERFORMANCE_SCHEMA):
        print(week_end, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_two_processes_exactly_one_writes_each_week(tmp_path: Path) -> None:
    n_weeks = 60
    racers = {name: writer(tmp_path, name, n_weeks) for name in ("left", "right")}
    for process in racers.values():
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    reported = {
        name: process.communicate(timeout=60)[0].split() for name, process in racers.items()
    }
    assert [process.returncode for process in racers.values()] == [0, 0]
    stored = read_all(tmp_path, PERFORMANCE_SCHEMA)
    assert len(stored) == n_weeks
    for name, weeks in reported.items():
        assert stored.loc[stored["version"] == name, "week_end"].map(str).tolist() == weeks


def test_killing_the_writer_anywhere_loses_no_record_and_leaves_no_half(tmp_path: Path) -> None:
    reported: set[str] = set()
    for kill_after in (1, 3, 8, 20):
        process = writer(tmp_path, "killed", 100_000)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        reported |= {process.stdout.readline().strip() for _ in range(kill_after)}
        process.send_signal(signal.SIGKILL)
        reported |= set(process.communicate(timeout=60)[0].split())
        assert process.returncode == -signal.SIGKILL
        stored = read_all(tmp_path, PERFORMANCE_SCHEMA)["week_end"].map(str).tolist()
        # The last record may have been written without the time to say so.
        assert reported <= set(stored)
        assert len(stored) - len(reported) <= 4
    following = date.fromisoformat(stored[-1]) + timedelta(weeks=1)
    assert write_once(tmp_path, following, measured(following, "next"), PERFORMANCE_SCHEMA)
    assert [path.name for path in tmp_path.glob(".*")] == [".lock"]


DAMAGES = {
    "emptied": lambda _: b"",
    "cut short": lambda content: content[:-30],
    "zeros": lambda content: bytes(len(content)),
    "one bit": lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
    "csv": lambda _: b"week_end,version\n",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_is_named_with_the_way_back(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    write_once(tmp_path, WEEK_END, measured(WEEK_END, "3"), PERFORMANCE_SCHEMA)
    path = record_path(tmp_path, WEEK_END)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match=r"2020-09-16\.parquet is the record of the week") as refused:
        read_all(tmp_path, PERFORMANCE_SCHEMA)
    assert f"move 2020-09-16.parquet out of {tmp_path}" in refused.value.fix
    path.unlink()
    assert read_all(tmp_path, PERFORMANCE_SCHEMA).empty


def test_a_record_of_other_types_or_of_another_week_is_refused(tmp_path: Path) -> None:
    path = record_path(tmp_path, WEEK_END)
    measured(WEEK_END, "3").assign(n_buyers="many").to_parquet(path)
    with pytest.raises(BadInput, match="many"):
        read_all(tmp_path, PERFORMANCE_SCHEMA)
    path.unlink()
    write_once(tmp_path, WEEK_END, measured(date(2020, 9, 9), "3"), PERFORMANCE_SCHEMA)
    with pytest.raises(BadInput, match="found: it holds the week before 2020-09-09"):
        read_all(tmp_path, PERFORMANCE_SCHEMA)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match="is the record of the week before"):
        read_all(tmp_path, PERFORMANCE_SCHEMA)
