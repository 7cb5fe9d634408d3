"""Events over HTTP while the server's processes are killed: is one lost, or recorded twice?

Writers send events as fast as they are acknowledged. A request whose process is killed fails; its
writer sends it once more, with the same key. Where the store itself is killed (Redis), the shop
answers 503 with Retry-After, and the writer waits as it is told. Afterwards the log is read.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import aiohttp
import orjson

from benchmarks.record import Row
from benchmarks.shop.scratch_shop import RunningServer
from hemline.shop.event_log import Recorded
from hemline.shop.session_stores import open_log

_CREATED: Final = 201
_UNAVAILABLE: Final = 503
_POLL_SECONDS: Final = 0.01
_LONGEST_WAIT_SECONDS: Final = 120.0
_AT_ONCE: Final = 10_000
_JSON: Final = {"content-type": "application/json"}
Kill = Callable[[], object]


@dataclass
class Sent:
    """What the writers saw.

    Attributes:
        acknowledged: sequences by idempotency key.
        n_in_flight: requests without an answer now.
        in_flight_at_kills: how many there were when each worker was killed.
        n_failed: requests without an answer at all.
        n_failed_twice: events of which the request and its retry failed.
        n_refused: answers with 503.
        other_statuses: answers with neither 201 nor 503.
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    n_in_flight: int = 0
    in_flight_at_kills: list[int] = field(default_factory=list)
    n_failed: int = 0
    n_failed_twice: int = 0
    n_refused: int = 0
    other_statuses: Counter[int] = field(default_factory=Counter)


async def event_rows(
    case: str,
    model: str,
    server: RunningServer,
    *,
    n_events: int,
    n_writers: int,
    n_kills: int,
    visitors: Sequence[str],
    article_ids: Sequence[str],
    kill_store: Kill | None = None,
) -> list[Row]:
    """Send events while workers are killed in turn, and return what became of them.

    Args:
        case: name of the table.
        model: name of the line.
        server: to send them to; its log is empty.
        n_events: how many.
        n_writers: who send them at the same time.
        n_kills: how often a worker is killed, spread over the events.
        visitors: customers, each of whom views articles.
        article_ids: of the articles.
        kill_store: kills the store and starts it again, once, in the middle; None: not.
    """
    sent, waiting = Sent(), iter(range(n_events))
    connector = aiohttp.TCPConnector(limit=n_writers)
    limit = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(server.address, connector=connector, timeout=limit) as session:
        kills = [n_events * (one + 1) // (n_kills + 1) for one in range(n_kills)]
        async with asyncio.TaskGroup() as together:
            for _ in range(n_writers):
                together.create_task(_write(session, waiting, sent, visitors, article_ids))
            await asyncio.to_thread(_kill_workers, server, sent, kills[: n_kills // 2])
            if kill_store is not None:
                await asyncio.to_thread(kill_store)
            await asyncio.to_thread(_kill_workers, server, sent, kills[n_kills // 2 :])
    values = {"kills": n_kills, **fate_of(sent, _read(server.events))}
    return [Row(case, model, name, float(value), None) for name, value in values.items()]


def fate_of(sent: Sent, recorded: Sequence[Recorded]) -> dict[str, int]:
    """Return how many events were acknowledged, lost, doubled and so on.

    Args:
        sent: what the writers saw.
        recorded: what the log has.
    """
    places = {one.event.key: one.sequence for one in recorded}
    moved = sum(places.get(key, place) != place for key, place in sent.acknowledged.items())
    return {
        "acknowledged": len(sent.acknowledged),
        "lost": len(sent.acknowledged.keys() - places.keys()),
        "doubled": len(recorded) - len(places),
        "other sequence": moved,
        "failed": sent.n_failed,
        "in flight at the kills": sum(sent.in_flight_at_kills),
        "failed with one retry": sent.n_failed_twice,
        "refused with 503": sent.n_refused,
        "other answers": sent.other_statuses.total(),
    }


async def _write(
    session: aiohttp.ClientSession,
    waiting: Any,
    sent: Sent,
    visitors: Sequence[str],
    article_ids: Sequence[str],
) -> None:
    for number in waiting:
        event = {
            "key": uuid4().hex,
            "kind": "view",
            "customer_id": visitors[number % len(visitors)],
            "article_id": article_ids[number % len(article_ids)],
        }
        await _send(session, sent, str(event["key"]), orjson.dumps(event))


async def _send(session: aiohttp.ClientSession, sent: Sent, key: str, body: bytes) -> None:
    """Send an event until it is acknowledged: once more after a failure, and after each refusal."""
    n_failed = 0
    while True:
        sent.n_in_flight += 1
        try:
            async with session.post("/events", data=body, headers=_JSON) as reply:
                content = await reply.read()
        except (aiohttp.ClientError, TimeoutError):
            n_failed += 1
            sent.n_failed += 1
            if n_failed > 1:
                sent.n_failed_twice += 1
                return
            continue
        finally:
            sent.n_in_flight -= 1
        if reply.status == _UNAVAILABLE:
            sent.n_refused += 1
            await asyncio.sleep(float(reply.headers["retry-after"]))
        elif reply.status == _CREATED:
            sent.acknowledged[key] = orjson.loads(content)["events"][0]["sequence"]
            return
        else:
            sent.other_statuses[reply.status] += 1
            return


def _kill_workers(server: RunningServer, sent: Sent, at: Sequence[int]) -> None:
    """Kill the worker that runs longest each time that so many events are acknowledged."""
    for n_acknowledged in at:
        _wait(lambda: len(sent.acknowledged) >= n_acknowledged)  # noqa: B023  (called at once)
        workers = server.workers()
        victim = min(workers, key=lambda one: one.create_time())
        sent.in_flight_at_kills.append(sent.n_in_flight)
        victim.send_signal(signal.SIGKILL)
        _wait(lambda: victim not in server.workers() and len(server.workers()) == len(workers))  # noqa: B023  (called at once)


def _wait(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _LONGEST_WAIT_SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("the workers neither acknowledge events nor start again")
        time.sleep(_POLL_SECONDS)


def _read(events: str) -> list[Recorded]:
    log = open_log(events, Path())
    found: list[Recorded] = []
    while some := log.since(found[-1].sequence if found else 0, _AT_ONCE):
        found += some
    log.close()
    return found
