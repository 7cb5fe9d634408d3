"""The processes of the shop: python -m hemline.shop.shop_server.

Uvicorn's supervisor shares one listening socket between the workers and starts one again that has
died. What waits in the socket's queue is not lost then, only what that worker was answering. The
log of every request goes to `.hemline/logs/shop.log`; the terminal shows warnings.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from hemline.errors import BadInput, exit_on_bad_input
from hemline.listening import listen_on
from hemline.shop.access import is_loopback
from hemline.shop.api_keys import stored_keys
from hemline.shop.registered_versions import registry_file
from hemline.shop.running_shops import announced, metrics_folder
from hemline.shop.session_stores import open_log, open_sessions
from hemline.shop.shop_metrics import FOLDER
from hemline.shop.shop_params import ShopParams

PORT: Final = 8000
SETTINGS: Final = "HEMLINE_SHOP_SETTINGS"
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_QUEUE: Final = 2048  # connections that wait to be accepted


def main(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = PORT,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes; default: shop.workers.")
    ] = None,
) -> None:
    """Answer visitors with the champion, until Ctrl-C.

    On another address than this machine's own, every request needs a key: hemline shop-key create.
    """
    root = Path.cwd()
    params = ShopParams.with_environment(root / "params.yaml")
    n_workers = workers or params.workers
    database = registry_file(root)
    _require_keys(root, host)
    fix = "choose another: hemline serve --port 8001"
    with listen_on(host, port, who="the shop", fix=fix, queue=_QUEUE) as listening:
        listening.set_inheritable(True)
        _require_champion(root, database)
        _require_stores(params, root)
        _set_environment(root, host, port, n_workers, database)
        config = uvicorn.Config(
            "hemline.shop.app:worker",
            factory=True,
            workers=n_workers,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            log_config=_logging(root),
            loop="uvloop",
            http="httptools",
            timeout_graceful_shutdown=10,
            timeout_worker_healthcheck=30,
        )
        typer.echo(f"The shop: http://{host}:{port}/   API: /openapi.json   Ctrl-C ends it.")
        with announced(root, host, port), _guarding(root):
            Multiprocess(config, sockets=[listening]).run()


@contextmanager
def _guarding(root: Path) -> Iterator[None]:
    """Run what looks after experiments beside the body, and end it with it.

    It uses the registry as well, so it lies in a layer above the shop and is known by its name.
    """
    module = "hemline.rollout.experiment_guard"
    command = [sys.executable, "-m", module, str(root), str(os.getpid())]
    guard = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        guard.terminate()
        guard.wait()


def _require_keys(root: Path, host: str) -> None:
    if not is_loopback(host) and not stored_keys(root):
        raise BadInput(
            f"a shop that other machines reach ({host}) has at least one key",
            found="none",
            fix="create one: hemline shop-key create <name>",
        )


def _require_champion(root: Path, database: Path) -> None:
    """Lay out the champion and try it before any worker starts; show why where that fails.

    Trying compiles what is compiled on first use, once instead of in every worker.

    With a last good version the workers start all the same, and say what is wrong.
    """
    state = root / ".hemline"
    laid_out = subprocess.run(
        [
            *(sys.executable, "-m", "hemline.shop.lay_out_version", "--alias", "champion"),
            *("--database", str(database), "--layouts", str(state / "serving"), "--try-it"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if (state / "shop" / "last_good.json").exists():
        return
    if laid_out.returncode:
        raise SystemExit(laid_out.returncode)
    if laid_out.stdout.strip() == "{}":
        raise BadInput(
            "the shop has a champion to answer with",
            found=f"none in {database}",
            fix="train one: make demo; or make a rejected one champion: hemline history, then "
            "hemline promote",
        )


def _require_stores(params: ShopParams, root: Path) -> None:
    """Refuse events and sessions that cannot be used now; workers wait for them later on."""
    open_log(params.events, root).close()
    open_sessions(params.sessions, root, seconds=params.session_hours * 3600).close()


def _set_environment(root: Path, host: str, port: int, workers: int, database: Path) -> None:
    """Set what workers read when they start."""
    metrics = metrics_folder(root, port)
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    settings = {"root": str(root), "host": host, "workers": workers, "database": str(database)}
    os.environ[FOLDER] = str(metrics)
    os.environ[SETTINGS] = json.dumps(settings)
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")


def _logging(root: Path) -> dict[str, Any]:
    folder = root / ".hemline" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"printable": {"()": "hemline.shop.shop_server.printable_filter"}},
        "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.handlers.WatchedFileHandler",
                "filename": str(folder / "shop.log"),
                "formatter": "line",
                "filters": ["printable"],
            },
            "terminal": {
                "class": "logging.StreamHandler",
                "level": "WARNING",
                "formatter": "line",
                "filters": ["printable"],
            },
        },
        "root": {"level": "INFO", "handlers": ["file", "terminal"]},
    }


def printable_filter() -> Any:
    """Return the filter of every log: control characters are shown, not obeyed."""
    from hemline.errors import print_safely  # noqa: PLC0415  (as above)

    return print_safely


if __name__ == "__main__":
    with exit_on_bad_input():
        typer.run(main)
