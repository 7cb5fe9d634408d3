"""A bandit over the shelves of the first page: which stands first, and what that sold."""

import html
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient
from typer.testing import CliRunner

from hemline.cli import app as commands
from hemline.clock import set_clock
from hemline.experiments.assignment import arm_of
from hemline.experiments.experiment_files import (
    SHELVES,
    add_step,
    experiments_folder,
    plan_experiment,
)
from hemline.shop.bandit_readout import read_bandit
from hemline.shop.event_log import GUEST, ShopEvent
from hemline.shop.shop_clock import ShopClock
from tests.processes import eventually
from tests.serving.tiny_version import N_ARTICLES, article_id
from tests.shop.test_experiment_arms import planned
from tests.shop.tiny_registry import registry_project
from tests.shop.tiny_workers import NOW, begin_clock, worker
from tests.tiny_project import REPOSITORY

NAME = "shelves"
FIRST, DAY = date(2020, 9, 23), timedelta(days=1)
GUESTS = [f"guest-{number:04d}" for number in range(24)]
PLAN = planned(
    name=NAME, kind="shelves", shelves=SHELVES, treatment=1, floor=0.1, start=0.0, share=1.0
)
USUAL = ["also", "similar"]
ORDERS = {"also_bought": USUAL, "similar": ["similar", "also"]}


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return begin_clock(tmp_path, monkeypatch)


@pytest.fixture
def root(tmp_path: Path, clock: Path) -> Path:
    assert clock.exists()
    root = registry_project(tmp_path / "project")
    shutil.copy(REPOSITORY / "dvc.yaml", root)
    plan_experiment(experiments_folder(root), PLAN)
    add_step(experiments_folder(root), NAME, "started", exposed=1.0, reason="test")
    return root


@pytest.fixture
def shop(root: Path) -> Iterator[TestClient]:
    with worker(root) as client:
        yield client


def page(shop: TestClient, guest: str, path: str = "/") -> str:
    """Return what a guest of this name sees, who has been there before."""
    state, signed = shop.app.state, Response()  # type: ignore[attr-defined]
    state.visits.keep(state.shop.visit(guest, is_new=True), signed)
    reply = shop.get(path, headers={"cookie": signed.headers["set-cookie"].partition(";")[0]})
    assert reply.status_code == 200, reply.text
    return str(reply.text)


def order(shown: str) -> list[str]:
    return re.findall(r'<h2 id="(also|similar)">', shown)


def events(shop: TestClient, kind: str) -> list[ShopEvent]:
    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    return [each.event for each in log.since(0, 10_000) if each.event.kind == kind]


def send(shop: TestClient, kind: str, guest: str, article: str) -> None:
    key = f"{kind}-{guest}-{article}-{len(events(shop, kind))}"
    event = {"key": key, "kind": kind, "article_id": article, "guest": guest}
    reply = shop.post("/events", json=event)
    assert reply.status_code == 201, reply.text


def arms_from_log(shop: TestClient) -> dict[str, str]:
    """Return the arms of the first day by guest, computed again from its shares in the log."""
    shares = events(shop, "shares")[0].context
    weights = tuple((name, float(shares[name])) for name in SHELVES)
    of_day = replace(PLAN.allocation, experiment=f"{NAME}/{shares['day']}", arms=weights)
    found = {guest: arm_of(GUEST + guest, of_day, 1.0) for guest in GUESTS}
    return {guest: arm for guest, arm in found.items() if arm is not None}


def exposures(shop: TestClient) -> Mapping[tuple[str, str], Mapping[str, str]]:
    found = events(shop, "exposure")
    by_visit = {(each.visitor, each.context["day"]): each.context for each in found}
    assert len(found) == len(by_visit)
    return by_visit


