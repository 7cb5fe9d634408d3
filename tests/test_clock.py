"""The present moment: this machine's, or that of a file which a simulation writes."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from hemline.clock import VARIABLE, now, set_clock
from hemline.errors import BadInput


def test_without_a_file_the_present_is_that_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert before <= now() <= datetime.now(UTC)


def test_time_stands_still_until_the_file_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "clock"))
    set_clock(tmp_path / "clock", datetime(2020, 9, 23, 12, tzinfo=UTC))
    assert now() == now() == datetime(2020, 9, 23, 12, tzinfo=UTC)
    set_clock(tmp_path / "clock", datetime(2020, 9, 24, 1, tzinfo=timezone(timedelta(hours=2))))
    assert now() == datetime(2020, 9, 23, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2020-09-23", "2020-09-23T12:00:00"])
def test_a_file_without_a_moment_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    (tmp_path / "clock").write_text(text)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "clock"))
    with pytest.raises(BadInput, match="HEMLINE_CLOCK names a file with a moment"):
        now()


def test_a_file_that_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "clock"))
    with pytest.raises(BadInput, match="No such file"):
        now()
