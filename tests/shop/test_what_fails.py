"""What visitors get, and what health and metrics say, while something that the shop needs is away.

The shop runs as processes, and what fails really fails: files are cut, the registry is locked, a
limit of the kernel stops files from growing, Redis is killed. docs/shop.md has the same table.
"""

import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from tests.processes import eventually, free_ports
from tests.redis_server import DURABLE, needs_redis, redis_server
from tests.running_shop import RunningShop, running_shop, set_alias
from tests.serving.tiny_version import customer_id
from tests.shop.tiny_pages import TinyShop, running_tiny_shop, tiny_project
from tests.shop.tiny_registry import registry_project
from tests.tiny_project import REPOSITORY

KNOWN = customer_id(10)
LIST = f"/recommendations/{KNOWN}"
TIMEOUT = 120  # seconds: what waits for a worker that starts again
SMALL = 4096  # bytes: less than the first commit of an event log adds
ALERTS = yaml.safe_load((REPOSITORY / "monitoring" / "shop_alerts.yaml").read_text())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    root = registry_project(tmp_path_factory.mktemp("failing") / "project")
    with running_shop(root, workers=1, variables=of_project(root)) as running:
        yield running


def of_project(root: Path) -> dict[str, str]:
    return {"MLFLOW_TRACKING_URI": f"sqlite:///{root}/.hemline/mlflow.db"}


Shop = RunningShop | TinyShop


def get(shop: Shop, path: str) -> dict[str, Any]:
    reply = httpx.get(shop.address + path, timeout=TIMEOUT)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def ids(content: dict[str, Any]) -> list[str]:
    return [one["article_id"] for one in content["articles"]]


def send(shop: Shop, kind: str, article: str) -> httpx.Response:
    event = {"key": uuid4().hex, "kind": kind, "article_id": article, "customer_id": KNOWN}
    return httpx.post(f"{shop.address}/events", json=event, timeout=TIMEOUT)


def metric(shop: Shop, name: str) -> float:
    text = httpx.get(f"{shop.address}/metrics", timeout=TIMEOUT).text
    found = [line.split()[-1] for line in text.splitlines() if line.startswith(name)]
    assert found, name
    return max(map(float, found))


def health(shop: Shop, part: str) -> str | None:
    content = get(shop, "/health")
    found: str | None = content[part]
    return found


def page(shop: Shop, path: str = "/") -> httpx.Response:
    return httpx.get(shop.address + path, headers={"accept": "text/html"}, timeout=TIMEOUT)


def press(shop: Shop, address: str, button: str) -> httpx.Response:
    """Send a form of the page."""
    fields = {"do": button, "page": uuid4().hex, "back": "/"}
    return httpx.post(
        shop.address + address, data=fields, headers={"accept": "text/html"}, timeout=TIMEOUT
    )


def is_well(shop: RunningShop) -> bool:
    return bool(get(shop, "/health")["status"] == "ok")


def test_a_champion_with_a_damaged_file_does_not_answer_and_the_one_before_does(
    shop: RunningShop,
) -> None:
    damaged = shop.root / "version-2" / "articles.parquet"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-100])
    set_alias(shop.root / ".hemline" / "mlflow.db", "champion", 2)
    assert eventually(lambda: health(shop, "registry"), seconds=60)
    assert "articles.parquet" in str(health(shop, "registry"))
    assert get(shop, LIST)["version"] == 1
    assert metric(shop, "hemline_shop_registry_failing") == 1
    assert "version 1" in page(shop).text
    damaged.write_bytes(whole)
    set_alias(shop.root / ".hemline" / "mlflow.db", "champion", 1)  # as a rollback does
    assert eventually(lambda: is_well(shop), seconds=30)
    assert metric(shop, "hemline_shop_registry_failing") == 0


def test_a_layout_that_is_cut_while_it_is_mapped_costs_a_worker_and_is_made_again(
    shop: RunningShop,
) -> None:
    before, [worker] = get(shop, LIST), shop.workers()
    [cut] = (shop.root / ".hemline" / "serving").glob("*/models/copurchase/articles.npy")
    os.truncate(cut, 0)
    with pytest.raises(httpx.TransportError):
        httpx.get(shop.address + LIST, timeout=TIMEOUT)
    assert eventually(lambda: shop.workers() not in ([], [worker]), seconds=60)
    assert ids(get(shop, LIST)) == ids(before)
    assert cut.stat().st_size
    assert is_well(shop)


