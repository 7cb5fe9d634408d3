"""Environment variables of the tools: what Hemline sets unless they are set already.

Prefect reads its settings when it is imported, so a process that imports it sets them first and
starts Python again (`restart`).
"""

import atexit
import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from hemline import relocation
from hemline.errors import BadInput

_TRACKING: Final = "MLFLOW_TRACKING_URI"
_PREFECT_HOME: Final = "PREFECT_HOME"
_PREFECT_DATABASE: Final = "PREFECT_API_DATABASE_CONNECTION_URL"
_COMPILED: Final = "NUMBA_CACHE_DIR"
_PACKAGE: Final = Path(__file__).parent
_MAKE_WRITABLE: Final = (
    "give yourself the permission (chmod -R u+rwX .), or copy the project to where you have it"
)


def defaults(root: Path) -> dict[str, str]:
    """Return the variables for a project folder: no telemetry, and all state under .hemline."""
    state = root.resolve() / ".hemline"
    prefect = Path(os.environ.get(_PREFECT_HOME, state / "prefect"))
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
        _TRACKING: relocation.database_url(state / relocation.DATABASE),
        _PREFECT_HOME: str(state / "prefect"),
        **_prefect_database(prefect / "prefect.db"),
        # The default of 20 s is too short on a busy machine.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        # Kept in memory, a slot that is held when the server restarts is never released.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
    }


def _prefect_database(path: Path) -> dict[str, str]:
    """Return the address of Prefect's database where Prefect would make a wrong one of its path."""
    if relocation.is_plain(path):
        return {}
    return {_PREFECT_DATABASE: relocation.database_url(path, "aiosqlite")}


def apply(root: Path) -> bool:
    """Set the variables that are not set, and claim the project's registry if they name it.

    Returns:
        Whether there were any.

    Raises:
        BadInput: the folder cannot hold state, or its registry is damaged or cannot be claimed.
    """
    ours = defaults(root)
    missing = {name: value for name, value in ours.items() if name not in os.environ}
    os.environ.update(missing)
    state = root.resolve() / ".hemline"
    try:
        state.mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(
            "a project folder can be written", found=str(error), fix=_MAKE_WRITABLE
        ) from None
    _stand_in_for_account(state)
    if _COMPILED not in os.environ and not os.access(_PACKAGE, os.W_OK):
        os.environ[_COMPILED] = str(_folder_for_compiled(state))
    if os.environ[_TRACKING] == ours[_TRACKING]:
        relocation.claim_registry(state)
    return bool(missing)


def require_writable(root: Path) -> None:
    """Raise BadInput if the project folder or its state cannot be written."""
    sealed = _sealed(root)
    if sealed is not None:
        raise BadInput(
            "a command that changes something runs in a project that can be written",
            found=f"{sealed} cannot",
            fix=_MAKE_WRITABLE,
        )


def require_name_for_dvc(root: Path) -> None:
    """Raise BadInput if DVC, or the stages that it starts, cannot work in a folder of this name.

    DVC takes { and } for a field to fill in. Stages find their Python by PATH, where a colon
    separates folders.
    """
    for place, signs in ((root.resolve(), "{}"), (Path(sys.prefix), os.pathsep)):
        found = [sign for sign in signs if sign in str(place)]
        if found:
            raise BadInput(
                f"the path of a project holds no {found[0]}, with which DVC or its stages fail",
                found=str(place),
                fix="rename the folder without it, then give the command again",
            )


def is_writable(root: Path) -> bool:
    """Return whether the project folder and its state can be written."""
    return _sealed(root) is None


def _stand_in_for_account(state: Path) -> None:
    """Give a user without an account a home and a name, which libraries fail without."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(state)
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = f"uid{os.getuid()}"


def _folder_for_compiled(state: Path) -> Path:
    """Return where Numba may store compiled code if not beside the source; else it refuses to run.

    In a project that cannot be written either, that is a folder of this process only.
    """
    if os.access(state, os.W_OK):
        return state / "numba"
    folder = Path(tempfile.mkdtemp(prefix="hemline-numba-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _sealed(root: Path) -> Path | None:
    """Return the first folder or file of the project that cannot be written, None without one."""
    state = root.resolve() / ".hemline"
    places = (state.parent, state, state / relocation.DATABASE, state / relocation.STORE)
    return next((one for one in places if one.exists() and not os.access(one, os.W_OK)), None)


def restart(module: str, arguments: Sequence[str] | None = None) -> NoReturn:
    """Replace this process by `python -m module`, with our own arguments unless others are given.

    A signal reaches the new program, and its exit status is ours.
    """
    own = sys.argv[1:] if arguments is None else arguments
    os.execv(sys.executable, [sys.executable, "-m", module, *own])  # noqa: S606  (no shell needed)
