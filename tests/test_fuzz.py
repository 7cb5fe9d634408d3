"""Damaged files end in tables or a refusal: some made by chance, and all that once did not."""

from pathlib import Path

import pytest

from tests.fuzz import attempt, corpus, run


@pytest.mark.filterwarnings("ignore")
def test_files_damaged_by_chance_are_read_or_refused_by_rule(tmp_path: Path) -> None:
    tried, n_found = run(13, is_over=lambda n_tried: n_tried == 100, findings=tmp_path)
    assert tried.total() == 100
    assert len(tried) > 10
    assert n_found == 0, list(tmp_path.rglob("error.txt"))


@pytest.mark.parametrize("path", corpus(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_file_that_once_was_neither_is_one_of_both_now(path: Path, tmp_path: Path) -> None:
    assert attempt(path.name, path.read_bytes(), tmp_path / "attempt") is None