def test_the_arm_stands_first_all_day_in_all_workers_and_is_logged_with_its_propensity(
    root: Path,
) -> None:
    with worker(root) as one, worker(root) as other:
        seen = {}
        for guest in GUESTS:
            shown = page(one, guest)
            seen[guest] = order(shown)
            assert order(page(other, guest)) == order(page(one, guest)) == seen[guest]
            arm = next(name for name, each in ORDERS.items() if each == seen[guest])
            assert f"arm {arm}<" in shown
            assert "version 1" in shown
        arms = arms_from_log(one)
        assert {guest: ORDERS[arm] for guest, arm in arms.items()} == seen
        assert {*arms.values()} == {*SHELVES}
        [shares] = events(one, "shares")
        assert sum(float(shares.context[name]) for name in SHELVES) == pytest.approx(1)
        logged = exposures(other)
        assert len(logged) == len(GUESTS)
        for guest, arm in arms.items():
            assert logged[GUEST + guest, "2020-09-23"] == {
                "experiment": NAME, "arm": arm, "version": "1", "day": "2020-09-23",
                "propensity": shares.context[arm],
            }  # fmt: skip


def test_the_articles_of_a_shelf_are_the_same_wherever_it_stands(shop: TestClient) -> None:
    shown: dict[str, str] = dict.fromkeys(SHELVES, "")
    for guest in GUESTS:
        text = page(shop, guest)
        shown[next(name for name, each in ORDERS.items() if each == order(text))] = text
    for shelf in USUAL:
        first, second = (re.findall(rf'value="unlike (\d+) {shelf}-', text)
                         for text in shown.values())  # fmt: skip
        assert first == second != []


def test_who_does_not_see_the_first_page_is_not_exposed(shop: TestClient) -> None:
    for path in (f"/article/{article_id(0)}", "/search?q=model", "/basket", "/staff"):
        page(shop, GUESTS[0], path)
    found = shop.post("/recommendations", json={"guest": GUESTS[0]}).json()
    assert (found["arm"], found["version"]) == ("champion", 1)
    assert exposures(shop) == {}


def test_a_page_without_one_of_the_shelves_exposes_nobody(shop: TestClient) -> None:
    page(shop, GUESTS[0])
    guest = next(guest for guest, arm in arms_from_log(shop).items()
                 if arm == "similar" and guest != GUESTS[0])  # fmt: skip
    lists = [shop.get(f"/articles/{article_id(n)}/also-bought").json() for n in range(N_ARTICLES)]
    for article in {each["article_id"] for found in lists for each in found["articles"]}:
        send(shop, "unlike", guest, article)  # so none of them is on a shelf
    shown = page(shop, guest)
    assert order(shown) == ["similar"]
    assert "arm champion<" in shown
    assert exposures(shop).keys() == {(GUEST + GUESTS[0], "2020-09-23")}


def test_an_exposure_that_cannot_be_recorded_leaves_the_usual_order(
    shop: TestClient, root: Path
) -> None:
    page(shop, GUESTS[0])
    guest = next(guest for guest, arm in arms_from_log(shop).items()
                 if arm == "similar" and guest != GUESTS[0])  # fmt: skip
    with closing(sqlite3.connect(root / ".hemline" / "shop" / "events.db")) as another:
        another.execute("BEGIN IMMEDIATE")  # as long as this holds, nothing can be written
        shown = page(shop, guest)
    assert order(shown) == USUAL
    assert "arm champion<" in shown
    assert (GUEST + guest, "2020-09-23") not in exposures(shop)
    assert order(page(shop, guest)) == ["similar", "also"]
    assert exposures(shop)[GUEST + guest, "2020-09-23"]["arm"] == "similar"


