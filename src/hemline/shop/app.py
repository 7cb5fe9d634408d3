"""The application of one worker: `uvicorn hemline.shop.app:worker --factory`.

From the outside in: the guard against foreign pages, the shell (sizes, keys, log), the routes.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from hemline.errors import BadInput
from hemline.experiments.experiment_files import experiments_folder
from hemline.request_guard import LOOPBACK, RequestGuard
from hemline.shop import api_routes, event_routes, page_routes, status_routes
from hemline.shop.access import Access, is_loopback
from hemline.shop.api_keys import secret_of
from hemline.shop.arm_tallies import ArmTallies, tallies_file
from hemline.shop.champion_watch import ChampionWatch, ShopFolder
from hemline.shop.experiment_arms import ExperimentArms
from hemline.shop.late_stores import LateLog, LateSessions
from hemline.shop.page_answers import ProblemPages
from hemline.shop.problem_answers import Problem, add_problem_answers, problem
from hemline.shop.service_shell import ServiceShell
from hemline.shop.session_stores import open_log, open_sessions
from hemline.shop.shadow import ShadowLog
from hemline.shop.shop_metrics import ShopMetrics, remove_dead_workers
from hemline.shop.shop_params import ShopParams
from hemline.shop.shop_server import SETTINGS
from hemline.shop.shop_service import ShopService
from hemline.shop.visits import ShopVisits

POLICY: Final = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class ShopSettings:
    """How a worker is started.

    Attributes:
        root: the project folder.
        host: that the server listens on.
        workers: how many there are.
        database: MLflow's; None: the project's.
    """

    root: Path
    host: str = "127.0.0.1"
    workers: int = 1
    database: Path | None = None

    @classmethod
    def of(cls, text: str) -> "ShopSettings":
        """Return the settings in a text."""
        stored = orjson.loads(text)
        database = stored["database"] and Path(stored["database"])
        return cls(Path(stored["root"]), stored["host"], stored["workers"], database)


def worker() -> FastAPI:
    """Return the application of a worker that `hemline serve` has started."""
    return create_app(ShopSettings.of(os.environ[SETTINGS]))


def create_app(settings: ShopSettings) -> FastAPI:
    """Return the application; its stores and the champion are opened when it starts.

    Raises:
        BadInput: params.yaml, an address or a key file is wrong.
    """
    root = settings.root
    params = ShopParams.with_environment(root / "params.yaml")
    is_public, secret = not is_loopback(settings.host), secret_of(root)
    metrics = ShopMetrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        remove_dead_workers()
        log = LateLog(lambda: open_log(params.events, root))
        sessions = LateSessions(
            lambda: open_sessions(params.sessions, root, seconds=params.session_hours * 3600)
        )
        try:
            watch = ChampionWatch(_folder(settings, params), metrics)
            arms = ExperimentArms(experiments_folder(root), watch)
            tallies = ArmTallies(tallies_file(root))
            shop = ShopService(
                params, log, sessions, watch, metrics, arms, tallies, is_public=is_public
            )
            app.state.shop, app.state.visits = shop, ShopVisits(shop, secret)
            await watch.start()
            await arms.look()
            _freeze_loaded_objects()
            async with (
                _running(watch.watch(params.poll_seconds)),
                _running(arms.watch(params.poll_seconds)),
                _running(tallies.write_often()),
            ):
                yield
            await tallies.write()
        finally:
            await asyncio.to_thread(log.close)
            sessions.close()

    app = FastAPI(
        title="Hemline shop",
        summary="Recommendations of the champion, and what visitors do with them.",
        lifespan=lifespan,
        docs_url=None,  # their scripts come from another host
        redoc_url=None,
    )
    app.state.secret = secret
    app.state.shadows = ShadowLog(root / ".hemline" / "shop" / "shadow")
    app.state.pictures = None if params.pictures is None else root / params.pictures
    for routes in (api_routes, event_routes, status_routes, page_routes):
        app.include_router(routes.router)
    add_problem_answers(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # as FastAPI documents it
    access = None
    if is_public:
        access = Access(root, per_minute=params.requests_per_minute, workers=settings.workers)
    app.add_middleware(
        ServiceShell,
        metrics=metrics,
        secret=secret,
        largest=params.max_request_kb * 1024,
        access=access,
    )
    app.add_middleware(ProblemPages)
    app.add_middleware(
        RequestGuard,
        hosts={*LOOPBACK, settings.host, *params.hosts},
        policy=POLICY,
        refuse=_refusal,
    )
    return app


def _freeze_loaded_objects() -> None:
    """Let the collector leave alone what the worker has loaded: 200,000 objects that stay.

    A full collection that walks them all stops every request for more than 0.1 s.
    """
    gc.collect()
    gc.freeze()


def _folder(settings: ShopSettings, params: ShopParams) -> ShopFolder:
    state = settings.root / ".hemline"
    return ShopFolder(
        settings.database or state / "mlflow.db",
        state / "serving",
        state / "shop" / "last_good.json",
        settings.root / "params.yaml",
        None if params.stock is None else settings.root / params.stock,
    )


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    """Run a coroutine beside the body, and end it with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _refusal(reason: str) -> ASGIApp:
    refusal = BadInput(
        "the shop answers requests to its own name, from its own pages and from programs",
        found=reason.strip(),
        fix="open its own address; add the name that it is reached by to shop.hosts in params.yaml",
    )
    return problem(403, refusal)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the description, in which every refusal has the form that it has."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version="1", summary=app.summary, routes=app.routes)
        parts = schema["components"]["schemas"]
        parts["Problem"] = Problem.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            parts.pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema
