"""Pages of experiments, from plans as the commands write them and from real event logs."""

import html
import json
import os
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from hemline.cli import app
from hemline.clock import VARIABLE, set_clock
from hemline.experiment_pages.effect_chart import _LEFT, _RIGHT
from hemline.experiment_pages.experiment_reading import ArmsReading, read_now
from hemline.experiment_pages.page_files import outdated, page_file, read_record
from hemline.experiment_pages.refresh_pages import refresh_pages
from hemline.experiments.experiment_files import (
    Experiment,
    PlannedExperiment,
    add_step,
    experiments_folder,
    plan_experiment,
    read_experiment,
)
from hemline.experiments.observations import observe, revenue_until
from hemline.rollout.experiment_guard import _write_pages
from hemline.shop.event_log import CUSTOMER, ShopEvent
from hemline.shop.experiment_verdict import experiment_events
from hemline.shop.session_stores import open_log
from tests.crawler import broken_links, foreign_assets
from tests.rollout.small_rollout import EVENTS, N_CUSTOMERS, START, write_tables
from tests.shop.test_experiment_arms import planned
from tests.tiny_project import REPOSITORY

PLAN = planned(name="prices", share=0.4, planned_error=0.1, cap=8.0)
DRAFTS = planned(name="drafts", kind="interleaving", start=0.4, share=0.3)
MANY = planned(name="many", kind="bandit", versions=(1, 2, 3), floor=0.1, start=0.7, share=0.3)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    write_tables(tmp_path / "data")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "clock"))
    monkeypatch.setenv("HEMLINE_SHOP_EVENTS", EVENTS)
    monkeypatch.chdir(tmp_path)
    at(tmp_path, 0)
    return tmp_path


def at(root: Path, days: float) -> datetime:
    moment = START + timedelta(days=days)
    set_clock(root / "clock", moment)
    return moment


def begun(root: Path, plan: PlannedExperiment) -> Experiment:
    plan_experiment(experiments_folder(root), plan)
    return add_step(
        experiments_folder(root), plan.name, "started", exposed=1.0, reason="as planned", at=START
    )


def record(root: Path, events: list[ShopEvent]) -> None:
    log = open_log(EVENTS, root)
    log.append(events).result(timeout=60)
    log.close()


def sold(root: Path, lift: float, n: int = N_CUSTOMERS) -> None:
    """Expose customers in turns over four days, and let each buy three times within two weeks."""
    rng = np.random.default_rng(0)
    events = []
    for number in range(n):
        who, is_treated = f"{CUSTOMER}c{number}", number // 2 % 2 == 1
        context = {"experiment": "prices", "arm": "treatment" if is_treated else "control"}
        met = START + timedelta(hours=float(rng.uniform(0, 96)))
        met = met.replace(microsecond=0)
        events.append(ShopEvent("exposure", who, "", f"e{number}", met, context=context))
        for again in range(3):
            when = (met + timedelta(days=float(rng.uniform(0, 10)))).replace(microsecond=0)
            price = float(rng.exponential(1.0)) * (1 + lift * is_treated)
            events.append(ShopEvent("purchase", who, "z", f"p{number}-{again}", when, price=price))
        if number % 10 == 0:
            back = met + timedelta(days=11)
            events.append(ShopEvent("return", who, "z", f"r{number}", back, price=0.5))
    record(root, events)


