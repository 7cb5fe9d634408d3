"""Drafts and bandits beside a running shop: a bad arm ends them, a good one does not."""

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from hemline.cli import app
from hemline.experiment_pages.page_files import page_file, pages_folder, read_record
from hemline.experiments.experiment_files import (
    SHELVES,
    Experiment,
    PlannedExperiment,
    add_step,
    experiments_folder,
    plan_experiment,
    read_experiment,
)
from hemline.rollout.advance import advance_experiments
from hemline.shop.event_log import CUSTOMER, ShopEvent
from tests.rollout.small_rollout import (
    START,
    SmallRollout,
    environment_of,
    small_rollout,
)
from tests.shop.test_experiment_arms import planned
from tests.tiny_project import change_params

ALL: Final = {"share": 1.0, "guardrails": {"unlikes": 0.1, "returns": 0.1}}
PLANS: Final = {
    "interleaving": planned(name="drafts", kind="interleaving", **ALL),
    "bandit": planned(name="many", kind="bandit", versions=(1, 2), floor=0.1, **ALL),
    "shelves": planned(
        name="first", kind="shelves", shelves=SHELVES, treatment=1, floor=0.1, **ALL
    ),
}
WORSE: Final = {"interleaving": "version 2", "bandit": "version 2", "shelves": "similar"}
N: Final = 300


