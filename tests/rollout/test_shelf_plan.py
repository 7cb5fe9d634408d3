"""A bandit over shelves from the plan on, in a project with a registry."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hemline.cli import app
from hemline.experiments.experiment_files import (
    experiments_folder,
    plan_experiment,
    read_experiment,
)
from hemline.rollout.advance import advance_experiments
from tests.rollout.small_rollout import environment_of, small_rollout
from tests.shop.test_experiment_arms import planned


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".hemline").mkdir()
    for name, value in environment_of(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    small_rollout(tmp_path)
    return tmp_path


def hemline(*arguments: str, fails: bool = False) -> str:
    done = CliRunner().invoke(app, ["experiment", *arguments])
    assert (done.exit_code != 0) == fails, done.output + str(done.exception)
    return " ".join((done.stderr if fails else done.stdout).split())


def test_a_bandit_over_shelves_is_planned_from_what_is_free_with_the_guardrails_of_its_kind(
    root: Path,
) -> None:
    folder = experiments_folder(root)
    plan_experiment(folder, planned(share=0.25))
    told = hemline("plan", "first", "--kind", "shelves", "--share", "0.5")
    assert "bandit over shelves, which stands first: also bought or similar" in told
    plan = read_experiment(folder, "first").plan
    assert (plan.kind, plan.control, plan.treatment, plan.versions) == ("shelves", 1, 1, ())
    assert plan.shelves == ("also_bought", "similar")
    assert (plan.start, plan.share, plan.floor) == (0.25, 0.5, 0.1)
    assert plan.guardrails == {"unlikes": 0.1, "returns": 0.1}
    assert not plan.allocation.overlaps(planned(share=0.25).allocation)
    full = hemline("plan", "second", "--kind", "shelves", "--share", "0.5", fails=True)
    assert "of the traffic free" in full
    assert "shown to 1% of its traffic" in hemline("start", "first")
    assert all(each.experiment != "first" for each in advance_experiments(root))
    assert read_experiment(folder, "first").state == "running"
    assert "shelves" in hemline("status")
    assert hemline("readout", "first").startswith("No day of the bandit is complete yet.")


@pytest.mark.usefixtures("root")
def test_shelves_name_no_version_and_all_other_kinds_do() -> None:
    for named in (("--treatment", "2"), ("--control", "1")):
        told = hemline("plan", "first", "--kind", "shelves", *named, fails=True)
        assert "the champion answers everybody" in told
    for kind in ("ab", "interleaving", "bandit"):
        assert "no --treatment" in hemline("plan", "first", "--kind", kind, fails=True)
