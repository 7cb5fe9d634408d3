"""The API of one worker, in this process, with the champion of the trained project."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from hemline.errors import BadInput
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.shop.api_schema import ArticleList, Health, InForce, RecordedEvents, VisitorList
from hemline.shop.app import ShopSettings, create_app
from hemline.shop.problem_answers import Problem
from tests.running_shop import copied_registry, set_alias

NUMBERS = count()


@pytest.fixture(scope="module")
def database(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with two versions, of which the first is the champion."""
    return copied_registry(trained, tmp_path_factory.mktemp("registry") / "mlflow.db")


@pytest.fixture(scope="module")
def shop(trained: Path, database: Path) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEMLINE_SHOP_EVENTS", f"sqlite:{database.with_name('events.db')}")
        app = create_app(ShopSettings(trained, database=database))
    with TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def answers(shop: TestClient) -> Answers:
    found: Answers = shop.app.state.shop.watch.answers  # type: ignore[attr-defined]
    return found


@pytest.fixture
def customer(trained: Path) -> str:
    """The id of a customer whom no other test asks about."""
    keys = pq.read_table(trained / "data" / "tables" / "customer_keys.parquet")
    return str(keys["customer_id"][next(NUMBERS)])


def get(shop: TestClient, path: str, **query: Any) -> dict[str, Any]:
    reply = shop.get(path, params=query)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def ids(content: dict[str, Any]) -> list[str]:
    return [one["article_id"] for one in content["articles"]]


def send(shop: TestClient, kind: str, article: str, **more: Any) -> int:
    event = {"key": uuid4().hex, "kind": kind, "article_id": article, **more}
    reply = shop.post("/events", json=event)
    assert reply.status_code == 201, reply.text
    sequence: int = reply.json()["events"][0]["sequence"]
    return sequence


def test_a_list_says_what_made_it_and_why(
    shop: TestClient, answers: Answers, customer: str
) -> None:
    reply = shop.get(f"/recommendations/{customer}", params={"page": "home", "slot": "top"})
    content = VisitorList.model_validate_json(reply.content, strict=True)
    expected = answers.for_customer(answers.find_customer(customer), SessionState(), ListRules())
    assert ids(reply.json()) == [answers.articles.id_of(one.article) for one in expected.listed]
    assert [one.source for one in content.articles] == [one.source for one in expected.listed]
    assert [one.reason.kind for one in content.articles] == [
        one.reason.kind for one in expected.listed
    ]
    assert (content.version, content.arm, content.model) == (1, "champion", expected.model)
    assert (content.page, content.slot) == ("home", "top")
    assert content.request_id == reply.headers["x-request-id"]
    assert content.milliseconds > 0
    assert reply.headers["cache-control"] == "private, no-store"


def test_a_list_keeps_to_what_is_asked(shop: TestClient, customer: str) -> None:
    path = f"/recommendations/{customer}"
    first = get(shop, path, k=20)
    assert len(first["articles"]) == 20
    assert ids(get(shop, path, k=5)) == ids(first)[:5]
    assert not {*ids(first)[:3]} & {*ids(get(shop, path, k=20, exclude=ids(first)[:3]))}
    group = first["articles"][0]["product_group"]
    only = get(shop, path, product_group=[group])["articles"]
    assert {one["product_group"] for one in only} == {group}
    prices = sorted(one["price"] for one in first["articles"] if one["price"] is not None)
    least, most = prices[5], prices[-5]
    within = get(shop, path, min_price=least, max_price=most)["articles"]
    assert within
    assert all(least <= one["price"] <= most for one in within)
    products = [one["product_code"] for one in first["articles"]]
    assert len(set(products)) == len(products)


def test_articles_lead_to_others(shop: TestClient, customer: str) -> None:
    article = ids(get(shop, f"/recommendations/{customer}"))[0]
    for path in ("similar", "also-bought", "other-colours"):
        reply = shop.get(f"/articles/{article}/{path}")
        content = ArticleList.model_validate_json(reply.content, strict=True)
        assert article not in ids(reply.json())
        assert {one.reason.article_id for one in content.articles} <= {article}


def test_the_next_list_sees_what_was_done(shop: TestClient, customer: str) -> None:
    path = f"/recommendations/{customer}"
    first, second, *_ = before = ids(get(shop, path))
    send(shop, "unlike", first, customer_id=customer)
    assert first not in ids(get(shop, path, k=100))
    send(shop, "undo", first, customer_id=customer)
    assert ids(get(shop, path)) == before
    for kind in ("basket", "purchase"):
        send(shop, kind, second, customer_id=customer)
        assert second not in ids(get(shop, path))
    send(shop, "return", second, customer_id=customer)
    assert ids(get(shop, path)) == before