@pytest.fixture
def rollout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRollout:
    (tmp_path / ".hemline").mkdir()
    for name, value in environment_of(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    made = small_rollout(tmp_path)
    change_params(tmp_path, {("shop", "first_day"): None})
    return made


def begun(root: Path, plan: PlannedExperiment) -> Experiment:
    plan_experiment(experiments_folder(root), plan)
    return add_step(
        experiments_folder(root), plan.name, "started", exposed=1.0, reason="as planned", at=START
    )


def unlikes(plan: PlannedExperiment, *, first: bool, second: bool) -> list[ShopEvent]:
    """Let 300 customers meet the arms, of a bandit in turns, and unlike an article of some.

    Args:
        plan: of the experiment.
        first: whether what the first arm shows is unliked, or the control's articles are.
        second: whether what the second arm shows is.
    """
    day, events = str(START.date()), []
    names = [name for name, _ in plan.allocation.arms]
    if plan.is_bandit:
        shares = {"experiment": plan.name, "day": day, **dict.fromkeys(names, "0.5")}
        events.append(ShopEvent("shares", plan.name, "", "s", START, context=shares))
    for number in range(N):
        who, arm = f"{CUSTOMER}c{number}", names[number % len(names)]
        met: dict[str, Any] = {"experiment": plan.name, "arm": arm}
        if plan.is_bandit:
            met |= {"day": day, "propensity": "0.5"}
            disliked = ["a"] * (second if arm == names[1] else first)
        else:
            teams = {"experiment": plan.name, "day": day, "control": "a b", "treatment": "c d"}
            events.append(ShopEvent("interleaving", who, "", f"l{number}", START, context=teams))
            disliked = ["a"] * first + ["c"] * second
        events.append(ShopEvent("exposure", who, "", f"e{number}", START, context=met))
        events += [
            ShopEvent("unlike", who, article, f"u{number}{article}", START + timedelta(hours=1))
            for article in disliked
            if number % 3
        ]
    return events


def words_of(page: Path) -> str:
    content = re.sub(r"<style>.*?</style>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


def hemline(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["experiment", *arguments])
    assert done.exit_code == 0, done.output + str(done.exception)
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("kind", [*PLANS])
def test_a_bad_arm_ends_the_experiment_and_page_and_readout_say_why(
    rollout: SmallRollout, kind: str
) -> None:
    plan, root = PLANS[kind], rollout.root
    begun(root, plan)
    rollout.record(unlikes(plan, first=False, second=True))
    rollout.at(1.1)
    told = hemline("advance")
    rate = 2 / 3 / (2 if kind == "interleaving" else 1)
    reason = (
        f"Worse than a guardrail allows, for certain (unlikes ({WORSE[kind]}): {rate:.4g} against "
        "0, at most 0 is allowed): it must not go on."
    )
    assert f"{plan.name}: stopped: {reason}" in told
    stopped = read_experiment(experiments_folder(root), plan.name)
    assert (stopped.state, stopped.exposed, stopped.steps[-1].reason) == ("stopped", 0.0, reason)
    words = words_of(page_file(root, plan.name))
    assert "Is it randomness? No: a guardrail is broken." in words
    assert f"unlikes ({WORSE[kind]}) ✗ broken 0 {rate:.4g} 0" in words
    assert re.search(rf"returns \({WORSE[kind]}\) . nothing counted yet", words)
    assert "Guardrails unlikes at most 10% higher; returns at most 10% higher" in words
    rollout.at(9)
    told = hemline("readout", plan.name)
    assert told.startswith(reason)
    assert f"unlikes ({WORSE[kind]})" in told


@pytest.mark.parametrize("kind", [*PLANS])
@pytest.mark.parametrize("first", [False, True])
def test_an_arm_that_is_no_worse_goes_on(rollout: SmallRollout, kind: str, first: bool) -> None:
    plan = PLANS[kind]
    begun(rollout.root, plan)
    rollout.record(unlikes(plan, first=True, second=first))
    rollout.at(1.1)
    assert advance_experiments(rollout.root) == []
    assert read_experiment(experiments_folder(rollout.root), plan.name).state == "running"
    hemline("readout", plan.name)
    words = words_of(page_file(rollout.root, plan.name))
    assert f"unlikes ({WORSE[kind]}) ✓ holds" in words
    assert "a guardrail is broken" not in words


@pytest.mark.parametrize("kind", [*PLANS])
def test_a_plan_without_limits_is_not_judged(rollout: SmallRollout, kind: str) -> None:
    plan = PLANS[kind].model_copy(update={"guardrails": {}})
    begun(rollout.root, plan)
    rollout.record(unlikes(plan, first=False, second=True))
    rollout.at(1.1)
    assert advance_experiments(rollout.root) == []
    hemline("readout", plan.name)
    words = words_of(page_file(rollout.root, plan.name))
    assert "Guardrails none" in words
    assert "unlikes" not in words


def test_a_step_leaves_pages_and_what_cannot_be_read_out_costs_its_own(
    rollout: SmallRollout,
) -> None:
    root, many = rollout.root, PLANS["bandit"].model_copy(update={"share": 0.5})
    begun(root, many)
    begun(root, planned(start=0.5, share=0.5))  # whom nobody has met
    rollout.record(unlikes(many, first=False, second=True))
    rollout.at(1.1)
    hemline("advance")
    index = words_of(pages_folder(root) / "index.html")
    assert "many bandit stopped bandit over 1, 2 0.0% Worse than a guardrail allows" in index
    records = {name: read_record(root, name) for name in ("many", "popular")}
    assert {name: each and each["problem"] for name, each in records.items()} == {
        "many": False, "popular": True,
    }  # fmt: skip
    assert "somebody was exposed to experiment 'popular'" in words_of(page_file(root, "popular"))


def test_where_nothing_is_due_no_page_is_written(rollout: SmallRollout) -> None:
    begun(rollout.root, PLANS["bandit"])
    assert hemline("advance") == "Nothing is due."
    assert not pages_folder(rollout.root).exists()


def test_pages_that_cannot_be_written_take_no_step_back(rollout: SmallRollout) -> None:
    plan = PLANS["bandit"]
    begun(rollout.root, plan)
    rollout.record(unlikes(plan, first=False, second=True))
    rollout.at(1.1)
    (rollout.root / "reports").write_text("a file in the way")
    done = CliRunner().invoke(app, ["experiment", "advance"])
    assert done.exit_code == 0
    assert "The steps are taken, but pages of experiments cannot be written" in done.stderr
    assert read_experiment(experiments_folder(rollout.root), plan.name).state == "stopped"
