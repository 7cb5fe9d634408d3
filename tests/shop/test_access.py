"""Who may use a shop that other machines reach, how often, and what caches may store."""

import base64
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from httpx import Response
from starlette.testclient import TestClient

from hemline.shop.api_keys import create_key, remove_key
from hemline.shop.app import ShopSettings, create_app
from hemline.shop.page_assets import asset_address
from hemline.shop.problem_answers import Problem
from tests.serving.tiny_version import article_id, customer_id
from tests.shop.tiny_pages import tiny_project
from tests.tiny_project import change_params

PUBLIC = "0.0.0.0"  # noqa: S104  (nothing listens)
LIST = f"/recommendations/{customer_id(10)}"
PER_MINUTE, BURST_SECONDS = 120, 10


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tiny_project(tmp_path_factory.mktemp("access") / "project")
    change_params(root, {("shop", "requests_per_minute"): PER_MINUTE})
    return root


@contextmanager
def worker(root: Path, host: str, workers: int = 1) -> Iterator[TestClient]:
    app = create_app(ShopSettings(root, host=host, workers=workers))
    with TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def public(root: Path) -> Iterator[TestClient]:
    with worker(root, PUBLIC) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def refusal(reply: Response, status: int) -> Problem:
    assert reply.status_code == status, reply.text
    return Problem.model_validate_json(reply.content)


def test_without_a_valid_key_only_health_and_the_look_of_pages_are_told(
    public: TestClient,
) -> None:
    for headers in (
        {},
        bearer("hemline_wrong"),
        {"x-api-key": "wrong"},
        {"authorization": "Basic"},
    ):
        for path in (LIST, "/", "/metrics", "/openapi.json", "/nowhere"):
            reply = public.get(path, headers=headers)
            assert "hemline shop-key create" in refusal(reply, 401).fix
            assert reply.headers["www-authenticate"].startswith("Basic ")
    for path in ("/ping", "/health", "/ready"):
        assert public.get(path).status_code == 200
    page = public.get("/", headers={"accept": "text/html"})
    assert page.status_code == 401
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        assert public.get(path).status_code == 200
    assert public.get("/static/%2e%2e/metrics").status_code == 404
    assert public.get("/static/params.yaml").status_code == 404


def test_a_key_is_valid_in_three_headers_until_it_is_removed(
    root: Path, public: TestClient
) -> None:
    key, other = create_key(root, "front"), create_key(root, "other")
    password = base64.b64encode(f"anybody:{key}".encode()).decode()
    for headers in (bearer(key), {"x-api-key": key}, {"authorization": f"Basic {password}"}):
        assert public.get(LIST, headers=headers).status_code == 200
    remove_key(root, "front")
    assert "not valid" in refusal(public.get(LIST, headers=bearer(key)), 401).found
    assert public.get(LIST, headers=bearer(other)).status_code == 200


def test_on_the_loopback_address_nobody_needs_a_key(root: Path) -> None:
    with worker(root, "127.0.0.1") as local:
        assert local.get(LIST).status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_key_has_a_rate_of_which_each_worker_admits_its_share(root: Path, workers: int) -> None:
    key, n_sent, rate = create_key(root, f"rate {workers}"), 60, PER_MINUTE / 60 / workers
    with worker(root, PUBLIC, workers) as client:
        begin = time.monotonic()
        replies = [client.get("/version", headers=bearer(key)) for _ in range(n_sent)]
        seconds = time.monotonic() - begin
        n_admitted = sum(one.status_code == 200 for one in replies)
        burst = rate * BURST_SECONDS
        assert burst <= n_admitted <= burst + rate * seconds + 1
        assert n_admitted < n_sent
        assert client.get(asset_address("shop.css"), headers=bearer(key)).status_code == 200
        late = next(one for one in replies if one.status_code != 200)
        assert f"rate {workers}" in refusal(late, 429).found
        assert late.headers["retry-after"] == "1"
        another = create_key(root, f"another {workers}")
        assert client.get("/version", headers=bearer(another)).status_code == 200


def test_no_cache_may_store_what_is_answered_to_one_visitor(root: Path) -> None:
    article = article_id(0)
    event = {"key": uuid4().hex, "kind": "view", "article_id": article, "guest": uuid4().hex}
    with worker(root, "127.0.0.1") as shop:
        html = {"accept": "text/html"}
        replies = [
            shop.get(LIST),
            shop.get("/recommendations/unknown"),
            shop.post("/recommendations", json={}),
            shop.post("/events", json=event),
            shop.get(f"/articles/{article}/similar"),
            shop.get("/nowhere"),
            *(shop.get(path, headers=html) for path in ("/", "/basket", "/staff", "/nowhere")),
            shop.get(f"/article/{article}", headers=html),
        ]
    assert {one.headers["cache-control"] for one in replies} == {"private, no-store"}
    assert all("cookie" in one.headers["vary"] for one in replies if "vary" in one.headers)
