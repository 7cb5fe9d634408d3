import doctest
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.benchmark_report import filled
from benchmarks.process import measure_process
from benchmarks.record import Row, write_results
from benchmarks.scale import scale_tables
from benchmarks.scale.scale_peers import PEERS
from benchmarks.scale.scale_project import BenchmarkShop, load_settings, open_shop, stage_commands
from benchmarks.scale.scale_steps import STEPS, time_queries
from benchmarks.scale.scale_tables import notes_of, rows_of, with_whole
from benchmarks.scale.step_costs import OUT_OF_MEMORY, StepCost, forget, run_step, stored_cost
from hemline.data.acquire.typed_tables import AcquireParams
from hemline.data.synthetic.shop import SyntheticParams
from hemline.data.synthetic.world import ShopSize

DVC_YAML = Path(__file__).parents[2] / "dvc.yaml"
COST = StepCost(seconds=2, cpu_seconds=3, peak_gb=0.5, status=0, commit="abc", reported={})
PYTHON = [sys.executable, "-c"]


def test_a_process_is_charged_for_itself_and_its_children() -> None:
    child = "held = b'x' * 800_000_000; sum(range(3_000_000))"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    usage = measure_process([*PYTHON, parent])
    assert usage.status == 0
    assert usage.peak_gb > 0.8
    assert usage.cpu_seconds > 0
    assert usage.seconds > 0


def test_a_process_over_its_time_is_killed_with_its_children() -> None:
    assert measure_process(["sh", "-c", "sleep 300 & wait"], max_seconds=0.2).status == -9


def test_the_cost_of_a_successful_step_is_stored_until_it_is_forgotten(tmp_path: Path) -> None:
    shop = BenchmarkShop(tmp_path, 1)
    (tmp_path / "reported").mkdir()
    script = "import pathlib; pathlib.Path('reported/one.json').write_text('{\"lists\": 3}')"
    run_step(shop, "one", [*PYTHON, script])
    stored = stored_cost(shop, "one")
    assert stored is not None
    assert stored.reported == {"lists": 3}
    forget(shop, "one")
    assert stored_cost(shop, "one") is None


def test_a_failed_step_of_ours_is_run_again_and_a_stopped_peer_is_not(
    tmp_path: Path,
) -> None:
    shop = BenchmarkShop(tmp_path, 1)
    assert run_step(shop, "ours", [*PYTHON, "raise SystemExit(3)"]).status == 3
    assert stored_cost(shop, "ours") is None
    run_step(shop, "broken peer", [*PYTHON, "raise SystemExit(1)"], max_seconds=60)
    assert stored_cost(shop, "broken peer") is None
    run_step(shop, "peer", [*PYTHON, f"raise SystemExit({OUT_OF_MEMORY})"], max_seconds=60)
    stopped = stored_cost(shop, "peer")
    assert stopped is not None
    assert stopped.status == OUT_OF_MEMORY


def test_the_stages_are_dvcs_own_commands_in_its_order() -> None:
    commands = stage_commands(DVC_YAML)
    assert [*commands][:3] == ["acquire", "validate", "prepare"]
    assert commands["acquire"] == [
        *(sys.executable, "-m", "hemline.stages.acquire", "--params", "params.yaml"),
        *("--files", "data/source", "--feedback", "data/feedback", "--tables", "data/tables"),
    ]
    assert not any("$" in part for command in commands.values() for part in command)


def test_a_size_is_a_share_of_the_customers_before_the_whole_catalogue(tmp_path: Path) -> None:
    shop = open_shop(tmp_path, 10)
    size = SyntheticParams.load(shop.params).size
    assert isinstance(size, ShopSize)
    assert (size.n_customers, size.n_articles) == (137_198, 105_542)
    assert AcquireParams.load(shop.params).source == "kaggle"
    assert open_shop(tmp_path, 10) == shop, "an existing folder is opened again"


