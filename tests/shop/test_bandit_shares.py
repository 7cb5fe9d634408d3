"""A bandit in the shop: arms drawn every shop day by shares that are computed once."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from hemline.clock import set_clock
from hemline.experiments.experiment_files import add_step, experiments_folder, plan_experiment
from hemline.shop.arm_tallies import arm_of_day, read_arms, tallies_file
from hemline.shop.bandit_readout import read_bandit
from hemline.shop.bandit_shares import BanditShares
from hemline.shop.event_log import GUEST, ShopEvent
from hemline.shop.session_stores import open_log
from hemline.shop.shop_clock import ShopClock
from tests.shop.test_experiment_arms import planned
from tests.shop.tiny_registry import registry_project
from tests.shop.tiny_workers import NOW, begin_clock, worker

NAME = "versions"
FIRST, DAY = date(2020, 9, 23), timedelta(days=1)
GUESTS = [f"guest-{number:04d}" for number in range(40)]
PLAN = planned(name=NAME, kind="bandit", versions=(1, 2), floor=0.1, share=1.0)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return begin_clock(tmp_path, monkeypatch)


@pytest.fixture
def root(tmp_path: Path, clock: Path) -> Path:
    assert clock.exists()
    root = registry_project(tmp_path / "project")
    plan_experiment(experiments_folder(root), PLAN)
    add_step(experiments_folder(root), NAME, "started", exposed=1.0, reason="test")
    return root


@pytest.fixture
def shop(root: Path) -> Iterator[TestClient]:
    with worker(root) as client:
        yield client


def arm_of(shop: TestClient, guest: str) -> str:
    reply = shop.post("/recommendations", json={"guest": guest})
    assert reply.status_code == 200, reply.text
    assert reply.json()["arm"] == f"v{reply.json()['version']}"
    return str(reply.json()["arm"])


def events(shop: TestClient, kind: str) -> list[ShopEvent]:
    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    return [each.event for each in log.since(0, 10_000) if each.event.kind == kind]


def buy(shop: TestClient, guest: str, key: str) -> None:
    article = shop.post("/recommendations", json={"guest": guest}).json()["articles"][0]
    event = {"key": key, "kind": "purchase", "article_id": article["article_id"], "guest": guest}
    assert shop.post("/events", json=event).status_code == 201


def test_who_sells_gets_the_traffic_of_the_next_day_but_for_the_floor(
    shop: TestClient, clock: Path
) -> None:
    arms = {guest: arm_of(shop, guest) for guest in GUESTS}
    assert {*arms.values()} == {"v1", "v2"}
    for guest, arm in arms.items():
        if arm == "v2":
            buy(shop, guest, f"buy-{guest}")
    assert {guest: arm_of(shop, guest) for guest in GUESTS} == arms  # today stays as it is
    set_clock(clock, NOW + DAY)
    next_day = [arm_of(shop, guest) for guest in GUESTS]
    assert 0 < next_day.count("v1") < arms_of(arms, "v1")
    first, second = events(shop, "shares")
    assert float(first.context["v1"]) == pytest.approx(0.5, abs=0.05)
    assert (second.context["day"], second.context["v1"]) == ("2020-09-24", "0.100000")
    exposures = events(shop, "exposure")
    assert len(exposures) == 2 * len(GUESTS)
    for each in exposures:
        shares = first if each.context["day"] == "2020-09-23" else second
        assert each.context["propensity"] == shares.context[each.context["arm"]]
    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    found = read_bandit(log, PLAN, FIRST + 2 * DAY, ShopClock.of(log, FIRST).day_of)
    assert (found.n_days, sum(each.n_exposures for each in found.arms)) == (2, 80)
    assert [each.latest_share for each in found.arms] == [0.1, 0.9]
    assert found.lost < found.lost_by_equal_split
    assert found.sentence.startswith("Version 2 has 90% of the traffic after 2 days")
    early = read_bandit(log, PLAN, FIRST, ShopClock.of(log, FIRST).day_of)
    assert early.sentence == "No day of the bandit is complete yet."


def arms_of(arms: dict[str, str], name: str) -> int:
    return [*arms.values()].count(name)


def test_lists_are_counted_by_arm_and_day(shop: TestClient, root: Path, clock: Path) -> None:
    for day in range(2):
        set_clock(clock, NOW + day * DAY)
        arms = [arm_of(shop, guest) for guest in GUESTS]
        asyncio.run(shop.app.state.shop.tallies.write())  # type: ignore[attr-defined]
        found = read_arms(tallies_file(root), NAME)
        for arm in ("v1", "v2"):
            tally = found[arm_of_day(arm, FIRST + day * DAY)]
            assert tally.n_answers == arms.count(arm) > 0
            assert len(tally.listed) == 0


def test_two_workers_share_out_a_day_once(root: Path, clock: Path) -> None:
    with worker(root) as one, worker(root) as other:
        for day in range(3):
            set_clock(clock, NOW + day * DAY)
            for number, guest in enumerate(GUESTS[:12]):
                assert arm_of(one, guest) == arm_of(other, guest)
                if number % 3 == 0:
                    buy(one, guest, f"buy-{guest}-{day}")
        assert len(events(one, "shares")) == 3
        assert len(events(one, "exposure")) == 3 * 12


def test_the_shares_of_a_day_can_be_computed_again_from_the_log(
    shop: TestClient, root: Path, clock: Path, tmp_path: Path
) -> None:
    for day in range(3):
        set_clock(clock, NOW + day * DAY)
        for guest in GUESTS[:15]:
            if arm_of(shop, guest) == "v1":
                buy(shop, guest, f"buy-{guest}-{day}")
    recorded = {each.context["day"]: float(each.context["v1"]) for each in events(shop, "shares")}
    shop.app.state.shop.log.close()  # type: ignore[attr-defined]
    copied = tmp_path / "copy.db"
    shutil.copy(root / ".hemline" / "shop" / "events.db", copied)
    with closing(sqlite3.connect(copied)) as database:
        database.execute("DELETE FROM events WHERE kind = 'shares'")
        database.commit()
    log = open_log(f"sqlite:{copied}", root)
    again = BanditShares(PLAN, log, ShopClock.of(log, FIRST).day_of)
    for name, share in recorded.items():
        assert again.of(date.fromisoformat(name))["v1"] == share
    assert len(recorded) == 3
    log.close()


def test_the_page_is_answered_by_the_arm_too(shop: TestClient) -> None:
    shown = shop.get("/").text
    arm = next(each for each in events(shop, "exposure")).context["arm"]
    assert f"arm {arm}" in shown
    assert [each.visitor[:6] for each in events(shop, "exposure")] == [GUEST]
