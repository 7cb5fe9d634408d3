"""One server of `hemline ui` as a process: python -m flows.guarded_servers <name> --port <port>.

Prefect, MLflow and Evidently start theirs with commands of their own, which answer foreign pages.
Here each one's application runs behind the same guard, in one process each.
"""

import os
from pathlib import Path
from typing import Annotated, Final, Literal, assert_never

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from flows.addresses import HOST
from flows.server_proof import ProvingServer
from hemline import prefect_auth
from hemline.request_guard import RequestGuard

Server = Literal["prefect", "mlflow", "pages", "evidently"]
PAGES: Final = Path(".hemline") / "pages"
"""The folder of what the browser may read, relative to the project's."""


def main(
    name: Annotated[Server, typer.Argument(help="Which server.")],
    port: Annotated[int, typer.Option(help="The port it listens on.")],
) -> None:
    """Serve until a signal ends it."""
    app = RequestGuard(_app(name, Path.cwd(), f"http://{HOST}:{port}"))
    uvicorn.run(app, host=HOST, port=port, access_log=False, proxy_headers=False)


def command(name: Server, port: int | str) -> list[str]:
    """Return the arguments of Python that start a server."""
    return ["-m", "flows.guarded_servers", name, "--port", str(port)]


def _app(name: Server, root: Path, address: str) -> ASGIApp:
    state = root / ".hemline"
    if name == "prefect":
        return _prefect(root, address)
    if name == "mlflow":
        from hemline.registry.mlflow_server import mlflow_app  # noqa: PLC0415  (slow)

        return mlflow_app(os.environ["MLFLOW_TRACKING_URI"], state / "mlartifacts", address)
    if name == "pages":
        files = StaticFiles(directory=root / PAGES, html=True, follow_symlink=True)
        return Starlette(routes=[Mount("/", files)])
    if name == "evidently":
        from monitoring.evidently_server import evidently_app  # noqa: PLC0415  (slow)

        return evidently_app(state / "monitoring" / "evidently")
    assert_never(name)


def _prefect(root: Path, address: str) -> ASGIApp:
    auth = prefect_auth.variables(root)
    os.environ.update(
        auth,
        PREFECT_API_URL=f"{address}/api",
        PREFECT_UI_API_URL="/api",  # whatever name this machine was called by
        PREFECT_SERVER_CORS_ALLOWED_ORIGINS=address,
    )
    from prefect.server.api.server import create_app  # noqa: PLC0415  (reads the settings)

    return ProvingServer(create_app(final=True), root, auth[prefect_auth.SERVER])


if __name__ == "__main__":
    typer.run(main)