def test_every_peer_is_compared_with_a_step_and_every_description_is_of_one() -> None:
    settings, stages = load_settings(), stage_commands(DVC_YAML)
    assert settings["peers"].keys() == PEERS.keys()
    known = {*STEPS, *stages, "dvc", scale_tables.WHOLE}
    assert {peer["beside"] for peer in settings["peers"].values()} <= known
    assert settings["words"].keys() <= known


def test_the_whole_is_the_sum_of_the_stages_and_the_highest_peak() -> None:
    stages = {"acquire": COST, "rank": replace(COST, cpu_seconds=7, peak_gb=4)}
    costs = with_whole({1: {**stages, "ease": COST}, 10: {"acquire": COST}}, [*stages])
    assert costs[1]["whole"].cpu_seconds == 3 + 7
    assert costs[1]["whole"].peak_gb == 4
    assert "whole" not in costs[10], "not all of its stages have run"


def test_rows_give_growth_and_the_ratio_of_a_peers_time_to_ours() -> None:
    peers = {"other": {"beside": "acquire", "starts": 5}}
    settings = {"peers": peers, "words": {"acquire": "reading"}}
    peer = replace(COST, seconds=4, reported={"whole cpu seconds": 60.0, "whole seconds": 40.0})
    costs = {
        percent: {"acquire": replace(COST, cpu_seconds=3 * percent)} for percent in (1, 10, 100)
    }
    costs[10]["other"] = peer
    rows = {row[:3]: row.value for row in rows_of(costs, {1: 5, 10: 50, 100: 500}, settings)}
    assert rows["step", "reading", "exponent"] == pytest.approx(1)
    assert rows["step", "reading", "exponent from 10 %"] == pytest.approx(1)
    assert rows["step", "reading", "cpu s at 100 %"] == 300
    assert rows["beside", "reading: other", "size %"] == 10
    assert rows["beside", "reading: other", "cpu ratio"] == 60 / 30
    assert rows["beside", "reading: other", "cpu ratio a start"] == 5 * 60 / 30
    assert rows["beside", "reading: other", "time ratio"] == 40 / 2


def test_the_notes_name_a_stopped_peer_and_different_commits() -> None:
    settings = {"peers": {"other": {}}, "max_seconds": 900, "max_gb": 12}
    stopped = replace(COST, status=-9, seconds=900, commit="def")
    notes = "\n".join(notes_of({10: {"acquire": COST, "other": stopped}}, {10: 50}, settings))
    assert "other at 10 % did not finish within 900 s and 12 GB: it ended after 900 s" in notes
    assert "different commits: abc, def" in notes


def test_single_queries_become_percentiles_with_a_table_of_their_own() -> None:
    queried: list[int] = []
    reported = dict(time_queries(queried.append, np.array([5, 6, 7])))
    assert queried == [5, 5, 6, 7], "the first query is repeated and counted once"
    settings = {"peers": {}, "words": {}}
    rows = list(rows_of({1: {"one_query": replace(COST, reported=reported)}}, {}, settings))
    for metric in ("p50 ms", "p99 ms", "cpu ms"):
        assert Row("one answer at 1 %", "one_query", metric, reported[metric], None) in rows


def test_the_table_of_sizes_in_the_document_about_scale_has_only_steps(tmp_path: Path) -> None:
    rows = [
        Row("step", "acquire", "seconds at 1 %", 12.5, None),
        Row("step", "acquire", "cpu s at 1 %", 20.5, None),
        Row("one answer at 1 %", "one_query", "p50 ms", 1.0, None),
    ]
    path = write_results("scale", rows, notes=[], folder=tmp_path)
    text = filled("<!-- scale-sizes -->\n<!-- end -->", "scale-sizes", path)
    assert "| step | seconds at 1 % |\n|---|---|\n| acquire | 12.5 |" in text
    assert "one_query" not in text
    assert (DVC_YAML.parent / "docs" / "scale.md").read_text().count("<!-- scale-sizes -->") == 1


def test_examples_in_docstrings_hold() -> None:
    done = doctest.testmod(scale_tables)
    assert done.attempted > 0
    assert done.failed == 0
