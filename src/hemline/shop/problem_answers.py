"""What a caller is told when a request is refused: the rule, what was found, and what to do.

The form is that of RFC 9457 (application/problem+json) with the three parts of BadInput.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hemline.errors import BadInput
from hemline.shop.event_log import KeyReused, LogUnavailable

PROBLEM: Final = "application/problem+json"
RETRY_AFTER: Final = "2"
"""Seconds after which a store that was away may be there again."""
_LONGEST_FOUND: Final = 200  # characters of what a caller sent


class Problem(BaseModel):
    """Why a request was refused."""

    type: str
    title: str
    status: int
    rule: str
    found: str
    fix: str
    request_id: str | None = None


class UnknownThing(BadInput):
    """Nothing has this name: status 404."""


class Unanswerable(BadInput):
    """The shop cannot answer now: status 503."""


def problem(
    status: int, refusal: BadInput, *, request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return the answer to a refused request."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "rule": refusal.rule,
        "found": refusal.found[: 10 * _LONGEST_FOUND],
        "fix": refusal.fix,
        "request_id": request_id,
    }
    return Response(orjson.dumps(content), status, headers, media_type=PROBLEM)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the refusals of a route."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM: schema}}
        for status in statuses
    }


def add_problem_answers(app: FastAPI) -> None:
    """Let an application answer its errors so."""
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(BadInput, _refused)
    app.add_exception_handler(LogUnavailable, _away)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadInput)  # noqa: S101  (as registered)
    status = 422
    if isinstance(error, UnknownThing):
        status = 404
    elif isinstance(error, KeyReused):
        status = 409
    elif isinstance(error, Unanswerable):
        status = 503
    return problem(status, error, request_id=_id(request))


def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (as registered)
    first = error.errors()[0]
    where, *path = (str(part) for part in first["loc"])
    name = ".".join(path) or where
    found = repr(first.get("input"))
    refusal = BadInput(
        f"{name} in the {where}: {first['msg']}",
        found=found if len(found) <= _LONGEST_FOUND else f"{found[:_LONGEST_FOUND]} ...",
        fix="send it as /openapi.json describes",
    )
    return problem(422, refusal, request_id=_id(request))


def _away(request: Request, error: Exception) -> Response:
    refusal = BadInput(
        "the shop can store what visitors do",
        found=f"it cannot now: {error}",
        fix="send the same request again later, with the same keys: nothing counts twice",
    )
    return problem(503, refusal, request_id=_id(request), headers={"retry-after": RETRY_AFTER})


def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (as registered)
    reasons = {
        404: "the shop has something at this address",
        405: "the address may be asked with this method",
        400: "the body is JSON in UTF-8",
    }
    refusal = BadInput(
        reasons.get(error.status_code, str(error.detail)),
        found=f"{request.method} {request.url.path[:_LONGEST_FOUND]}"
        if error.status_code in {404, 405}
        else str(error.detail),
        fix="/openapi.json lists every address, and what it takes",
    )
    return problem(error.status_code, refusal, request_id=_id(request), headers=error.headers)


def _failed(request: Request, error: Exception) -> Response:
    refusal = BadInput(
        "the shop answers every valid request",
        found=f"an error of its own ({type(error).__name__})",
        fix="the log of the service has it under the request's id: please report it",
    )
    return problem(500, refusal, request_id=_id(request))


def _id(request: Request) -> str | None:
    found: str | None = request.scope.get("hemline.request_id")
    return found
