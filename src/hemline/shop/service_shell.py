"""Around every request: its size, its key, its id, its time, and one line in the log.

The log names a route and not an address, and a visitor by a keyed hash: ids of customers are in no
log. Nothing that the shop answers may be stored by a cache, unless a route says so itself.
"""

import hmac
import logging
import time
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hemline.errors import BadInput
from hemline.shop.access import Access, NoKey, TooMany
from hemline.shop.problem_answers import problem
from hemline.shop.shop_metrics import ShopMetrics

logger = logging.getLogger("hemline.shop.requests")

_LONGEST_ADDRESS: Final = 8192  # bytes of path and query
_LONGEST_HEADERS: Final = 16_384  # bytes of all headers together


class ServiceShell:
    """An ASGI application around the service.

    Args:
        app: the service.
        metrics: of this worker.
        secret: that visitors' names are hashed with.
        largest: bytes of a body.
        access: who may send requests; None: everybody who can.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: ShopMetrics,
        secret: bytes,
        largest: int,
        access: Access | None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._secret = secret
        self._largest = largest
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500
        scope["hemline.request_id"] = request_id = uuid4().hex
        scope["hemline.begun"] = begun

        async def send_finished(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers.setdefault("cache-control", "private, no-store")
            await send(message)

        try:
            answer, bounded = self._checked(scope, receive, request_id)
            await answer(scope, bounded, send_finished)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _checked(self, scope: Scope, receive: Receive, request_id: str) -> tuple[ASGIApp, Receive]:
        """Return what answers a request: the service, or a refusal."""
        headers = Headers(scope=scope)
        address = len(scope["raw_path"]) + len(scope["query_string"])
        if address > _LONGEST_ADDRESS:
            return self._refusal(414, "an address", _LONGEST_ADDRESS, address, request_id), receive
        sent = sum(len(name) + len(value) for name, value in scope["headers"])
        if sent > _LONGEST_HEADERS:
            return self._refusal(431, "all headers", _LONGEST_HEADERS, sent, request_id), receive
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._largest:
            return self._too_large(request_id), receive
        if self._access is not None:
            try:
                self._access.admit(scope["path"], headers)
            except NoKey as refusal:
                challenge = {"www-authenticate": 'Basic realm="Hemline", charset="UTF-8"'}
                return problem(401, refusal, request_id=request_id, headers=challenge), receive
            except TooMany as refusal:
                later = {"retry-after": "1"}
                return problem(429, refusal, request_id=request_id, headers=later), receive
        return self._app, self._bounded(receive)

    def _bounded(self, receive: Receive) -> Receive:
        """Return `receive`, which stops where more comes than is allowed."""
        n_received = 0

        async def receive_bounded() -> Message:
            nonlocal n_received
            message = await receive()
            n_received += len(message.get("body", b""))
            if n_received > self._largest:
                raise HTTPException(413, f"a body has at most {self._largest:,} bytes")
            return message

        return receive_bounded

    def _too_large(self, request_id: str) -> ASGIApp:
        return self._refusal(413, "a body", self._largest, None, request_id)

    def _refusal(
        self, status: int, what: str, most: int, found: int | None, request_id: str
    ) -> ASGIApp:
        refusal = BadInput(
            f"{what} has at most {most:,} bytes",
            found="more" if found is None else f"{found:,} bytes",
            fix="send less at a time",
        )
        return problem(status, refusal, request_id=request_id, headers={"connection": "close"})

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        visitor = scope.get("state", {}).get("visitor")
        logger.info(
            "%s %s %d %.1f ms id=%s visitor=%s",
            *(scope["method"], route, status, seconds * 1000, scope["hemline.request_id"]),
            "-" if visitor is None else hashed(visitor, self._secret),
        )


def hashed(visitor: str, secret: bytes) -> str:
    """Return what stands for a visitor in logs: the same for the same one, and no way back."""
    return hmac.new(secret, visitor.encode(), "sha256").hexdigest()[:12]
