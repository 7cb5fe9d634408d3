"""What every server of this project refuses, and what it tells a browser.

A web page of anybody can make the browser of whoever runs `hemline ui` or `hemline serve` send
requests to these servers. So a request is answered only if it names a host that is ours (a page
that points its own name at us cannot), and if it comes from no page, from a page of the same
server, or is a link that was followed. Text that is posted as text/plain passes a browser's own
checks, so this is decided here.

The policy sent along keeps the servers' pages from reaching any other host, whatever their scripts
try: telemetry, fonts, images.
"""

from collections.abc import Callable, Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
"""The names of this machine that a Host header may give."""

POLICY: Final = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""For pages of tools that cannot do without inline scripts."""

_SECURED: Final = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # without any, a browser names no origin for a form
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "x-frame-options": "SAMEORIGIN",
}


def plain_refusal(reason: str) -> ASGIApp:
    """Return an answer of status 403 that gives the reason as plain text."""
    return PlainTextResponse(reason, status_code=403)


class RequestGuard:
    """An ASGI application that refuses foreign requests before another one sees them.

    Args:
        app: answers what is not refused.
        hosts: names that a Host header may give, without a port.
        policy: the content security policy of every answer.
        refuse: makes the answer to a refused request from the reason.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] = LOOPBACK,
        policy: str = POLICY,
        refuse: Callable[[str], ASGIApp] = plain_refusal,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._headers = {"content-security-policy": policy, **_SECURED}
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or a websocket; status 403 where it is foreign."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        reason = self._reason_to_refuse(scope)
        answer = self._app if reason is None else self._refuse(reason)

        async def send_secured(message: Message) -> None:
            if message["type"].endswith("response.start"):
                headers = MutableHeaders(scope=message)
                for name, text in self._headers.items():
                    headers[name] = text
            await send(message)

        await answer(scope, receive, send_secured)

    def _reason_to_refuse(self, scope: Scope) -> str | None:
        """Return why a request is foreign, or None."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _without_port(hosts[0].lower()) not in self._hosts:
            return "The Host header does not name this machine.\n"
        origins = headers.getlist("origin")
        if any(not _is_of(origin.lower(), hosts[0].lower()) for origin in origins):
            return "The request comes from a page of another server.\n"
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not _is_link(scope):
            return "The request comes from a page of another server.\n"
        return None


def _without_port(host: str) -> str:
    """Return a host without its port.

    >>> [_without_port(host) for host in ("localhost:80", "[::1]:80", "[::1]", "a:b", "a@b:1")]
    ['localhost', '[::1]', '[::1]', 'a:b', 'a@b']
    """
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and port.isascii() else host


def _is_of(origin: str, host: str) -> bool:
    """Return whether a page is of the host; a proxy may have taken its TLS off."""
    return origin in {f"http://{host}", f"https://{host}"}


def _is_link(scope: Scope) -> bool:
    """Return whether the browser opens a page in a tab, without sending anything but its address.

    Browsers call another port of the same machine "same-site".
    """
    headers = Headers(scope=scope)
    opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return scope.get("method") in {"GET", "HEAD"} and opened == ("navigate", "document")
