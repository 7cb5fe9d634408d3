"""One change of the registry at a time, whoever makes it: a person, the gate, or a repair.

MLflow has no transactions, so what belongs together is written under a lock file beside the
registry's database. A registry on a server has the lock in the project folder, which covers the
processes of this machine only: two machines that change its champion in the same second may still
mix their changes.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from hemline.errors import BadInput
from hemline.files import lock_file
from hemline.relocation import database_file

WAIT_SECONDS: Final = 30.0
"""A change takes about a second; a process that holds the lock for longer is stopped or stuck."""


@contextmanager
def registry_locked() -> Iterator[None]:
    """Hold the registry; a process that ends, however it ends, releases it.

    Not re-entrant: a holder that locks again waits for itself and is refused.

    Raises:
        BadInput: another process held it for WAIT_SECONDS.
    """
    path = _lock_path()
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_file(path, wait_seconds=WAIT_SECONDS))
        except TimeoutError as holder:
            raise BadInput(
                "one change of the champion is made at a time",
                found=f"{holder} has held {path} for {WAIT_SECONDS:.0f} s",
                fix="let it finish, or end it if it hangs, then give the command again: the next "
                "command completes or drops what it had begun",
            ) from None
        yield


def _lock_path() -> Path:
    import mlflow  # noqa: PLC0415  (see mlflow_client)

    file = database_file(mlflow.get_registry_uri())
    return (Path(".hemline") if file is None else file.parent) / "registry.lock"