def test_while_the_registry_is_locked_the_last_good_version_answers_also_after_a_restart(
    shop: RunningShop,
) -> None:
    before, [worker] = get(shop, LIST), shop.workers()
    registry = sqlite3.connect(shop.root / ".hemline" / "mlflow.db", isolation_level=None)
    with closing(registry) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert eventually(lambda: health(shop, "registry"), seconds=30)
        assert "locked" in str(health(shop, "registry"))
        assert metric(shop, "hemline_shop_registry_failing") == 1
        os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: shop.workers() not in ([], [worker]), seconds=60)
        assert ids(get(shop, LIST)) == ids(before)
        assert "locked" in str(health(shop, "registry"))
    assert eventually(lambda: is_well(shop), seconds=30)


@contextmanager
def no_file_grows(shop: RunningShop) -> Iterator[None]:
    """Let the kernel refuse what would make a file of a worker longer, as a full disk does."""
    [worker] = shop.workers()
    unlimited = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (SMALL, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)


def test_a_full_store_refuses_events_and_sessions_and_lists_go_on(shop: RunningShop) -> None:
    first, second, *_ = ids(get(shop, LIST))
    assert send(shop, "unlike", first).status_code == 201
    with no_file_grows(shop):
        refused = send(shop, "unlike", second)
        assert refused.status_code == 503
        assert float(refused.headers["retry-after"]) > 0
        assert refused.json()["fix"].startswith("send the same request again")
        listed = get(shop, LIST)
        assert first not in ids(listed)
        assert second in ids(listed)
        assert listed["remembered"]
        assert health(shop, "stores")
        assert metric(shop, "hemline_shop_store_failing") == 1
        assert metric(shop, "hemline_shop_events_refused_total") >= 1
        shown = page(shop)
        assert shown.status_code == 200
        assert "favourites-1" in shown.text
    assert send(shop, "unlike", second).status_code == 201
    assert {first, second}.isdisjoint(ids(get(shop, LIST)))
    assert is_well(shop)
    assert metric(shop, "hemline_shop_store_failing") == 0


@needs_redis
def test_redis_goes_away_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tiny_project(tmp_path / "project")
    with tempfile.TemporaryDirectory(prefix="hemline-") as name, ExitStack() as stack:
        with redis_server(Path(name), *DURABLE) as url:
            monkeypatch.setenv("HEMLINE_SHOP_EVENTS", url)
            monkeypatch.setenv("HEMLINE_SHOP_SESSIONS", url)
            shop = stack.enter_context(running_tiny_shop(root))
            first = ids(get(shop, LIST))[0]
            assert send(shop, "unlike", first).status_code == 201
            assert first not in ids(get(shop, LIST))
        listed = get(shop, LIST)
        assert not listed["remembered"]
        assert ids(listed)
        assert send(shop, "view", first).status_code == 503
        assert health(shop, "stores")
        assert metric(shop, "hemline_shop_store_failing") == 1
        assert metric(shop, "hemline_shop_unremembered_total") >= 1
        assert metric(shop, "hemline_shop_events_refused_total") == 1
        assert "cannot be read at the moment" in page(shop).text
        basket = page(shop, "/basket").text
        assert "Your basket cannot be read at the moment" in basket
        assert "Your basket is empty" not in basket
        for address in ("/buy", "/act"):
            refused = press(shop, address, f"basket {first}")
            assert refused.status_code == 503
            assert "This could not be recorded" in refused.text
            assert not re.search(r"ConnectionError|127\.0\.0\.1", refused.text)
        with redis_server(Path(name), *DURABLE):
            assert eventually(lambda: get(shop, LIST)["remembered"], seconds=30)
            assert first not in ids(get(shop, LIST))
            assert send(shop, "view", first).status_code == 201
            assert health(shop, "stores") is None
            assert metric(shop, "hemline_shop_store_failing") == 0


