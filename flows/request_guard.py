"""What every server of `hemline ui` refuses, and what it tells a browser.

A web page of anybody can make the browser of whoever runs `hemline ui` send requests to these
servers. So a request is answered only if it names this machine (a page that points its own name at
us cannot), and if it comes from no page, from a page of the same server, or is a link that was
followed. Text that is posted as text/plain passes a browser's own checks, so this is decided here.

The policy sent along keeps the servers' pages from reaching any other host, whatever their scripts
try: telemetry, fonts, images.
"""

import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.addresses import HOST

_OUR_HOST: Final = re.compile(rf"({re.escape(HOST)}|localhost)(:\d+)?")
_SECURED: Final = {
    "content-security-policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "x-frame-options": "SAMEORIGIN",
}


class RequestGuard:
    """An ASGI application that refuses foreign requests before another one sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a websocket; status 403 where it is foreign."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        reason = _reason_to_refuse(scope)
        answer = self._app if reason is None else PlainTextResponse(reason, status_code=403)

        async def send_secured(message: Message) -> None:
            if message["type"].endswith("response.start"):
                headers = MutableHeaders(scope=message)
                for name, text in _SECURED.items():
                    headers[name] = text
            await send(message)

        await answer(scope, receive, send_secured)


def _reason_to_refuse(scope: Scope) -> str | None:
    """Return why a request is foreign, or None."""
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _OUR_HOST.fullmatch(hosts[0].lower()):
        return "The Host header does not name this machine.\n"
    origins = headers.getlist("origin")
    if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
        return "The request comes from a page of another server.\n"
    if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not _is_link(scope):
        return "The request comes from a page of another server.\n"
    return None


def _is_link(scope: Scope) -> bool:
    """Return whether the browser opens a page in a tab, without sending anything but its address.

    Browsers call another port of the same machine "same-site".
    """
    headers = Headers(scope=scope)
    opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return scope.get("method") in {"GET", "HEAD"} and opened == ("navigate", "document")
