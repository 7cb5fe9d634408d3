"""Explored places of lists, in a shop of six products: drawn alike by all workers, and recorded."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hemline.clock import set_clock
from hemline.experiments.exploration_slots import slot_probabilities
from hemline.shop.event_log import GUEST, LogUnavailable, ShopEvent
from tests.serving.tiny_version import customer_id
from tests.shop.tiny_registry import registry_project
from tests.shop.tiny_workers import NOW, begin_clock, worker

GUESTS = [f"guest-{number:04d}" for number in range(40)]
EXPLORATION = {"places": [3, 4], "candidates": 3, "temperature": 2.0, "reward_days": 3}


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return begin_clock(tmp_path, monkeypatch)


@pytest.fixture
def root(tmp_path: Path, clock: Path) -> Path:
    assert clock.exists()
    return registry_project(tmp_path / "project", {"exploration": EXPLORATION})


@pytest.fixture
def shop(root: Path) -> Iterator[TestClient]:
    with worker(root) as client:
        yield client


def list_for(shop: TestClient, guest: str, **query: Any) -> list[dict[str, Any]]:
    reply = shop.post("/recommendations", json={"guest": guest, **query})
    assert reply.status_code == 200, reply.text
    articles: list[dict[str, Any]] = reply.json()["articles"]
    return articles


def ids(articles: list[dict[str, Any]]) -> list[str]:
    return [each["article_id"] for each in articles]


def drawn(shop: TestClient) -> list[ShopEvent]:
    events = shop.app.state.shop.log.since(0, 10_000)  # type: ignore[attr-defined]
    return [each.event for each in events if each.event.kind == "exploration"]


def test_without_places_nothing_is_drawn(tmp_path: Path) -> None:
    with worker(registry_project(tmp_path / "plain")) as shop:
        found = list_for(shop, GUESTS[0])
        assert [each["propensity"] for each in found] == [None] * len(found)
        assert drawn(shop) == []


def test_what_is_drawn_is_recorded_once_with_what_could_have_been(shop: TestClient) -> None:
    for guest in (*GUESTS, *GUESTS[:9]):
        found = list_for(shop, guest)
        assert [n for n, each in enumerate(found, 1) if each["propensity"]] == [3, 4]
        mine = [each for each in drawn(shop) if each.visitor == GUEST + guest]
        assert [each.context["place"] for each in mine] == ["3", "4"]
        for each in mine:
            place = int(each.context["place"])
            assert found[place - 1]["article_id"] == each.article_id
            candidates = each.context["candidates"].split()
            chances = [float(one) for one in each.context["propensities"].split()]
            assert chances == pytest.approx(slot_probabilities(len(candidates), 2.0), abs=1e-9)
            chance = chances[candidates.index(each.article_id)]
            assert found[place - 1]["propensity"] == pytest.approx(chance, abs=1e-8)
            assert each.context["beside"].split() == [ids(found)[1], ids(found)[4]]
    assert len(drawn(shop)) == 2 * len(GUESTS)
    assert len({each.article_id for each in drawn(shop)}) > 2


def test_workers_that_know_nothing_of_each_other_draw_alike(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = []
    for name in ("one", "other"):
        monkeypatch.setenv("HEMLINE_SHOP_EVENTS", f"sqlite:{tmp_path}/{name}.db")
        with worker(root) as shop:
            lists.append([ids(list_for(shop, guest)) for guest in GUESTS])
    assert lists[0] == lists[1]
    assert len({tuple(each) for each in lists[0]}) > 3


def test_two_workers_of_one_log_record_a_draw_once(root: Path) -> None:
    with worker(root) as one, worker(root) as other:
        for guest in GUESTS[:8]:
            assert list_for(one, guest) == list_for(other, guest)
        assert len(drawn(one)) == 2 * 8


def test_the_next_day_is_drawn_anew(shop: TestClient, clock: Path) -> None:
    today = [ids(list_for(shop, guest)) for guest in GUESTS]
    set_clock(clock, NOW + timedelta(hours=11))
    assert [ids(list_for(shop, guest)) for guest in GUESTS] == today
    set_clock(clock, NOW + timedelta(hours=13))
    assert [ids(list_for(shop, guest)) for guest in GUESTS] != today
    assert len(drawn(shop)) == 4 * len(GUESTS)


def test_a_drawn_article_stays_unless_the_visitor_does_not_want_it(shop: TestClient) -> None:
    guest = GUESTS[0]
    before = list_for(shop, guest)
    event = {"kind": "unlike", "guest": guest}
    first = {**event, "key": "unlike-1", "article_id": before[0]["article_id"]}
    assert shop.post("/events", json=first).status_code == 201
    after = list_for(shop, guest)
    assert before[0]["article_id"] not in ids(after)
    assert {each.article_id for each in drawn(shop)} <= {*ids(after)[:4]}
    third = {**event, "key": "unlike-2", "article_id": before[2]["article_id"]}
    assert shop.post("/events", json=third).status_code == 201
    last = list_for(shop, guest)
    assert before[2]["article_id"] not in ids(last)
    assert last[2]["propensity"] is None
    assert len(drawn(shop)) == 2


def test_a_filtered_list_is_not_explored(shop: TestClient) -> None:
    first = list_for(shop, GUESTS[0], per_product=1)
    assert [each["propensity"] for each in first] == [None] * len(first)
    assert drawn(shop) == []


def test_what_cannot_be_recorded_is_not_drawn(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_events: object) -> list[int]:
        raise LogUnavailable("the disk is full")

    plain = list_for(shop, GUESTS[0], per_product=1)
    monkeypatch.setattr(shop.app.state.shop, "append", unavailable)  # type: ignore[attr-defined]
    assert list_for(shop, GUESTS[0]) == plain


def test_the_page_shows_what_the_api_lists(shop: TestClient) -> None:
    who = customer_id(1)
    listed = shop.get(f"/recommendations/{who}").json()["articles"]
    assert [bool(each["propensity"]) for each in listed[:4]] == [False, False, True, True]
    shop.post("/customer", data={"customer": who, "back": "/"})
    page = shop.get("/").text
    for place, each in enumerate(listed, 1):
        card = page.split(f'id="favourites-{place}"', 1)[1]
        assert card.split('href="/article/', 1)[1].startswith(each["article_id"])
    assert "drawn for its place" in shop.get("/staff").text
    assert len(drawn(shop)) == 2


def test_nobody_from_outside_says_what_was_drawn(shop: TestClient) -> None:
    article = list_for(shop, GUESTS[0])[0]["article_id"]
    event = {"key": "key-12345", "kind": "exploration", "article_id": article, "guest": GUESTS[0]}
    assert shop.post("/events", json=event).status_code == 422