@needs_redis
def test_a_worker_that_starts_while_redis_is_away_gives_lists_and_waits_for_it(
    shop: RunningShop,
) -> None:
    with tempfile.TemporaryDirectory(prefix="hemline-") as name, ExitStack() as stack:
        with redis_server(Path(name), *DURABLE) as url:
            stores = {"HEMLINE_SHOP_EVENTS": url, "HEMLINE_SHOP_SESSIONS": url}
            variables = {**of_project(shop.root), **stores}
            on_redis = stack.enter_context(running_shop(shop.root, workers=1, variables=variables))
            first = ids(get(on_redis, LIST))[0]
            assert send(on_redis, "unlike", first).status_code == 201
        [worker] = on_redis.workers()
        os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: on_redis.workers() not in ([], [worker]), seconds=60)
        listed = get(on_redis, LIST)
        assert ids(listed)
        assert not listed["remembered"]
        assert send(on_redis, "view", first).status_code == 503
        assert "cannot be read at the moment" in page(on_redis).text
        assert "answers" in str(health(on_redis, "stores"))
        assert metric(on_redis, "hemline_shop_store_failing") == 1
        with redis_server(Path(name)):
            assert eventually(lambda: "appendfsync" in refused_event(on_redis, first), seconds=30)
        with redis_server(Path(name), *DURABLE):
            assert eventually(lambda: get(on_redis, LIST)["remembered"], seconds=30)
            assert first not in ids(get(on_redis, LIST))
            assert send(on_redis, "view", first).status_code == 201
            assert is_well(on_redis)


def test_a_worker_that_starts_while_its_events_cannot_be_opened_gives_lists(
    shop: RunningShop, tmp_path: Path
) -> None:
    events = tmp_path / "events.db"
    variables = {**of_project(shop.root), "HEMLINE_SHOP_EVENTS": f"sqlite:{events}"}
    with running_shop(shop.root, workers=1, variables=variables) as running:
        first = ids(get(running, LIST))[0]
        assert send(running, "unlike", first).status_code == 201
        [worker] = running.workers()
        for part in tmp_path.glob("events.db*"):
            part.rename(tmp_path / f"away-{part.name}")
        events.mkdir()
        os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: running.workers() not in ([], [worker]), seconds=60)
        assert not get(running, LIST)["remembered"]
        assert send(running, "view", first).status_code == 503
        assert "events.db holds the shop's events" in str(health(running, "stores"))
        events.rmdir()
        for part in tmp_path.glob("away-*"):
            part.rename(tmp_path / part.name.removeprefix("away-"))
        assert eventually(lambda: get(running, LIST)["remembered"], seconds=30)
        assert first not in ids(get(running, LIST))


@needs_redis
def test_a_shop_does_not_start_on_stores_that_it_cannot_use(shop: RunningShop) -> None:
    with tempfile.TemporaryDirectory(prefix="hemline-") as name:
        with redis_server(Path(name)) as url:
            assert "appendfsync everysec" in refusal(shop.root, url)
        assert "the Redis server of the shop's events answers" in refusal(shop.root, url)


def refused_event(shop: Shop, article: str) -> str:
    """What is wrong with the events, as it is said after one was refused."""
    assert send(shop, "view", article).status_code == 503
    return str(health(shop, "stores"))


def refusal(root: Path, events: str) -> str:
    """What `hemline serve` says of an address for its events."""
    ended = subprocess.run(
        [sys.executable, "-m", "hemline.shop.shop_server", "--port", str(free_ports(1)[0])],
        cwd=root,
        env={**os.environ, **of_project(root), "HEMLINE_SHOP_EVENTS": events},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 1, ended
    return ended.stderr


@pytest.mark.parametrize("alert", ALERTS["groups"][0]["rules"], ids=lambda one: one["alert"])
def test_every_alert_reads_metrics_that_the_shop_has_and_names_its_runbook(
    shop: RunningShop, alert: dict[str, Any]
) -> None:
    get(shop, LIST)
    text = httpx.get(f"{shop.address}/metrics", timeout=TIMEOUT).text
    have = {line.split("{")[0].split()[0] for line in text.splitlines() if line[:1] != "#"}
    read = {*re.findall(r"hemline_\w+", alert["expr"])}
    assert read <= have
    assert read or alert["expr"].startswith("up{")
    document, _, heading = alert["annotations"]["runbook"].partition("#")
    headings = [
        line.strip("# ").lower().replace(" ", "-")
        for line in (REPOSITORY / document).read_text().splitlines()
        if line.startswith("#")
    ]
    assert heading in headings
    assert alert["alert"] in (REPOSITORY / document).read_text()
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "meaning", "action"} <= alert["annotations"].keys()