def text_of(page: Path) -> str:
    """Return the words of a page, without markup and style."""
    content = re.sub(r"<style>.*?</style>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


def readout(name: str) -> str:
    done = CliRunner().invoke(app, ["experiment", "readout", name])
    assert done.exit_code == 0, done.output + str(done.exception)
    return " ".join(done.stdout.split())


def test_the_page_of_two_arms_says_in_words_first_what_the_readout_says(root: Path) -> None:
    begun(root, PLAN)
    sold(root, lift=2.0)
    now = at(root, 15)
    told = readout("prices")
    assert "Its page: reports/experiments/prices.html." in told
    page = root / "reports/experiments/prices.html"
    words = text_of(page)
    reading = read_now(root, read_experiment(experiments_folder(root), "prices"), now)
    assert isinstance(reading, ArmsReading)
    found = reading.verdict.now.comparison
    assert words.index("Is it randomness? No: the treatment is better.") < words.index("State")
    assert reading.sentence in words
    assert reading.sentence in told
    assert f"Lift {found.lift:+.1%}" in words
    assert f"control 1 200 {found.control:.4g} treatment 2 200 {found.treatment:.4g}" in words
    [look] = reading.verdict.looks
    assert f"{look.at:%Y-%m-%d} {look.readout.comparison.lift:+.1%}" in words
    for text in ("unlikes ✓ holds", "conversion", "cluster 0", "as planned", "a lift of 5.0%"):
        assert text in words
    assert "Written down on 2020-09-01" in words
    assert "<script" not in page.read_text("utf-8")
    assert foreign_assets(page.parent) == []
    assert broken_links(page.parent) == []


def test_the_chart_has_each_day_its_interval_and_the_looks(root: Path) -> None:
    experiment = begun(root, PLAN)
    sold(root, lift=0.1)
    reading = read_now(root, experiment, at(root, 9.5))
    assert isinstance(reading, ArmsReading)
    assert [each.at for each in reading.effects] == [
        START + timedelta(days=min(day, 9.5)) for day in range(1, 11)
    ]
    assert reading.coming == [START + timedelta(days=14)]
    last, current = reading.effects[-1], reading.verdict.now
    assert last.difference == pytest.approx(current.comparison.difference)
    assert (last.low, last.high) == (pytest.approx(current.low), pytest.approx(current.high))
    assert np.isnan(reading.effects[0].difference)  # 100 customers an arm were met on day 2 or 3
    refresh_pages(root, at(root, 9.5))
    page = (root / "reports/experiments/prices.html").read_text("utf-8")
    assert page.count('<polygon class="band"') == 1
    assert page.count('<circle class="mark none"') == 1
    assert re.findall(r'text-anchor="start">([a-z ]+)<', page) == ["goes on", "to come"]
    assert ">day 12</text>" in page
    stored = read_record(root, "prices")
    assert stored is not None
    assert [each["difference"] is None for each in stored["days"]][:2] == [True, True]
    assert stored["days"][-1]["difference"] == pytest.approx(last.difference)


def test_revenue_of_many_moments_is_that_of_each(root: Path) -> None:
    sold(root, lift=0.3)
    log = open_log(EVENTS, root)
    events = experiment_events(log)
    log.close()
    moments = [START + timedelta(days=day) for day in (0.5, 3, 7, 12.5, 20)]
    units, revenue = revenue_until(events, "prices", moments, cap=1.5)
    for moment, found in zip(moments, revenue, strict=True):
        seen = observe(events, "prices", until=moment, cap=1.5)
        assert units[found.is_exposed].tolist() == seen.unit.tolist()
        assert found.is_treated.tolist() == seen.is_treated.tolist()
        assert found.revenue == pytest.approx(seen.revenue)
    assert seen.revenue.sum() > 0


def test_a_stopped_experiment_that_no_look_decided_does_not_claim_to_run(root: Path) -> None:
    begun(root, PLAN)
    sold(root, lift=0.0)
    stop = {"exposed": 0.0, "reason": "the campaign ends", "at": START + timedelta(days=5)}
    add_step(experiments_folder(root), "prices", "stopped", **stop)  # type: ignore[arg-type]
    at(root, 6)
    assert "It ended on 2020-09-28 without a planned look that decided" in readout("prices")
    words = text_of(page_file(root, "prices"))
    assert "It may be: no planned look has decided." in words
    assert "Stopped, 2020-09-28 08:00 UTC: the campaign ends." in words


def interleaved(root: Path) -> None:
    events = []
    for number in range(20):
        who, context = f"{CUSTOMER}c{number}", {"experiment": "drafts", "day": "2020-09-23"}
        arm = {"experiment": "drafts", "arm": "interleaved"}
        teams = {**context, "control": "a b", "treatment": "c d"}
        events += [
            ShopEvent("exposure", who, "", f"de{number}", START, context=arm),
            ShopEvent("interleaving", who, "", f"dl{number}", START, context=teams),
        ]
        if number < 15:
            article = "c" if number < 13 else "a"
            soon = START + timedelta(hours=1)
            events.append(ShopEvent("purchase", who, article, f"dp{number}", soon, price=1.0))
    record(root, events)


def test_interleaved_lists_have_their_preference_with_its_interval(root: Path) -> None:
    begun(root, DRAFTS)
    interleaved(root)
    at(root, 5)
    told = readout("drafts")
    words = text_of(page_file(root, "drafts"))
    assert "Is it randomness? No: customers prefer the ranking of version 2." in words
    preference = (13 - 2) / 15
    assert f"Preference {preference:+.3f}" in words
    assert f"Preference for version 2: {preference:+.3f}" in told
    assert "15 customers bought more of one version, 5 did not." in words
    assert "1 2 0 2 13 0" in words  # version, sold, unliked
    page = page_file(root, "drafts").read_text("utf-8")
    centre = re.search(r'<circle class="dot" cx="([\d.]+)"', page)
    assert centre is not None
    assert float(centre[1]) == pytest.approx(
        _LEFT + (_RIGHT - _LEFT) * (preference + 1) / 2, abs=0.1
    )


def bandit(root: Path) -> None:
    rng = np.random.default_rng(1)
    shares = ((0.34, 0.33, 0.33), (0.2, 0.5, 0.3), (0.1, 0.8, 0.1))
    events = []
    for day, of_day in enumerate(shares):
        moment, name = START + timedelta(days=day), f"2020-09-{23 + day}"
        context = {"experiment": "many", "day": name}
        named = {f"v{version}": f"{share:.6f}" for version, share in enumerate(of_day, 1)}
        events.append(ShopEvent("shares", "many", "", f"s{day}", moment, context=context | named))
        for number in range(200):
            who, arm = f"guest:{number}", int(rng.choice(3, p=of_day))
            met = {**context, "arm": f"v{arm + 1}", "propensity": f"{of_day[arm]}"}
            key = f"{day}-{number}"
            events.append(ShopEvent("exposure", who, "", f"me{key}", moment, context=met))
            if rng.random() < (0.05, 0.3, 0.1)[arm]:
                events.append(ShopEvent("purchase", who, "a", f"mp{key}", moment, price=1.0))
    record(root, events)


def test_a_bandit_has_its_shares_by_day_and_what_it_lost(root: Path) -> None:
    text = (root / "params.yaml").read_text("utf-8")
    (root / "params.yaml").write_text(re.sub(r"first_day: \S+", "first_day: null", text), "utf-8")
    begun(root, MANY)
    bandit(root)
    at(root, 3.2)
    told = readout("many")
    assert told.startswith("Version 2 has 80% of the traffic after 3 days")
    words = text_of(page_file(root, "many"))
    assert "Is it randomness? No: the bandit saved conversions against equal shares." in words
    assert "80.0%" in words
    stored = read_record(root, "many")
    assert stored is not None
    assert stored["shares"]["2020-09-25"] == [0.1, 0.8, 0.1]
    page = page_file(root, "many").read_text("utf-8")
    assert page.count('<polyline class="series-') == 3 + 3  # shares, then conversions
    assert "Conversions lost" in words


def test_the_index_lists_every_kind_and_a_damaged_one_costs_its_own_page(root: Path) -> None:
    for plan, happens in ((PLAN, lambda: sold(root, 0.0)), (DRAFTS, lambda: interleaved(root))):
        begun(root, plan)
        happens()
    canary = planned(name="canary-v2", canary_days=2.0, look_days=(), share=0.1, start=0.9)
    plan_experiment(experiments_folder(root), canary)
    (experiments_folder(root) / "broken.json").write_text("{")
    now = at(root, 9)
    assert [page.name for page in refresh_pages(root, now)] == [
        "broken.html", "canary-v2.html", "drafts.html", "prices.html",
    ]  # fmt: skip
    index = root / "reports/experiments/index.html"
    words = text_of(index)
    assert "broken ✗ damaged It cannot be read: the file: Invalid JSON" in words
    assert "prices A/B test running 2 against 1 40.0% It is still running" in words
    assert "drafts interleaving running 2 interleaved with 1 30.0% Customers prefer" in words
    assert "canary-v2 canary planned 2 against 1 0.0% It is planned" in words
    assert "restore it from a backup" in text_of(page_file(root, "broken"))
    assert "whether version 2 does harm" in text_of(page_file(root, "canary-v2"))
    assert broken_links(index.parent) == []


def test_an_experiment_that_cannot_be_read_out_shows_why_and_keeps_its_plan(root: Path) -> None:
    begun(root, PLAN)
    refresh_pages(root, at(root, 1))
    words = text_of(page_file(root, "prices"))
    assert "It cannot be read out: somebody was exposed to experiment 'prices'" in words
    assert "a lift of 5.0%" in words
    sold(root, 0.0)
    (root / "data/segments/segments.parquet").write_bytes(b"no parquet")
    refresh_pages(root, at(root, 9))
    assert "It cannot be read out: " in text_of(page_file(root, "prices"))
    write_again(root)
    refresh_pages(root, at(root, 9))
    assert "It is still running" in text_of(page_file(root, "prices"))


def write_again(root: Path) -> None:
    keys = np.arange(N_CUSTOMERS)
    pd.DataFrame({"customer": keys, "cluster": keys % 2}).to_parquet(
        root / "data/segments/segments.parquet"
    )


def test_pages_are_written_while_an_experiment_runs_and_once_after_it(root: Path) -> None:
    assert outdated(root) == []
    begun(root, PLAN)
    sold(root, 0.0)
    refresh_pages(root, at(root, 8))
    assert outdated(root) == ["prices"]
    stop = {"exposed": 0.0, "reason": "enough", "at": START + timedelta(days=9)}
    add_step(experiments_folder(root), "prices", "stopped", **stop)  # type: ignore[arg-type]
    assert outdated(root) == ["prices"]
    refresh_pages(root, at(root, 10))
    assert outdated(root) == []
    page_file(root, "prices").with_suffix(".json").write_text("{")
    assert outdated(root) == ["prices"]


def test_pages_of_experiments_that_are_gone_are_gone(root: Path) -> None:
    for plan in (PLAN, planned(name="index", share=0.1, start=0.5)):
        plan_experiment(experiments_folder(root), plan)
    refresh_pages(root, at(root, 1))
    assert text_of(root / "reports/experiments/_index.html").startswith("Experiment index")
    (experiments_folder(root) / "prices.json").unlink()
    refresh_pages(root, at(root, 1))
    folder = root / "reports/experiments"
    assert {path.name for path in folder.glob("[!.]*")} == {
        "index.html", "_index.html", "_index.json",
    }  # fmt: skip


def test_the_process_beside_the_shop_outlives_a_folder_that_cannot_be_written(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun(root, PLAN)
    (root / "reports").write_text("a file in the way")
    _write_pages(root)
    assert "pages of experiments cannot be written" in caplog.text
    (root / "reports").unlink()
    _write_pages(root)
    assert json.loads(page_file(root, "prices").with_suffix(".json").read_text())["problem"]
    assert os.access(page_file(root, "prices"), os.R_OK)
