"""The shop's benchmark: a pause counts for all who waited, failures are counted."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import orjson
import pytest
from aiohttp import web

from benchmarks.shop.answer_costs import cost_rows
from benchmarks.shop.open_load import Answered, Request, send_at_once, send_at_rate
from benchmarks.shop.shop_load import latency_rows, mixed_requests

PAUSE = 0.4
RATE = 50.0


@contextmanager
def pausing_server() -> Iterator[str]:
    """A server that answers one request after the other, and pauses at its first."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    async def serve() -> web.AppRunner:
        turn, n_answered = asyncio.Lock(), 0

        async def answer(request: web.Request) -> web.Response:
            nonlocal n_answered
            async with turn:
                n_answered += 1
                await asyncio.sleep(PAUSE if n_answered == 1 else 0)
            return web.Response(status=500 if request.path == "/bad" else 200)

        app = web.Application()
        app.router.add_route("*", "/{path}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(serve())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def test_a_pause_counts_for_every_request_that_was_due_in_it() -> None:
    with pausing_server() as address:
        answered = send_at_rate(address, [Request("list", "/good")] * 15, RATE)
    waited = sorted((one.seconds for one in answered), reverse=True)
    due = np.arange(15) / RATE
    assert (np.array(waited) >= PAUSE - due).all()
    assert {one.status for one in answered} == {200}


def test_refusals_and_broken_connections_are_failures() -> None:
    with pausing_server() as address:
        requests = [Request("a", "/good"), Request("b", "/bad", b"{}"), Request("b", "/good")]
        answered = send_at_once(address, requests, connections=2)
    answered += send_at_once(address, [Request("c", "/good")], connections=1)
    failed = {
        row.model: row.value for row in latency_rows("load", answered) if row.metric == "failed"
    }
    assert failed == {"all": 2, "a": 0, "b": 1, "c": 1}


def test_a_load_is_mixed_as_requested_and_every_event_has_a_key_of_its_own() -> None:
    mix = {"recommend": 0.8, "similar": 0.1, "events": 0.1}
    load = mixed_requests(2000, mix, ["one", "two"], ["0108775015"], np.random.default_rng(7))
    kinds = [one.kind for one in load]
    assert {kind: pytest.approx(kinds.count(kind) / 2000, abs=0.03) for kind in mix} == mix
    bodies = [orjson.loads(one.body) for one in load if one.body is not None]
    assert len({body["key"] for body in bodies}) == len(bodies) == kinds.count("events")


def test_quantiles_are_of_the_counted_answers_only() -> None:
    rows = latency_rows(
        "load", [Answered("list", 200, seconds / 1000) for seconds in range(1, 102)]
    )
    values = {(row.model, row.metric): row.value for row in rows}
    assert values["all", "ms p50"] == pytest.approx(51)
    assert values["all", "ms max"] == pytest.approx(101)
    asked: list[str] = []
    ids = [f"{number}" for number in range(25)]
    assert {row.metric for row in cost_rows("cpu", {"part": asked.append}, ids)} == {
        *("cpu ms p50", "cpu ms p99", "cpu ms min")
    }
    assert asked == ids
