"""Routes that say how the service is, for people, load balancers and Prometheus."""

import asyncio
from importlib.metadata import version as installed
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from hemline.shop.api_schema import Health, InForce
from hemline.shop.experiment_arms import CHAMPION_ARM
from hemline.shop.listed_bytes import json_answer
from hemline.shop.problem_answers import responses
from hemline.shop.request_parts import answers_in_force, shop_of
from hemline.shop.shop_metrics import CONTENT_TYPE
from hemline.shop.shop_service import ShopService

router: Final = APIRouter()

_HEMLINE: Final = installed("hemline")


@router.get("/ping", response_class=PlainTextResponse)
async def ping() -> PlainTextResponse:
    """Answer as soon as the process does."""
    return PlainTextResponse("pong\n")


@router.get("/version", response_model=None, responses={200: {"model": InForce}, **responses(503)})
async def version(request: Request) -> Response:
    """Return which version answers, and which experiments run."""
    shop = shop_of(request)
    answers = answers_in_force(shop)
    return json_answer(
        {
            "version": answers.version,
            "cut": answers.cut,
            "arm": CHAMPION_ARM,
            "hemline": _HEMLINE,
            "experiments": shop.arms.in_force,
        }
    )


@router.get("/health", response_model=None, responses={200: {"model": Health}})
async def health(request: Request) -> Response:
    """Return what works and what does not; status 200 as long as the process answers."""
    return json_answer(_health(shop_of(request)))


@router.get(
    "/ready",
    response_model=None,
    responses={200: {"model": Health}, 503: {"model": Health}},
)
async def ready(request: Request) -> Response:
    """Return status 200 where lists can be answered, else 503."""
    shop = shop_of(request)
    return json_answer(_health(shop), 200 if shop.watch.is_ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return the metrics of all workers, for Prometheus."""
    text = await asyncio.to_thread(shop_of(request).metrics.as_text)
    return Response(text, media_type=CONTENT_TYPE)


def _health(shop: ShopService) -> dict[str, Any]:
    watch = shop.watch
    problems = {watch.problem, shop.store_problem, watch.stock.problem, shop.arms.problem}
    status = "ok" if problems == {None} else "degraded"
    return {
        "status": status if watch.is_ready else "starting",
        "version": watch.answers.version if watch.is_ready else None,
        "registry": watch.problem,
        "stores": shop.store_problem,
        "stock": watch.stock.problem,
        "experiments": shop.arms.problem,
    }
