"""Environment variables of the tools: what Hemline sets unless the reader already did.

Prefect reads its settings when it is imported, so a process that finds any of these missing must
start again with them (`apply_or_start_again`); the Makefile exports them and spares that.
"""

import os
import sys
from pathlib import Path


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
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Jobs cost 2 GB of idle workers that outlive the server.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_TRACKING_URI": f"sqlite:///{state / 'mlflow.db'}",
        "PREFECT_HOME": str(state / "prefect"),
        # The default of 20 s is too short for a machine that is busy with something else.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        # In memory, a restarted server forgets who held a slot and never gives it back.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
    }


def apply(root: Path) -> bool:
    """Set the variables that are not set, and return whether there were any."""
    missing = {name: value for name, value in defaults(root).items() if name not in os.environ}
    os.environ.update(missing)
    (root / ".hemline").mkdir(exist_ok=True)
    return bool(missing)


def apply_or_start_again(root: Path, module: str) -> None:
    """Set the variables; if any was missing, start `python -m module` anew in this one's place."""
    if apply(root):
        again = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606  (replaces this process, no shell wanted)
