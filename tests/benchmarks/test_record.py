import doctest
import json
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from benchmarks import ranking_measures
from benchmarks.benchmark_report import filled
from benchmarks.poster import success, traindy
from benchmarks.ranking_measures import lists_from_scores, mean_and_stderr, measure
from benchmarks.record import Row, as_markdown, read_results, write_results

ROWS = [
    Row("case", "worse", "ndcg@10", 0.0412, 0.001),
    Row("case", "better", "ndcg@10", 0.05, 0.002),
    Row("case", "better", "fit seconds", 12.34, None),
]
DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_results_say_when_on_what_and_from_which_commit(tmp_path: Path) -> None:
    path = write_results("trial", ROWS, notes=["a note"], folder=tmp_path)
    content = json.loads(path.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", content["date"])
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?", content["commit"])
    assert content["machine"]["cores"] >= 1
    assert content["notes"] == ["a note"]
    assert read_results(path) == ROWS


def test_results_name_no_host_and_no_folder(tmp_path: Path) -> None:
    text = write_results("trial", ROWS, notes=[], folder=tmp_path).read_text()
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    assert f'"{platform.node()}"' not in text


def test_a_markdown_table_lists_the_best_first_and_leaves_blanks() -> None:
    assert as_markdown(ROWS, ["ndcg@10", "fit seconds"]).splitlines() == [
        "| case | ndcg@10 | fit seconds |",
        "|---|---|---|",
        "| better | 0.0500 (0.0020) | 12.3 |",
        "| worse | 0.0412 (0.0010) |  |",
    ]


def test_a_mean_comes_with_the_standard_error_over_customers() -> None:
    mean, stderr = mean_and_stderr(np.array([0.0, 1.0, 0.0, 1.0]))
    assert (mean, stderr) == (0.5, 0.5 / np.sqrt(4))


@pytest.mark.parametrize("n_values", [1, 20])
def test_values_that_are_all_alike_do_not_show_an_error_of_zero(n_values: int) -> None:
    mean, stderr = mean_and_stderr(np.ones(n_values))
    assert (mean, stderr) == (1, None)
    recorded_before = [Row("large", "", "detected", 1.0, 0.0)]
    assert "1.0000 |" in as_markdown(recorded_before, ["detected"])
    assert "0.0000" not in as_markdown(recorded_before, ["detected"])


def test_lists_leave_out_what_is_known_and_customers_with_nothing_held_out_do_not_count() -> None:
    known = sparse.csr_matrix(np.array([[1, 0, 0], [0, 0, 1]], np.float32))
    held_out = sparse.csr_matrix(np.array([[0, 0, 1], [0, 0, 0]], np.float32))
    scores = np.array([[9, 2, 1], [1, 2, 9]], np.float32)
    lists = lists_from_scores(lambda rows: scores[rows], known, 2)
    assert lists.tolist() == [[1, 2], [1, 0]]
    values = measure(lists, held_out, 2)
    assert values["recall@2"].tolist() == [1.0]
    assert values["ndcg@2"].tolist() == pytest.approx([1 / np.log2(3)])


@pytest.mark.parametrize("module", [ranking_measures, success, traindy])
def test_examples_in_docstrings_hold(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0


def test_the_example_of_the_document_runs_and_finds_the_two_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [example] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    monkeypatch.chdir(DOCUMENT.parents[1])
    names: dict[str, Any] = {}
    exec(compile(example, str(DOCUMENT), "exec"), names)  # noqa: S102  (our own document)
    guessed = 20 / 50
    assert min(names["recall"].values()) > 2 * guessed


def test_tables_of_the_document_are_renewed_from_results(tmp_path: Path) -> None:
    path = write_results("peers", ROWS[2:], notes=["a note"], folder=tmp_path)
    text = filled("before\n<!-- peers -->\nold\n<!-- end -->\nafter", "peers", path)
    assert "old" not in text
    assert "| better | 12.3 |" in text
    assert filled(text, "peers", path) == text
    with pytest.raises(ValueError, match="0 times"):
        filled("nothing marked", "peers", path)