def test_a_guest_who_signs_up_keeps_what_was_done(shop: TestClient, customer: str) -> None:
    guest = uuid4().hex
    listed = shop.post("/recommendations", json={"guest": guest, "age": 25}).json()
    first = ids(listed)[0]
    send(shop, "unlike", first, guest=guest)
    assert first not in ids(shop.post("/recommendations", json={"guest": guest}).json())
    send(shop, "view", ids(listed)[1], guest=guest, customer_id=customer)
    state = shop.app.state.shop.log.of(f"customer:{customer}")  # type: ignore[attr-defined]
    assert [one.event.kind for one in state] == ["unlike", "view"]


def test_a_customer_who_signed_up_since_the_cut_is_answered(shop: TestClient) -> None:
    new, guest = uuid4().hex, uuid4().hex
    assert shop.get(f"/recommendations/{new}").status_code == 404
    listed = ids(shop.post("/recommendations", json={"guest": guest}).json())
    send(shop, "unlike", listed[0], guest=guest, customer_id=new)
    assert listed[0] not in ids(get(shop, f"/recommendations/{new}"))


def test_the_session_of_a_guest_may_come_with_the_request(shop: TestClient) -> None:
    plain = ids(shop.post("/recommendations", json={}).json())
    body = {"bought": plain[:1], "basket": plain[1:2], "unliked": plain[2:3], "k": 100}
    told = ids(shop.post("/recommendations", json=body).json())
    assert told
    assert not {*plain[:3]} & {*told}


def test_an_event_counts_once_and_a_key_names_one_event(shop: TestClient, customer: str) -> None:
    article = ids(get(shop, f"/recommendations/{customer}"))[0]
    event = {"key": uuid4().hex, "kind": "view", "article_id": article, "customer_id": customer}
    once, again = (shop.post("/events", json=event) for _ in range(2))
    assert once.content == again.content
    RecordedEvents.model_validate_json(once.content, strict=True)
    other = shop.post("/events", json={**event, "kind": "unlike"})
    assert other.status_code == 409
    both = [{**event, "key": uuid4().hex}, {**event, "kind": "unlike"}]
    assert shop.post("/events", json=both).status_code == 409
    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    assert len(log.of(f"customer:{customer}")) == 1


def test_no_address_lists_customers(shop: TestClient) -> None:
    assert set(shop.get("/openapi.json").json()["paths"]) == {
        "/recommendations/{customer_id}", "/recommendations", "/articles/{article_id}/similar",
        "/articles/{article_id}/also-bought", "/articles/{article_id}/other-colours", "/events",
        "/ping", "/version", "/health", "/ready", "/metrics",
    }  # fmt: skip


def test_the_service_says_how_it_is(shop: TestClient, customer: str) -> None:
    assert shop.get("/ping").text == "pong\n"
    assert InForce.model_validate_json(shop.get("/version").content).version == 1
    for path in ("/health", "/ready"):
        health = Health.model_validate_json(shop.get(path).content, strict=True)
        assert health == Health(status="ok", version=1, registry=None, stores=None)
    get(shop, f"/recommendations/{customer}")
    metrics = shop.get("/metrics").text
    assert "hemline_shop_version 1.0" in metrics
    assert 'hemline_shop_requests_total{route="/recommendations/{customer_id}",status="200"}' in (
        metrics
    )
    assert customer not in metrics


