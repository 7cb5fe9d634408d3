"""Environment variables of the tools: what Hemline sets unless they are set already.

Prefect reads its settings when it is imported, so a process that imports it sets them first and
starts Python again (`restart`).
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn


def defaults(root: Path) -> dict[str, str]:
    """Return the variables for a project folder: no telemetry, and all state under .hemline."""
    state = root.resolve() / ".hemline"
    return {
        "DO_NOT_TRACK": "true",
        "DVC_NO_ANALYTICS": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_COLORS": "false",  # the log goes to files
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Job execution costs 2 GB of idle workers that outlive the server.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_TRACKING_URI": f"sqlite:///{state / 'mlflow.db'}",
        "PREFECT_HOME": str(state / "prefect"),
        # The default of 20 s is too short on a busy machine.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        # Kept in memory, a slot that is held when the server restarts is never released.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
    }


def apply(root: Path) -> bool:
    """Set the variables that are not set; return whether there were any."""
    missing = {name: value for name, value in defaults(root).items() if name not in os.environ}
    os.environ.update(missing)
    (root / ".hemline").mkdir(exist_ok=True)
    return bool(missing)


def restart(module: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Replace this process by `python -m module`, with our own arguments unless others are given.

    A signal reaches the new program, and its exit status is ours.
    """
    own = sys.argv[1:] if arguments is None else arguments
    os.execv(sys.executable, [sys.executable, "-m", module, *own])  # noqa: S606  (no shell needed)
