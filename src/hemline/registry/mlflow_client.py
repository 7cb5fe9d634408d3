"""The MLflow client, imported where it is first used.

MLflow takes three seconds to import and reads its environment variables then, so commands that need
no registry should not wait for it, and the others set its environment first.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mlflow import MlflowClient

Stored = TypeVar("Stored")


def client() -> "MlflowClient":
    """Return a client of the tracking server and registry that the environment names."""
    from mlflow import MlflowClient  # noqa: PLC0415  (see above)

    return MlflowClient()


def existing(read: Callable[[], Stored]) -> Stored | None:
    """Return what `read` gets from the registry, or None where the registry has no such thing."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (see above)

    try:
        return read()
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise
