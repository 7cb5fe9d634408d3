"""The shop as it runs: uvicorn with two workers, killed, changed and asked from several sides."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyarrow.parquet as pq
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hemline.errors import BadInput
from hemline.shop.registered_lists import RegisteredLists, open_version
from hemline.shop.running_shops import running_shops, traffic_of
from hemline.shop.session_stores import open_log
from tests.processes import eventually
from tests.running_shop import RunningShop, copied_registry, running_shop, set_alias
from tests.tiny_project import REPOSITORY

ASKED = 25
WRITERS = 4
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def registry(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_registry(trained, tmp_path_factory.mktemp("registry") / "mlflow.db")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:{tmp_path_factory.mktemp('events')}/events.db"


@pytest.fixture(scope="module")
def shop(trained: Path, registry: Path, events: str) -> Iterator[RunningShop]:
    variables = {"MLFLOW_TRACKING_URI": f"sqlite:///{registry}", "HEMLINE_SHOP_EVENTS": events}
    with running_shop(trained, variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def customers(trained: Path) -> list[str]:
    keys = pq.read_table(trained / "data" / "tables" / "customer_keys.parquet")
    return [str(one) for one in keys["customer_id"].to_pylist()]


def listed(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [one["article_id"] for one in reply.json()["articles"]]


def test_others_find_the_shop_and_what_is_requested_of_it(
    shop: RunningShop, customers: list[str]
) -> None:
    [found] = [one for one in running_shops(shop.root) if one.address == shop.address]
    before = traffic_of(found)
    listed(httpx.get(f"{shop.address}/recommendations/{customers[0]}"))
    assert eventually(lambda: traffic_of(found).requests > before.requests, seconds=10)
    assert traffic_of(found).failed == before.failed


def worker_of(shop: RunningShop, reply: httpx.Response) -> int:
    """The process that answered, by the log, which the worker has written before it answered."""
    wanted = f"id={reply.headers['x-request-id']}"
    log = shop.root / ".hemline" / "logs" / "shop.log"
    assert eventually(lambda: wanted in log.read_text(encoding="utf-8"), seconds=10)
    [line] = [one for one in log.read_text(encoding="utf-8").splitlines() if wanted in one]
    return int(line.split()[2])


def test_lists_of_a_version_in_this_process_are_those_that_the_shop_gives(
    shop: RunningShop, trained: Path, customers: list[str]
) -> None:
    lists = RegisteredLists(open_version(trained, 1))
    ids = pq.read_table(trained / "data" / "tables" / "article_keys.parquet")["article_id"]
    for customer in customers[:ASKED]:
        ours = [ids[row].as_py() for row in lists.list_for(customer, ())]
        assert ours == listed(httpx.get(f"{shop.address}/recommendations/{customer}?k=12"))
    customer, first = customers[0], lists.list_for(customers[0], ())
    assert first[0] not in lists.list_for(customer, first[:1].tolist())
    assert len(RegisteredLists(lists.answers, "popularity", 5).list_for(customer, ())) == 5
    with pytest.raises(BadInput, match="has a registered version 99"):
        open_version(trained, 99)


def test_what_one_worker_was_told_the_other_one_heeds(
    shop: RunningShop, customers: list[str]
) -> None:
    pairs = list[tuple[int, int]]()
    for customer in customers:
        if len(pairs) >= ASKED and any(teller != asker for teller, asker in pairs):
            break  # the kernel chooses who accepts a connection
        path = f"{shop.address}/recommendations/{customer}"
        with httpx.Client() as telling, httpx.Client() as asking:
            first = listed(telling.get(path))[0]
            event = {"key": uuid4().hex, "kind": "unlike", "customer_id": customer}
            told = telling.post(f"{shop.address}/events", json={**event, "article_id": first})
            assert told.status_code == 201
            asked = asking.get(path, params={"k": 100})
            assert first not in listed(asked)
        pairs.append((worker_of(shop, told), worker_of(shop, asked)))
    assert any(teller != asker for teller, asker in pairs)


def test_events_survive_killed_workers_and_one_retry_is_enough(
    shop: RunningShop, customers: list[str], events: str
) -> None:
    acknowledged: list[str] = []
    failures: list[str] = []
    is_over = threading.Event()

    def once_again(method: str, path: str, **sent: Any) -> httpx.Response:
        """Send a request, and again where its worker was killed."""
        for _ in range(2):
            try:
                return httpx.request(method, shop.address + path, timeout=30, **sent)
            except httpx.TransportError:
                failures.append(path)
        raise AssertionError(path)

    def write(writer: int) -> None:
        for n, customer in enumerate(customers):
            if is_over.is_set():
                break
            key = f"killed-{writer}-{n}"
            article = listed(once_again("GET", f"/recommendations/{customer}", params={"k": 1}))[0]
            event = {"key": key, "kind": "view", "customer_id": customer, "article_id": article}
            assert once_again("POST", "/events", json=event).status_code == 201
            acknowledged.append(key)

    with ThreadPoolExecutor(WRITERS) as writers:
        running = [writers.submit(write, n) for n in range(WRITERS)]
        assert eventually(lambda: len(acknowledged) > 20, seconds=60)
        victim = shop.workers()[0]
        os.kill(victim, signal.SIGKILL)
        assert eventually(
            lambda: len(shop.workers()) == 2 and victim not in shop.workers(), seconds=60
        )
        n_before = len(acknowledged)
        assert eventually(lambda: len(acknowledged) > n_before + 20, seconds=60)
        is_over.set()
        for one in running:
            one.result()
    log = open_log(events, Path())
    kept = [one.event.key for one in log.since(0, 1_000_000) if one.event.key[:6] == "killed"]
    log.close()
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)
    assert len(failures) <= WRITERS


def test_a_change_of_champion_loses_no_request(
    shop: RunningShop, registry: Path, customers: list[str]
) -> None:
    is_over = threading.Event()
    seen: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=shop.address, timeout=30) as client:
            for customer in cycle(customers):
                if is_over.is_set():
                    return
                reply = client.get(f"/recommendations/{customer}")
                assert listed(reply)
                seen.append(reply.json()["version"])

    with ThreadPoolExecutor(2) as askers:
        running = [askers.submit(ask) for _ in range(2)]
        try:
            for version in (2, 1):
                set_alias(registry, "champion", version)
                n_before = len(seen)
                assert eventually(lambda v=version, n=n_before: v in seen[n:], seconds=60)
        finally:
            is_over.set()
        for one in running:
            one.result()
    assert {*seen} == {1, 2}


def test_the_metrics_are_those_of_both_workers(shop: RunningShop, customers: list[str]) -> None:
    def total() -> float:
        text = httpx.get(f"{shop.address}/metrics").text
        return sum(map(float, re.findall(r"(?m)^hemline_shop_answers_total\{.*\} (\S+)$", text)))

    before, asked_of = total(), list[int]()

    def ask() -> bool:
        customer = customers[len(asked_of) % len(customers)]
        reply = httpx.get(f"{shop.address}/recommendations/{customer}")
        asked_of.append(worker_of(shop, reply))
        return len({*asked_of}) == 2

    assert eventually(ask, seconds=120)  # the kernel chooses who accepts a connection
    assert total() == before + len(asked_of)


# Threads of other tests in this process, such as Prefect's, draw random numbers meanwhile.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
def test_every_answer_is_as_openapi_describes_it(shop: RunningShop) -> None:
    schema = schemathesis.openapi.from_dict(httpx.get(f"{shop.address}/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 11
    for operation in operations:

        @settings(
            max_examples=15,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Case) -> None:
            case.call_and_validate(base_url=shop.address, checks=CHECKS)

        check()


def test_no_worker_imports_what_only_training_needs(shop: RunningShop) -> None:
    """The libraries that a process has loaded are among the files that it has mapped."""
    for worker in shop.workers():
        mapped = Path(f"/proc/{worker}/maps").read_text()
        found = re.findall(r"site-packages/(torch|pandas|lightgbm|sklearn|implicit|duckdb)", mapped)
        assert not found
        assert "numpy" in mapped


def test_another_machine_needs_a_key(trained: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"}
    done = subprocess.run(
        [sys.executable, "-m", "hemline.shop.shop_server", "--host", "0.0.0.0"],  # noqa: S104  (refused)
        cwd=trained,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "hemline shop-key create" in done.stderr
