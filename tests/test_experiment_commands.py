"""`hemline experiment` from the plan to the readout, on a project with two versions."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hemline import environment
from hemline.cli import app
from hemline.experiments.experiment_files import (
    Experiment,
    add_step,
    experiments_folder,
    plan_experiment,
    read_experiment,
)
from hemline.rollout.advance import advance_experiments
from hemline.shop.event_log import CUSTOMER, EventLog, ShopEvent
from hemline.shop.experiment_verdict import verdict_of
from hemline.shop.session_stores import open_log
from hemline.shop.shop_clock import ShopClock
from tests.processes import eventually
from tests.running_shop import copied_registry
from tests.shop.test_experiment_arms import planned
from tests.tiny_project import REPOSITORY

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def root(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with the data of the trained one, and two versions."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    (tmp_path / ".hemline").mkdir()
    (tmp_path / "data").symlink_to(trained / "data")
    (tmp_path / ".hemline" / "mlartifacts").symlink_to(trained / ".hemline" / "mlartifacts")
    copied_registry(trained, tmp_path / ".hemline" / "mlflow.db")
    for name, value in environment.defaults(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hemline(*arguments: str, fails: bool = False) -> str:
    done = CliRunner().invoke(app, ["experiment", *arguments])
    assert (done.exit_code != 0) == fails, done.output + str(done.exception)
    return " ".join((done.stderr if fails else done.stdout).split())


def test_a_plan_is_made_from_the_history_and_followed_step_by_step(root: Path) -> None:
    told = hemline("plan", "popular", "--treatment", "2", "--lift", "3.0")
    assert "version 2 against version 1" in told
    plan = read_experiment(experiments_folder(root), "popular").plan
    assert (plan.control, plan.treatment, plan.start, plan.ramp) == (1, 2, 0.0, (0.01, 0.1, 1.0))
    assert plan.look_days[-1] == 7 * plan.weeks
    assert f"It is looked at after {1.75 * plan.weeks:g}, {3.5 * plan.weeks:g}, " in told
    assert len(plan.look_days) == 4
    assert "shown to 1% of its traffic" in hemline("start", "popular")
    assert "shown to 10% of its traffic" in hemline("start", "popular")
    assert "shown to 100% of its traffic" in hemline("start", "popular")
    assert "all of its traffic already" in hemline("start", "popular")
    assert "running" in hemline("status")
    hemline("stop", "popular", "--reason", "enough seen")
    assert "stopped" in hemline("status")
    assert "a stopped one stays stopped" in hemline("start", "popular", fails=True)


@pytest.mark.usefixtures("root")
def test_what_cannot_be_planned_is_refused() -> None:
    assert "There is no experiment yet" in hemline("status")
    assert "against itself" in hemline("plan", "same", "--treatment", "1", fails=True)
    assert "99" in hemline("plan", "other", "--treatment", "99", fails=True)
    small = hemline("plan", "small", "--treatment", "2", "--lift", "0.001", fails=True)
    assert "smallest lift that it finds" in small
    assert "experiments: none" in hemline("start", "small", fails=True)
    hemline("plan", "first", "--treatment", "2", "--lift", "3.0")
    full = hemline("plan", "second", "--treatment", "2", "--lift", "3.0", fails=True)
    assert "of the traffic free" in full


@pytest.mark.usefixtures("root")
def test_other_kinds_are_planned_started_and_read_out() -> None:
    told = hemline("plan", "drafts", "--treatment", "2", "--kind", "interleaving", "--share", "0.5")
    assert "2 interleaved with 1" in told
    told = hemline("plan", "many", "--treatment", "2", "--kind", "bandit", "--share", "0.5")
    assert "bandit over 1, 2" in told
    two = ("--treatment", "2", "--treatment", "2")
    assert "2 to 10 different versions" in hemline(
        "plan", "x", *two, "--kind", "bandit", fails=True
    )
    assert "an A/B test has one treatment" in hemline("plan", "x", *two, fails=True)
    for name in ("drafts", "many"):
        assert "shown to 1% of its traffic" in hemline("start", name)
    assert "bandit over 1, 2" in hemline("status")
    assert "Neither ranking is preferred so far" in hemline("readout", "drafts")
    assert "No day of the bandit is complete yet" in hemline("readout", "many")


def with_events(log: EventLog, root: Path, lift: float) -> Experiment:
    """Expose all customers of the project, in turns, and let each buy once in two weeks."""
    folder = experiments_folder(root)
    plan_experiment(folder, planned(cap=1000.0, planned_error=0.1, share=1.0))
    add_step(folder, "popular", "started", exposed=0.1, reason="canary", at=START)
    widened = START + timedelta(days=1)
    experiment = add_step(folder, "popular", "widened", exposed=1.0, reason="on", at=widened)
    ids = pq.read_table(root / "data" / "tables" / "customer_keys.parquet")["customer_id"]
    rng = np.random.default_rng(0)
    events = []
    for number, each in enumerate(ids.to_pylist()):
        who, is_treated = CUSTOMER + each, number % 2 == 1
        context = {"experiment": "popular", "arm": "treatment" if is_treated else "control"}
        events.append(ShopEvent("exposure", who, "", f"e{number}", START, context=context))
        price = float(rng.exponential(1.0)) * (1 + lift * is_treated)
        at = START + timedelta(days=float(rng.uniform(0, 14)))
        at = at.replace(microsecond=0)
        events.append(ShopEvent("purchase", who, "0000000001", f"p{number}", at, price=price))
    log.append(events).result(timeout=60)
    return experiment


@pytest.fixture
def log(root: Path) -> Iterator[EventLog]:
    opened = open_log("sqlite:.hemline/shop/events.db", root)
    yield opened
    opened.close()


def test_the_look_whose_day_has_come_decides_whenever_it_is_read(log: EventLog, root: Path) -> None:
    experiment = with_events(log, root, lift=2.0)
    clock = ShopClock.of(log, None)
    for days in (9, 12, 40):
        found = verdict_of(experiment, log, clock, root, START + timedelta(days=days))
        assert [each.at for each in found.looks] == [START + timedelta(days=8)]
        assert found.looks[0].readout.decision == "better"
        assert found.decided
    early = verdict_of(experiment, log, clock, root, START + timedelta(days=7))
    assert (early.looks, early.decided, early.now.decision) == ([], False, "running")


def test_no_lift_is_not_shown_after_the_last_look(log: EventLog, root: Path) -> None:
    experiment = with_events(log, root, lift=0.0)
    found = verdict_of(experiment, log, ShopClock.of(log, None), root, START + timedelta(days=20))
    assert [each.readout.decision for each in found.looks] == ["running", "not shown"]
    assert found.sentence.startswith("No difference was shown")
    assert {each.name for each in found.now.segments} <= {f"cluster {n}" for n in range(5)}


def test_the_readout_says_in_words_first_what_it_shows(log: EventLog, root: Path) -> None:
    with_events(log, root, lift=2.0)
    told = hemline("readout", "popular")
    assert told.startswith("The treatment is better: +")
    assert "Sizes of the arms: p = " in told
    for guardrail in ("unlikes", "returns", "orders"):
        assert guardrail in told


def test_the_guard_stops_what_is_unliked_and_leaves_the_rest(log: EventLog, root: Path) -> None:
    experiment = with_events(log, root, lift=0.0)
    assert advance_experiments(root) == []
    exposed = [each.event for each in log.since(0, 10_000) if each.event.kind == "exposure"]
    at = START + timedelta(days=2)
    unlikes = [
        ShopEvent("unlike", each.visitor, "0000000001", f"u{number}{again}", at)
        for number, each in enumerate(exposed)
        for again in range(3 if each.context["arm"] == "treatment" else 1)
    ]
    log.append(unlikes).result(timeout=60)
    [done] = advance_experiments(root)
    assert (done.experiment, done.did, done.version) == ("popular", "stopped", 2)
    stopped = read_experiment(experiments_folder(root), "popular")
    assert stopped.plan == experiment.plan
    assert stopped.state == "stopped"
    assert "worse in unlikes" in stopped.steps[-1].reason
    assert advance_experiments(root) == []
    assert "Nothing is due" in hemline("advance")


def test_the_guard_ends_with_its_shop(root: Path) -> None:
    starts = (
        "import os, subprocess, sys; quiet = {'stdout': subprocess.DEVNULL, 'stderr': "
        "subprocess.DEVNULL}; print(subprocess.Popen([sys.executable, '-m', "
        "'hemline.rollout.experiment_guard', sys.argv[1], str(os.getpid())], **quiet).pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", starts, str(root)], check=True, capture_output=True, text=True
    )
    assert eventually(lambda: not psutil.pid_exists(int(done.stdout)), seconds=60)


def test_spending_of_before_the_experiment_is_the_covariate(log: EventLog, root: Path) -> None:
    experiment = with_events(log, root, lift=0.0)
    tables = root / "data" / "tables"
    sold = pd.read_parquet(tables / "transactions.parquet")
    last = pd.Timestamp(sold["t_dat"].max()).date()
    clock = ShopClock.of(log, last)
    found = verdict_of(experiment, log, clock, root, START + timedelta(days=20))
    assert found.now.comparison.variance_left <= 1.0
    assert found.now.comparison.n_control + found.now.comparison.n_treatment == len(
        pq.read_table(tables / "customer_keys.parquet")
    )