def test_the_shelf_that_sells_is_first_on_the_next_day_and_the_readout_counts_the_log(
    shop: TestClient, root: Path, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for guest in GUESTS:
        page(shop, guest)
    arms = arms_from_log(shop)
    sold = [guest for guest in GUESTS if arms[guest] == "similar"]
    for guest in sold:
        send(shop, "purchase", guest, article_id(0))
    set_clock(clock, NOW + DAY)
    send(shop, "purchase", GUESTS[0], article_id(0))  # before the page of that day: not its work
    second = {guest: order(page(shop, guest)) for guest in GUESTS}
    one, two = (each.context for each in events(shop, "shares"))
    assert (two["also_bought"], two["similar"]) == ("0.100000", "0.900000")
    n_first = [*second.values()].count(ORDERS["similar"])
    assert len(sold) < n_first < len(GUESTS)
    for (_, day), context in exposures(shop).items():
        assert context["propensity"] == (one if day == one["day"] else two)[context["arm"]]

    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    found = read_bandit(log, PLAN, FIRST + 2 * DAY, ShopClock.of(log, FIRST).day_of)
    weights = len(sold) / float(one["similar"]), n_first / 0.9
    rate = weights[0] / sum(weights)
    n_also = 2 * len(GUESTS) - len(sold) - n_first
    assert [each.n_exposures for each in found.arms] == [n_also, len(sold) + n_first]
    also, similar = (each.conversion for each in found.arms)
    assert also is not None
    assert similar is not None
    n_met = len({visitor for (visitor, _), each in exposures(shop).items()
                 if each["arm"] == "also_bought"})  # fmt: skip
    assert also == (0, 0, pytest.approx(1 - 0.025 ** (1 / n_met)))
    assert similar[0] == pytest.approx(rate)
    assert similar[1] < rate < similar[2]
    assert found.lost == pytest.approx(n_also * rate)
    assert found.lost_by_equal_split == pytest.approx(2 * len(GUESTS) * rate / 2)

    set_clock(clock, NOW + 2 * DAY)
    monkeypatch.chdir(root)
    told = CliRunner().invoke(commands, ["experiment", "readout", NAME])
    assert told.exit_code == 0, told.output + str(told.exception)
    leads = "'similar' stands first for 90% of the visitors after 2 days. The bandit lost"
    assert told.stdout.startswith(leads)
    words = " ".join(told.stdout.replace("│", " ").split())
    assert f"also bought {n_also} 10.0% 0.00% [0.00%, {also[2]:.2%}]" in words
    content = (root / "reports/experiments/shelves.html").read_text("utf-8")
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())
    assert shown.index(leads) < shown.index("State")
    assert "Compares bandit over shelves Traffic" in shown
    assert f"similar {len(sold) + n_first} 90.0% {rate:.2%}" in shown
    assert "A page that lacks one of the shelves" in shown


def test_a_visitor_of_another_experiment_is_in_no_bandit_over_shelves(
    root: Path, clock: Path
) -> None:
    assert clock.exists()
    folder = experiments_folder(root)
    add_step(folder, NAME, "stopped", exposed=0.0, reason="test")
    halves = (PLAN.model_copy(update={"name": "half", "share": 0.5}), planned(start=0.5))
    for plan in halves:
        plan_experiment(folder, plan)
        add_step(folder, plan.name, "started", exposed=1.0, reason="test")
    with worker(root) as shop:
        shown = {guest: page(shop, guest) for guest in GUESTS}
        found = [(each.visitor, each.context["experiment"]) for each in events(shop, "exposure")]
        assert sorted(visitor for visitor, _ in found) == sorted(GUEST + each for each in GUESTS)
        assert {name for _, name in found} == {"half", "popular"}
        for visitor, experiment in found:
            if experiment == "popular":
                assert order(shown[visitor.removeprefix(GUEST)]) == USUAL


def test_when_it_is_stopped_the_usual_order_comes_back(shop: TestClient, root: Path) -> None:
    page(shop, GUESTS[0])
    guest = next(guest for guest, arm in arms_from_log(shop).items() if arm == "similar")
    assert order(page(shop, guest)) == ["similar", "also"]
    add_step(experiments_folder(root), NAME, "stopped", exposed=0.0, reason="enough")
    assert eventually(lambda: order(page(shop, guest)) == USUAL, seconds=20)