def test_ids_of_customers_are_in_no_log(
    shop: TestClient, customer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    article = ids(get(shop, f"/recommendations/{customer}"))[0]
    send(shop, "view", article, customer_id=customer)
    shop.get(f"/recommendations/{customer}x")
    lines = [line for line in caplog.text.splitlines() if "hemline" in line]
    assert len(lines) >= 3
    assert not any(customer in line for line in lines)
    hashes = {line.rpartition("visitor=")[2] for line in lines}
    assert len(hashes) == 2  # the customer's, and that of the unknown one


E = {"key": "12345678", "kind": "view", "article_id": "0", "guest": "12345678"}
NULL = "\0"
HOSTILE: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/recommendations/unknown", {}),
    ("GET", "/recommendations/%00", {}),
    ("GET", "/recommendations/%0d%0aSet-Cookie:%20a", {}),
    ("GET", "/recommendations/" + "a" * 129, {}),
    ("GET", "/recommendations/" + "a" * 9000, {}),
    ("GET", "/recommendations/..%2f..%2fetc%2fpasswd", {}),
    ("GET", "/recommendations/%ff%fe", {}),
    ("GET", "/recommendations/<script>", {}),
    ("GET", "/recommendations/' OR 1=1 --", {}),
    ("GET", "/recommendations/a?k=0", {}),
    ("GET", "/recommendations/a?k=101", {}),
    ("GET", "/recommendations/a?k=1e3", {}),
    ("GET", "/recommendations/a?k=" + "9" * 400, {}),
    ("GET", "/recommendations/a?min_price=nan", {}),
    ("GET", "/recommendations/a?max_price=inf", {}),
    ("GET", "/recommendations/a?min_price=-1", {}),
    ("GET", "/recommendations/a?per_product=-1", {}),
    ("GET", "/recommendations/a?in_stock=perhaps", {}),
    ("GET", "/recommendations/a?compare=all", {}),
    ("GET", "/recommendations/a?unknown=1", {}),
    ("GET", "/recommendations/a?page=%1b[2J", {}),
    ("GET", "/recommendations/a?" + "&".join(["exclude=1"] * 201), {}),
    ("GET", "/articles/0000000000/similar", {}),
    ("GET", "/articles/0/also-bought?product_group=none", {}),
    ("GET", "/articles", {}),
    ("GET", "/customers", {}),
    ("DELETE", "/events", {}),
    ("PUT", "/recommendations/a", {}),
    ("POST", "/recommendations", {"content": b"{"}),
    ("POST", "/recommendations", {"content": b"\xff\xfe"}),
    ("POST", "/recommendations", {"content": b"[" * 60_000}),
    ("POST", "/recommendations", {"content": b"{" + b" " * 70_000 + b"}"}),
    ("POST", "/recommendations", {"content": b'{"age": 1e400}'}),
    ("POST", "/recommendations", {"content": b'{"min_price": NaN}'}),
    ("POST", "/recommendations", {"content": b'{"page": "\\ud800"}'}),
    ("POST", "/recommendations", {"json": {"age": -1}}),
    ("POST", "/recommendations", {"json": {"age": 5}}),
    ("POST", "/recommendations", {"json": {"club_member_status": "KING"}}),
    ("POST", "/recommendations", {"json": {"bought": ["0000000000"]}}),
    ("POST", "/recommendations", {"json": {"product_group": ["none"]}}),
    ("POST", "/recommendations", {"json": {"min_price": 2, "max_price": 1}}),
    ("POST", "/recommendations", {"json": {"guest": "../../x"}}),
    ("POST", "/recommendations", {"json": [1]}),
    ("POST", "/events", {"json": []}),
    ("POST", "/events", {"json": [E] * 101}),
    ("POST", "/events", {"json": {**E, "kind": "steal"}}),
    ("POST", "/events", {"json": {**E, "article_id": "0000000000"}}),
    ("POST", "/events", {"json": {**E, "article_id": NULL}}),
    ("POST", "/events", {"json": {**E, "key": "short"}}),
    ("POST", "/events", {"json": {**E, "units": 0}}),
    ("POST", "/events", {"json": {**E, "units": 10**30}}),
    ("POST", "/events", {"json": {**E, "price": -1}}),
    ("POST", "/events", {"json": {name: E[name] for name in E if name != "guest"}}),
    ("POST", "/events", {"json": {**E, "context": {"page": "x" * 65}}}),
    ("POST", "/events", {"json": {**E, "at": "2030-01-01"}}),
    ("POST", "/events", {"content": b"key=1&kind=view"}),
]


@pytest.mark.parametrize(("method", "path", "sent"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_cannot_be_answered_is_refused_with_a_reason(
    shop: TestClient, method: str, path: str, sent: dict[str, Any]
) -> None:
    reply = shop.request(method, path, **sent)
    assert 400 <= reply.status_code < 500, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    told = Problem.model_validate_json(reply.content)
    assert told.status == reply.status_code
    assert told.rule
    assert told.found
    assert told.fix
    assert len(reply.content) < 4000


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"Host": "127.0.0.1:8000.evil.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_a_foreign_page_is_refused(shop: TestClient, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/ping"), ("POST", "/events"), ("OPTIONS", "/events")):
        reply = shop.request(method, path, headers=headers, content=b"{}")
        assert reply.status_code == 403
        assert Problem.model_validate_json(reply.content).found


