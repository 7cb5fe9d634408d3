"""Past weeks evaluated again, on the tiny trained project."""

import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.project import ALARMS, Project
from flows.replay import replay
from hemline.errors import BadInput
from monitoring.records import MonitorRecords
from tests.crawler import broken_links
from tests.tiny_project import COPIED_FILES

FIRST, LAST = date(2020, 8, 26), date(2020, 9, 9)


@pytest.fixture(scope="module")
def replayed(trained: Path) -> Path:
    return replay(FIRST, LAST, trained)


def test_a_replay_evaluates_every_week_and_writes_the_alarm_history(replayed: Path) -> None:
    alarms = pd.read_csv(replayed / f"{ALARMS}.csv")
    assert alarms["week_end"].tolist() == ["2020-08-26", "2020-09-02", "2020-09-09"]
    assert (replayed / f"{ALARMS}.md").read_text().count("\n") == 2 + len(alarms)
    assert (replayed / "pages" / "index.html").is_file()
    pages = [
        MonitorRecords(replayed).page_of(date.fromisoformat(day)) for day in alarms["week_end"]
    ]
    assert all(page.exists() for page in pages)


def test_every_page_of_a_replay_says_so_and_makes_no_statement_about_the_live_champion(
    replayed: Path,
) -> None:
    for page in (replayed / "pages").rglob("index.html"):
        text = page.read_text(encoding="utf-8")
        assert "<title>REPLAY: " in text
        assert "<h1>REPLAY: " in text
        assert "No alert was\nsent" in text or "No alert was sent" in text
        assert "The champion is" not in text.replace("The champion is the one", "")
        assert not re.search("nobody is paged|a person is paged|days? ago|Alerts waiting", text)
    week = (replayed / "pages" / str(LAST) / "index.html").read_text(encoding="utf-8")
    # The champion's cut is stated once, and the age that the replay assumes never as its own.
    assert "trained on purchases before 2020-09-16" in week
    assert "In this replay the model counts as 21 days old" in week
    assert "assumed age in this replay: 21 days" in week
    with get_client(sync_client=True) as client:
        key = ArtifactFilter(key=ArtifactFilterKey(any_=[ALARMS]))
        artifacts = client.read_artifacts(artifact_filter=key)
    assert all("## REPLAY: " in str(artifact.data) for artifact in artifacts)
    assert broken_links(Path(replayed.parents[3]) / ".hemline" / "pages") == []


def test_a_replay_sends_no_alerts_and_leaves_the_live_records_alone(trained: Path) -> None:
    live = Project.at(trained).monitoring
    kinds = ("decisions", "verdicts", "performance", "alerts", "events", "pages")
    before = [sorted((live / name).rglob("*")) for name in kinds]
    folder = replay(FIRST, FIRST, trained)
    assert [sorted((live / name).rglob("*")) for name in kinds] == before
    assert not (folder / "alerts").exists()
    assert not (folder / "events").exists()


def test_a_stopped_replay_resumes(replayed: Path, trained: Path) -> None:
    before = MonitorRecords(replayed).decisions
    (replayed / "decisions" / f"{LAST}.parquet").unlink()
    assert replay(FIRST, LAST, trained, pages=False) == replayed
    after = MonitorRecords(replayed).decisions
    assert after["decided_at"].tolist()[:2] == before["decided_at"].tolist()[:2]
    assert after["decided_at"].tolist()[2] > before["decided_at"].tolist()[2]
    columns = [name for name in before.columns if name != "decided_at"]
    pd.testing.assert_frame_equal(after[columns], before[columns])


def test_a_fresh_replay_has_a_folder_of_its_own(replayed: Path, trained: Path) -> None:
    again = replay(FIRST, FIRST, trained, pages=False)
    fresh = replay(FIRST, FIRST, trained, fresh=True, pages=False)
    assert len({replayed, again, fresh}) == 3


def test_what_came_later_changes_no_verdict(replayed: Path, trained: Path, tmp_path: Path) -> None:
    """The tables cut off at each week's end give the verdicts that the whole tables gave."""
    project = Project.at(trained)
    for name in COPIED_FILES:
        shutil.copy(trained / name, tmp_path / name)
    tables = tmp_path / project.tables
    shutil.copytree(trained / project.tables, tables)
    whole = trained / project.tables / "transactions.parquet"
    with duckdb.connect() as connection:
        known = connection.read_parquet(str(whole)).filter(f"t_dat < date '{LAST}'")
        known.write_parquet(str(tables / "transactions.parquet"))
    alone = replay(LAST, LAST, tmp_path, pages=False)
    verdicts = MonitorRecords(replayed).verdicts
    expected = verdicts[verdicts["week_end"] == LAST].reset_index(drop=True)
    pd.testing.assert_frame_equal(MonitorRecords(alone).verdicts, expected)


def test_half_a_week_is_refused(trained: Path) -> None:
    with pytest.raises(BadInput, match="whole number of weeks"):
        replay(FIRST, date(2020, 9, 5), trained)
