"""Two runs of a kind at once: the second waits, or is refused with what to do."""

import os
from pathlib import Path

import pytest

from flows.one_run import only_run
from hemline.errors import BadInput


def test_a_second_run_is_refused_while_the_first_works_and_starts_afterwards(
    tmp_path: Path,
) -> None:
    path, reported = tmp_path / ".hemline" / "monitor.lock", list[str]()
    with only_run(path, "the monitor", reported.append):
        with (
            pytest.raises(BadInput) as refusal,
            only_run(path, "the monitor", reported.append, wait_seconds=0.1),
        ):
            pass
        holder = f"process {os.getpid()}"
        assert reported == [
            f"another run of the monitor ({holder}) is under way: waiting for it to finish"
        ]
        assert refusal.value.rule == "one run of the monitor at a time works in a project"
        assert holder in refusal.value.found
        assert refusal.value.fix == "let it finish or end it, then start again"
    with only_run(path, "the monitor", reported.append, wait_seconds=0):
        pass
    assert len(reported) == 1