def test_a_full_store_refuses_events_and_lists_go_on(shop: TestClient, customer: str) -> None:
    path = f"/recommendations/{customer}"
    article = ids(get(shop, path))[0]
    event = {"key": uuid4().hex, "kind": "unlike", "article_id": article, "customer_id": customer}
    log = shop.app.state.shop.log  # type: ignore[attr-defined]
    opened = log._opening.get()  # noqa: SLF001  (a worker opens its log late)
    writing: sqlite3.Connection = opened._writing  # noqa: SLF001  (its limit is what a full disk is)
    [[pages]] = writing.execute("PRAGMA page_count").fetchall()
    writing.execute(f"PRAGMA max_page_count = {pages}")
    full = [
        shop.post("/events", json={**event, "kind": "impression", "key": uuid4().hex})
        for _ in range(200)
    ][-1]
    assert full.status_code == 503
    assert "full" in Problem.model_validate_json(full.content).found
    assert full.headers["retry-after"]
    assert ids(get(shop, path))
    assert get(shop, "/health")["status"] == "degraded"
    assert "hemline_shop_store_failing 1.0" in shop.get("/metrics").text
    writing.execute("PRAGMA max_page_count = 1000000")
    assert shop.post("/events", json=event).status_code == 201
    assert article not in ids(get(shop, path))
    assert get(shop, "/health")["status"] == "ok"


def test_a_promotion_takes_force_and_a_locked_registry_changes_nothing(
    shop: TestClient, database: Path, customer: str
) -> None:
    watch = shop.app.state.shop.watch  # type: ignore[attr-defined]
    path = f"/recommendations/{customer}"
    set_alias(database, "champion", 2)
    look(shop)
    assert get(shop, path)["version"] == 2
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        look(shop)
        assert "locked" in str(watch.problem)
        assert get(shop, path)["version"] == 2
        assert get(shop, "/health")["status"] == "degraded"
        assert "hemline_shop_registry_failing 1.0" in shop.get("/metrics").text
    set_alias(database, "champion", 1)
    look(shop)
    assert watch.problem is None
    assert get(shop, path)["version"] == 1


def look(shop: TestClient) -> None:
    """Let the worker ask the registry now."""
    assert shop.portal is not None
    shop.portal.call(shop.app.state.shop.watch.look)  # type: ignore[attr-defined]


def test_the_challenger_answers_beside_the_champion_on_request(
    shop: TestClient, trained: Path, database: Path, customer: str
) -> None:
    path = f"/recommendations/{customer}"
    assert get(shop, path, compare="challenger")["challenger"] is None
    set_alias(database, "challenger", 2)
    both = get(shop, path, compare="challenger")
    assert (both["version"], both["challenger"]["version"]) == (1, 2)
    assert both["challenger"]["arm"] == "challenger"
    assert ids(both) == ids(both["challenger"])  # the same files
    [*_, last] = (trained / ".hemline" / "shop" / "shadow").glob("*.jsonl")
    line = last.read_text().splitlines()[-1]
    assert both["request_id"] in line
    assert customer not in line
    set_alias(database, "challenger", 1)


def test_when_the_models_fail_popularity_answers_with_its_name(
    shop: TestClient, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    in_force = shop.app.state.shop.watch.answers  # type: ignore[attr-defined]
    monkeypatch.setattr(in_force, "for_customer", fail)
    content = get(shop, f"/recommendations/{customer}")
    assert content["model"] == "popularity"
    assert {one["source"] for one in content["articles"]} == {"popularity"}
    assert "hemline_shop_fallbacks_total 1.0" in shop.get("/metrics").text


def test_without_any_champion_the_shop_says_so_and_does_not_start(
    trained: Path, database: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(database)) as original, closing(sqlite3.connect(empty)) as copy:
        original.backup(copy)
        copy.execute("DELETE FROM registered_model_aliases")
        copy.commit()
    good = trained / ".hemline" / "shop" / "last_good.json"
    kept = good.read_bytes()
    good.unlink()
    try:
        app = create_app(ShopSettings(trained, database=empty))
        with pytest.raises(BadInput, match="has a champion to answer with"), TestClient(app):
            pass
    finally:
        good.write_bytes(kept)


@pytest.mark.parametrize("damage", ["away", "damaged"])
def test_a_worker_that_starts_without_a_registry_has_the_last_good_version(
    trained: Path, tmp_path: Path, damage: str, shop: TestClient
) -> None:
    assert shop.get("/ready").status_code == 200
    path = tmp_path / "mlflow.db"
    if damage == "damaged":
        path.write_bytes(b"no database" * 1000)
    with TestClient(create_app(ShopSettings(trained, database=path)), "http://127.0.0.1") as other:
        assert get(other, "/version")["version"] == 1
        assert get(other, "/health")["status"] == "degraded"
