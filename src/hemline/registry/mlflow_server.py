"""MLflow's server as an ASGI application, for a caller that decides who may send it requests.

`mlflow server` starts it in a process of its own that lets every page of this machine read and
write. Its options reach the application through the variables that are set here.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PROXIED: Final = "mlflow-artifacts:/"
_TELEMETRY_OFF: Final = (
    "<script>"
    'localStorage.setItem("mlflow.settings.telemetry.enabled_v1", "false");'
    'localStorage.setItem("mlflow.telemetry.info.alert.dismissed_v1", "true");'
    "</script>"
)
"""The page's own switch and the mark that its message was read (MLflow 3.17)."""


def mlflow_app(store: str, artifacts: Path, address: str) -> "ASGIApp":
    """Return the tracking server, its pages and its registry.

    Args:
        store: address of the database.
        artifacts: folder of the artifacts of experiments that this server makes.
        address: of the server itself, as http://host:port.
    """
    host = address.removeprefix("http://")
    name = host.partition(":")[0]
    os.environ.update(
        {
            "_MLFLOW_SERVER_FILE_STORE": store,
            "_MLFLOW_SERVER_REGISTRY_STORE": store,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": _PROXIED,
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(artifacts),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "MLFLOW_SERVER_ALLOWED_HOSTS": f"{name},{name}:*,localhost,localhost:*",
            "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": address,
        }
    )
    # Imported once the variables are set, which they read.
    from mlflow.server.handlers import initialize_backend_stores  # noqa: PLC0415

    initialize_backend_stores(store, store, _PROXIED)
    from mlflow.server.fastapi_app import app  # noqa: PLC0415

    return _without_telemetry(cast("ASGIApp", app))


def _without_telemetry(app: "ASGIApp") -> "ASGIApp":
    """Return the application with a first page that has telemetry switched off.

    With MLFLOW_DISABLE_TELEMETRY nothing is collected, but the page does not know of it: it says
    the contrary until somebody clears the message in every browser.
    """
    import mlflow.server  # noqa: PLC0415  (as above)
    from starlette.responses import HTMLResponse  # noqa: PLC0415  (as above)

    page = Path(mlflow.server.__file__).with_name("js") / "build" / "index.html"
    told = page.read_text(encoding="utf-8").replace("<head>", f"<head>{_TELEMETRY_OFF}", 1)

    async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
        is_first_page = scope["type"] == "http" and scope["path"] == "/"
        await (HTMLResponse(told) if is_first_page else app)(scope, receive, send)

    return answer
