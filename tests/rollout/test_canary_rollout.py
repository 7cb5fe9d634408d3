"""A version from the gate's verdict to its end in canary, interrupted before every single write."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from hemline.cli import app
from hemline.evaluation.gate.gate_verdict import GateVerdict
from hemline.evaluation.gate.version_comparison import compare
from hemline.experiments import experiment_files
from hemline.experiments.experiment_files import add_step, experiments_folder
from hemline.registry.champion_log import changes
from hemline.registry.champions import promote, roll_back
from hemline.registry.versions import CANARY, CANARY_REASON, MODEL, version_by_alias
from hemline.rollout import advance
from hemline.rollout.advance import advance_experiments
from hemline.rollout.canary_start import rollout_of
from tests.rollout.small_rollout import (
    START,
    SmallRollout,
    add_version,
    begin_again,
    environment_of,
    let_pass,
    save,
    small_rollout,
)
from tests.shop.test_experiment_arms import planned
from tests.test_champions import WRITES, Killed
from tests.tiny_project import change_params


@pytest.fixture
def rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRollout:
    root = tmp_path / "project"
    root.mkdir()
    (root / ".hemline").mkdir()
    for name, value in environment_of(root).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    return small_rollout(root)


def champion() -> str:
    version = version_by_alias("champion")
    assert version is not None
    return version.number


def did(rollout: SmallRollout) -> list[str]:
    return [each.did for each in advance_experiments(rollout.root)]


def test_a_version_that_does_no_harm_goes_through_all_steps_to_champion(
    rollout: SmallRollout,
) -> None:
    [started] = advance_experiments(rollout.root)
    assert (started.experiment, started.did, started.version) == ("canary-v2", "started", 2)
    found = rollout.experiment()
    assert (found.plan.control, found.plan.treatment, found.exposed) == (1, 2, 0.01)
    assert rollout.tags()[CANARY] == "running"
    rollout.expose(0.5)
    rollout.at(1.9)
    assert did(rollout) == []
    for day, exposed in ((2, 0.1), (4, 1.0)):
        rollout.at(day - 0.01)
        assert did(rollout) == []
        rollout.at(day)
        assert did(rollout) == ["widened"]
        assert rollout.experiment().exposed == exposed
        assert did(rollout) == []
        assert champion() == "1"
    rollout.at(6)
    [promoted] = advance_experiments(rollout.root)
    assert (promoted.did, promoted.version) == ("promoted", 2)
    assert champion() == "2"
    change = changes()[-1]
    assert (change.how, change.previous, change.reason) == ("canary", "1", promoted.reason)
    assert change.reason.startswith("it met visitors for 6 days (canary-v2) and is not certainly")
    assert "of version 1, difference -0." in change.reason
    assert "200 and 200 customers; no guardrail is broken" in change.reason
    assert rollout.tags()[CANARY] == "promoted"
    assert rollout.tags()[CANARY_REASON] == change.reason
    assert did(rollout) == []


def test_a_version_that_visitors_dislike_is_refused_and_the_champion_stays(
    rollout: SmallRollout,
) -> None:
    advance_experiments(rollout.root)
    rollout.expose(0.1)
    rollout.at(0.2)
    assert did(rollout) == []
    rollout.unlike(0.3)
    rollout.at(0.4)
    [refused] = advance_experiments(rollout.root)
    assert (refused.did, champion()) == ("refused", "1")
    assert "worse in unlikes" in refused.reason
    assert rollout.tags()[CANARY] == "refused"
    assert rollout.tags()[CANARY_REASON] == refused.reason
    assert rollout.experiment().state == "stopped"
    rollout.at(30)
    assert did(rollout) == []
    assert [change.how for change in changes()] == ["gate"]


def test_a_step_that_nobody_meets_does_not_pass_and_ends_after_weeks(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    rollout.at(20)
    assert did(rollout) == []
    rollout.at(8 * 7)
    [ended] = advance_experiments(rollout.root)
    assert (ended.did, champion()) == ("undecided", "1")
    assert "no exposure" in ended.reason


def test_too_few_visitors_promote_nobody(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    rollout.expose(0.5, n=150)
    for day in (2, 4):
        rollout.at(day)
        assert did(rollout) == ["widened"]
    rollout.at(10)
    assert did(rollout) == []
    rollout.at(4 + 8 * 7)
    [ended] = advance_experiments(rollout.root)
    assert (ended.did, champion()) == ("undecided", "1")
    assert "fewer than 100 customers" in ended.reason


@pytest.mark.parametrize("how", ["promote another", "promote this", "rollback"])
def test_a_canary_ends_when_a_person_changes_the_champion(rollout: SmallRollout, how: str) -> None:
    add_version(rollout.client)
    if how == "rollback":
        promote_any("3", "first")
        promote_any("1", "again")
    advance_experiments(rollout.root)
    if how == "rollback":
        roll_back(reason="too much swimwear", at=START)
    else:
        promote_any("3" if how == "promote another" else "2", "the buyers asked for it")
    before = champion()
    [ended] = advance_experiments(rollout.root)
    assert (ended.did, champion()) == ("superseded", before)
    assert f"the champion is version {before} by now" in ended.reason
    assert rollout.tags()[CANARY] == "superseded"


def promote_any(number: str, reason: str) -> None:
    """Promote a version that has no files, which `promote` would miss."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hemline.registry.champions.require_servable", lambda _version: None)
        promote(number, reason=reason, at=START)


