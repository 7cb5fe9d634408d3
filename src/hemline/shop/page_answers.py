"""A page as a response: filled, compressed, with the visitor's cookie; and errors as pages.

Pages are for one visitor, so nothing may store them.
"""

import gzip
import logging
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hemline.errors import BadInput
from hemline.pages.rendering import render
from hemline.shop.event_log import LogUnavailable
from hemline.shop.page_assets import asset_address, shared_drawing_parts
from hemline.shop.page_requests import address_of
from hemline.shop.page_texts import Texts, preferred_language, texts_in
from hemline.shop.problem_answers import PROBLEM, RETRY_AFTER

logger = logging.getLogger(__name__)

_PAGES: Final = Path(__file__).with_name("pages")
_LEVEL: Final = 6
_STORE: Final = "store"
_NAMES: Final = {401: "access", 404: "page", 429: "rate", 500: "failed", 503: _STORE}
_CAN_SHRINK: Final = 1000


class PageProblem(Exception):  # noqa: N818  (named for what the visitor sees)
    """Why a page cannot be shown: keys of the catalogue, and what was found."""

    def __init__(self, name: str, status: int, found: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.found = found


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def answer_or_explain(request: Request) -> Response:
            try:
                return await answer(request)
            except PageProblem as problem:
                return problem_page(request, problem.name, problem.status, problem.found)
            except LogUnavailable:
                refused = problem_page(request, _STORE, 503)
                refused.headers["retry-after"] = RETRY_AFTER
                return refused
            except BadInput as error:
                return problem_page(request, "input", 422, error.found, error)
            except Exception:
                logger.exception("a page failed")
                return problem_page(request, "failed", 500)

        return answer_or_explain


class ProblemPages:
    """An ASGI application that shows a browser the refusals of another one as pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; who does not accept HTML gets what the other application answers."""
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        refused: list[Message] = []

        async def send_or_keep(message: Message) -> None:
            if (message["type"] == "http.response.start" and _is_problem(message)) or refused:
                refused.append(message)
            else:
                await send(message)

        await self._app(scope, receive, send_or_keep)
        if refused:
            await _page_of(refused, Request(scope))(scope, receive, send)


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "") == PROBLEM


def _page_of(refused: list[Message], request: Request) -> Response:
    """Return the page that says what a refusal says; its other headers stay."""
    start, *body = refused
    content = orjson.loads(b"".join(message.get("body", b"") for message in body))
    status = start["status"]
    is_elsewhere = status == HTTPStatus.NOT_FOUND and "route" in request.scope
    name = "input" if is_elsewhere else _NAMES.get(status, "input")
    refusal = BadInput(content["rule"], found=content["found"], fix=content["fix"])
    # Which store is away, and where, is for /health and the log.
    found = "" if name == _STORE else content["found"]
    shown = problem_page(request, name, status, found, refusal if name == "input" else None)
    for header in ("www-authenticate", "retry-after", "x-request-id", "cache-control"):
        text = Headers(raw=start["headers"]).get(header)
        if text is not None:
            shown.headers[header] = text
    return shown


def texts_for(request: Request, chosen: str = "") -> Texts:
    """Return the texts in the visitor's language, else the browser's."""
    return texts_in(chosen or preferred_language(request.headers.get("accept-language", "")))


def page(
    request: Request,
    template: str,
    texts: Texts,
    *,
    status: int = 200,
    n_in_basket: int = 0,
    background: BackgroundTask | None = None,
    **context: Any,
) -> Response:
    """Return a page of the shop."""
    text = render(
        _PAGES / template,
        t=texts,
        asset=asset_address,
        shared_drawing_parts=shared_drawing_parts(),
        back=address_of(request),
        page_id=request.scope.get("hemline.request_id", "0"),
        n_in_basket=n_in_basket,
        **context,
    )
    return html_response(request, text, status, background)


def html_response(
    request: Request, text: str, status: int = 200, background: BackgroundTask | None = None
) -> Response:
    """Return HTML, compressed where the browser can read it."""
    content = text.encode()
    headers = {"vary": "accept-encoding, accept-language, cookie"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(content) > _CAN_SHRINK:
        content = gzip.compress(content, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(content, status, headers, media_type="text/html", background=background)


def problem_page(
    request: Request, name: str, status: int, found: str = "", refusal: BadInput | None = None
) -> Response:
    """Return a page that says what happened and what to do.

    Args:
        request: that cannot be answered.
        name: of the texts error_<name>_title and error_<name>_fix; "input" takes both from refusal.
        status: of the response.
        found: what was found.
        refusal: the rule that was broken.
    """
    texts = texts_for(request)
    return page(
        request,
        "problem.html.j2",
        texts,
        status=status,
        title=texts(f"error_{name}_title"),
        rule="" if refusal is None else refusal.rule,
        found=found,
        fix=texts(f"error_{name}_fix") if refusal is None else _sentence(refusal.fix),
    )


def _sentence(text: str) -> str:
    """Return a clause as a sentence.

    >>> _sentence("change k"), _sentence("Change k.")
    ('Change k.', 'Change k.')
    """
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
