"""The MLflow client, imported where it is first used.

MLflow takes three seconds to import and reads its environment variables then, so commands that need
no registry should not wait for it, and the others set its environment first.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from hemline.errors import BadInput

if TYPE_CHECKING:
    from mlflow import MlflowClient

Stored = TypeVar("Stored")

_OTHER_SCHEMA: Final = r"database schema \(found version (\w+), but expected \w+\)"


def client() -> "MlflowClient":
    """Return a client of the tracking server and registry that the environment names.

    Raises:
        BadInput: another version of MLflow has written the database.
    """
    from mlflow import MlflowClient  # noqa: PLC0415  (see above)
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (see above)

    try:
        return MlflowClient()
    except MlflowException as error:
        found = re.search(_OTHER_SCHEMA, error.message)
        if found is None:
            raise
        raise _other_schema(found[1]) from error


def existing(read: Callable[[], Stored]) -> Stored | None:
    """Return what `read` gets from the registry, or None where the registry has no such thing."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (see above)

    try:
        return read()
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def _other_schema(revision: str) -> BadInput:
    """Return the error of a database whose tables are older or newer than this MLflow's."""
    import mlflow  # noqa: PLC0415  (see above)

    address, installed = mlflow.get_tracking_uri(), mlflow.__version__
    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations" / "versions"
    is_older = any(migrations.glob(f"{revision}_*.py"))
    return BadInput(
        f"the registry's database has the tables of MLflow {installed}, which is installed",
        found=f"tables of {'an earlier' if is_older else 'a later'} MLflow (schema {revision}) "
        f"in {address}",
        fix=f"copy the database file, then run: .venv/bin/python -m mlflow db upgrade "
        f"{shlex.quote(address)}"
        if is_older
        else "install the MLflow that wrote it: check out the code that was used last, then run "
        "`make .venv/installed`",
    )
