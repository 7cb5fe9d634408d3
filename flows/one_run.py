"""One run at a time where runs write the same records and pages.

Records are written once and alerts are sent once whoever writes them, but two runs at once would
draw the same pages, replace the same dry run and summarise the same weeks twice.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from hemline.errors import BadInput
from hemline.files import lock_file

WAIT_SECONDS: Final = 30 * 60


@contextmanager
def only_run(
    path: Path, name: str, report: Callable[[str], object], *, wait_seconds: float = WAIT_SECONDS
) -> Iterator[None]:
    """Hold the lock of a kind of run, waiting for another one to end.

    The kernel releases the lock when its holder ends, however it ends.

    Args:
        path: of the lock file.
        name: of the kind, for messages.
        report: called with a sentence when waiting begins.
        wait_seconds: how long to wait.

    Raises:
        BadInput: the other run held it all that time.
    """

    def on_wait(holder: str) -> None:
        report(f"another run of {name} ({holder}) is under way: waiting for it to finish")

    with ExitStack() as stack:
        try:
            stack.enter_context(lock_file(path, wait_seconds=wait_seconds, on_wait=on_wait))
        except TimeoutError as holder:
            raise BadInput(
                f"one run of {name} at a time works in a project",
                found=f"another one ({holder}) still holds {path} after {wait_seconds:.0f} s",
                fix="let it finish or end it, then start again",
            ) from None
        yield