def test_a_person_may_stop_a_canary(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    told = CliRunner().invoke(app, ["experiment", "stop", "canary-v2", "--reason", "a sale week"])
    assert told.exit_code == 0, told.output
    [ended] = advance_experiments(rollout.root)
    assert (ended.did, ended.reason, champion()) == ("stopped", "a sale week", "1")
    assert did(rollout) == []


def test_one_canary_runs_at_a_time_and_the_newest_version_is_next(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    for number in (3, 4):
        add_version(rollout.client)
        let_pass(number)
    [left] = advance_experiments(rollout.root)
    assert (left.did, left.version) == ("superseded", 3)
    assert rollout.tags(4)[CANARY] == "waits"
    add_step(experiments_folder(rollout.root), "canary-v2", "stopped", exposed=0.0, reason="enough")
    assert did(rollout) == ["stopped", "started"]
    assert rollout.tags(4)[CANARY] == "running"


def test_a_canary_waits_while_other_experiments_have_the_traffic(rollout: SmallRollout) -> None:
    folder = experiments_folder(rollout.root)
    experiment_files.plan_experiment(folder, planned(share=0.95))
    assert did(rollout) == []
    assert rollout.tags()[CANARY] == "waits"
    (folder / "popular.json").unlink()
    experiment_files.plan_experiment(folder, planned(share=0.5))
    assert did(rollout) == ["started"]
    [plan] = [each.plan for each in experiment_files.read_experiments(folder) if each.steps]
    assert (plan.start, plan.share) == (0.5, 0.5)


def test_the_history_says_that_a_version_is_in_canary(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    told = CliRunner().invoke(app, ["history", "--json"])
    [_, version] = json.loads(told.stdout)["versions"]
    assert version["verdict"] == "canary, running"
    assert "Version 2 is in canary: it meets visitors before" in version["reason"]


def judged(**changes: Any) -> GateVerdict:
    comparison = compare(
        np.full(60, 0.1), np.full(60, 0.1), n_samples=10, rng=np.random.default_rng(7)
    )
    verdict = GateVerdict(promotes=True, reason="a draw", comparison=comparison, champion="1")
    return replace(verdict, **changes)


def test_what_cannot_be_a_canary_is_rolled_out_at_once_and_the_reason_says_why(
    rollout: SmallRollout,
) -> None:
    verdict, is_canary = rollout_of(judged(), rollout.root)
    assert is_canary
    assert (
        verdict.reason == "a draw; it meets the shop's visitors first, beside the champion (canary)"
    )
    unopposed, is_canary = rollout_of(judged(comparison=None), rollout.root)
    assert not is_canary
    assert "at once, without a canary: no champion was there" in unopposed.reason
    rejected = judged(promotes=False)
    assert rollout_of(rejected, rollout.root) == (rejected, False)
    tables = rollout.root / "data" / "tables" / "transactions.parquet"
    pd.read_parquet(tables).query("customer < 60").to_parquet(tables)
    small, is_canary = rollout_of(judged(), rollout.root)
    assert not is_canary
    assert "the shop is too small for one (60, of whom 100%)" in small.reason
    change_params(rollout.root, {("gate", "rollout"): "at_once"})
    assert rollout_of(judged(), rollout.root) == (judged(), False)


@contextmanager
def killed_before(number: int) -> Iterator[None]:
    """End the process before it has written more than `number` times, to files or the registry."""
    written = 0

    def limited(original: Callable[..., object]) -> object:
        def write(*arguments: object, **named: object) -> object:
            nonlocal written
            written += 1
            if written > number:
                raise Killed
            return original(*arguments, **named)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, limited(getattr(MlflowClient, name)))
        patch.setattr(experiment_files, "write_text", limited(experiment_files.write_text))
        yield


def start(rollout: SmallRollout) -> None:
    experiments_folder(rollout.root).mkdir()


def refuse(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    rollout.expose(0.1)
    rollout.unlike(0.3)
    rollout.at(0.4)


def become_champion(rollout: SmallRollout) -> None:
    advance_experiments(rollout.root)
    rollout.expose(0.5)
    for day in (2, 4):
        rollout.at(day)
        advance_experiments(rollout.root)
    rollout.at(6)


WINDOWS = {start: 3, refuse: 4, become_champion: 8}
"""Writes: the plan, its start, the tag; the step, a description, two tags; four of the change."""


def everything(rollout: SmallRollout) -> object:
    versions = rollout.client.search_model_versions(f"name = '{MODEL}'")
    return (
        rollout.experiment(),
        champion(),
        dict(rollout.client.get_registered_model(MODEL).tags),
        {one.version: (dict(one.tags), one.description) for one in versions},
    )


@pytest.mark.parametrize("before", WINDOWS)
def test_what_was_killed_between_two_steps_is_done_once_by_the_next_call(
    rollout: SmallRollout, before: Callable[[SmallRollout], None], tmp_path: Path
) -> None:
    before(rollout)
    saved = tmp_path / "saved"
    save(rollout.root, saved)
    advance_experiments(rollout.root)
    undisturbed = everything(rollout)
    n_killed = 0
    while True:
        begin_again(saved, rollout.root)
        try:
            with killed_before(n_killed):
                advance_experiments(rollout.root)
        except Killed:
            n_killed += 1
        else:
            break
        advance_experiments(rollout.root)
        assert everything(rollout) == undisturbed, f"killed before write {n_killed - 1}"
        assert advance_experiments(rollout.root) == []
    assert n_killed == WINDOWS[before]


def test_a_promotion_that_was_killed_and_rolled_back_is_not_made_again(
    rollout: SmallRollout,
) -> None:
    become_champion(rollout)
    with pytest.raises(Killed), killed_before(4):  # the step, the intent, the alias, the entry
        advance_experiments(rollout.root)
    assert champion() == "2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hemline.registry.champions.require_servable", lambda _version: None)
        roll_back(reason="too much swimwear", at=START)
    advance_experiments(rollout.root)
    assert champion() == "1"
    assert [change.how for change in changes()] == ["gate", "canary", "rollback"]


def test_without_an_experiment_nothing_large_is_imported(rollout: SmallRollout) -> None:
    rollout.client.delete_model_version_tag(MODEL, "2", CANARY)
    code = (
        "import sys; from pathlib import Path; from hemline.rollout.pending import may_be_due; "
        "import hemline.rollout.experiment_guard; print(may_be_due(Path('.')), "
        "sorted({'mlflow', 'pandas', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=rollout.root
    )
    assert done.stdout.strip() == "False []"
    assert advance.advance_experiments(rollout.root) == []
