"""Requests at a constant rate, whatever the server does.

A client that waits for an answer before it sends the next request sends fewer of them to a slow
server and so hides its pauses (coordinated omission). Here every request has a time at which it is
due. It is measured from that time on, also if it had to wait because all connections were busy.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import aiohttp

_CONNECTIONS: Final = 64
_NO_ANSWER: Final = 0


class Request(NamedTuple):
    """What is sent: `body` None is a GET."""

    kind: str
    path: str
    body: bytes | None = None


class Answered(NamedTuple):
    """What came back: HTTP status, 0 where the connection failed, and seconds since it was due."""

    kind: str
    status: int
    seconds: float


Look = Callable[[Request, bytes], object]
"""Is given each answer's body."""


def send_at_rate(
    address: str, requests: Sequence[Request], rate: float, look: Look | None = None
) -> list[Answered]:
    """Send each request when it is due, `rate` a second, and return the answers in order."""
    return asyncio.run(_send_at_rate(address, requests, rate, look))


def send_at_once(address: str, requests: Sequence[Request], connections: int) -> list[Answered]:
    """Send all requests over so many connections, each as soon as the one before is answered."""
    return asyncio.run(_send_at_once(address, requests, connections))


async def _send_at_rate(
    address: str, requests: Sequence[Request], rate: float, look: Look | None
) -> list[Answered]:
    async with _session(address, _CONNECTIONS) as session:
        begin = time.perf_counter()
        sent: list[asyncio.Task[Answered]] = []
        for number, request in enumerate(requests):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent.append(asyncio.create_task(_answered(session, request, due, look)))
        return list(await asyncio.gather(*sent))


async def _send_at_once(
    address: str, requests: Sequence[Request], connections: int
) -> list[Answered]:
    waiting = iter(requests)
    async with _session(address, connections) as session:
        lists = await asyncio.gather(*(_each(session, waiting) for _ in range(connections)))
    return [one for answers in lists for one in answers]


async def _each(session: aiohttp.ClientSession, waiting: Iterator[Request]) -> list[Answered]:
    return [await _answered(session, request, time.perf_counter()) for request in waiting]


async def _answered(
    session: aiohttp.ClientSession, request: Request, due: float, look: Look | None = None
) -> Answered:
    method = "GET" if request.body is None else "POST"
    headers = {} if request.body is None else {"content-type": "application/json"}
    try:
        async with session.request(
            method, request.path, data=request.body, headers=headers
        ) as response:
            body = await response.read()
            status = response.status
    except (aiohttp.ClientError, TimeoutError):
        status = _NO_ANSWER
    else:
        if look is not None:
            look(request, body)
    return Answered(request.kind, status, time.perf_counter() - due)


def _session(address: str, connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=30),
    )
