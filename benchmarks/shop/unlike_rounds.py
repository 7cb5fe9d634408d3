"""An unlike through one worker, the next list through another: is the article seen again?

Each worker has a connection of its own; which process answers on it is in the service's log, by the
request's id. Rounds take turns: the worker that recorded one unlike lists after the next.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

import aiohttp

from benchmarks.record import Row
from benchmarks.shop.scratch_shop import RunningServer

_MOST_CONNECTIONS: Final = 64
_LONGEST_LIST: Final = 100
_LOG_SECONDS: Final = 10.0


async def unlike_rows(
    case: str, server: RunningServer, customer_ids: Sequence[str], *, n_each: int
) -> list[Row]:
    """Let each customer unlike n articles, one after the other, and take all back in the end.

    Args:
        case: name of the table.
        server: with at least two workers.
        customer_ids: customers without events.
        n_each: unlikes of a customer.
    """
    sessions = await _session_of_each_worker(server)
    try:
        first, second, *_ = sessions.values()
        n_seen_again = n_not_back = 0
        for customer_id in customer_ids:
            before = await _listed(first, customer_id)
            unliked: list[str] = []
            for turn in range(n_each):
                writer, reader = (first, second) if turn % 2 else (second, first)
                unliked.append((await _listed(reader, customer_id))[0])
                await _record(writer, "unlike", customer_id, unliked[-1])
                after = await _listed(reader, customer_id)
                n_seen_again += not {*unliked}.isdisjoint(after)
            for turn, article_id in enumerate(reversed(unliked)):
                await _record((first, second)[turn % 2], "undo", customer_id, article_id)
            for session in (first, second):
                n_not_back += await _listed(session, customer_id) != before
    finally:
        for session in {*sessions.values()}:
            await session.close()
    values = {
        "unlikes": len(customer_ids) * n_each,
        "workers": len(sessions),
        "seen again": n_seen_again,
        "other list after undo": n_not_back,
    }
    return [Row(case, "unlike, then a list", name, float(one), None)
            for name, one in values.items()]  # fmt: skip


async def _session_of_each_worker(server: RunningServer) -> Mapping[int, aiohttp.ClientSession]:
    """Return a session with one connection to each worker, by process id.

    Raises:
        RuntimeError: the kernel gave all connections to one worker.
    """
    n_workers = len(server.workers())
    sessions: dict[int, aiohttp.ClientSession] = {}
    for _ in range(_MOST_CONNECTIONS):
        session = aiohttp.ClientSession(
            server.address, connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=600)
        )
        async with session.get("/ping") as reply:
            await reply.read()
        worker = await asyncio.to_thread(_process_of, server.log, reply.headers["x-request-id"])
        if worker in sessions:
            await session.close()
        else:
            sessions[worker] = session
        if len(sessions) == n_workers:
            return sessions
    raise RuntimeError(f"{len(sessions)} of {n_workers} workers answered")


def _process_of(log: Path, request_id: str) -> int:
    """Return which process answered a request."""
    end = time.monotonic() + _LOG_SECONDS
    while time.monotonic() < end:
        for line in log.read_text(encoding="utf-8").splitlines():
            if f"id={request_id}" in line:
                return int(line.split()[2])
        time.sleep(0.05)
    raise TimeoutError(f"{request_id} is not in the log")


async def _listed(session: aiohttp.ClientSession, customer_id: str) -> list[str]:
    path = f"/recommendations/{customer_id}"
    async with session.get(path, params={"k": str(_LONGEST_LIST)}) as reply:
        reply.raise_for_status()
        return [one["article_id"] for one in (await reply.json())["articles"]]


async def _record(
    session: aiohttp.ClientSession, kind: str, customer_id: str, article_id: str
) -> None:
    event = {
        "key": uuid4().hex,
        "kind": kind,
        "customer_id": customer_id,
        "article_id": article_id,
    }
    async with session.post("/events", json=event) as reply:
        reply.raise_for_status()
