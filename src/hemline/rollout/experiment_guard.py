"""The process that does, beside a shop, what is due for its experiments (`rollout.advance`).

`hemline serve` starts it beside its workers. Every `experiments.check_minutes` running experiments
are judged anew from the event log, those that must not go on are stopped, and canaries take their
next step. While there is no such experiment, nothing large is imported and nothing is read but the
folder and one column of the registry.

The pages of experiments are written here too (`experiment_pages`), at most a twentieth of the time:
after one round that took long, the next one waits twenty times as long.
"""

import logging
import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from hemline.clock import now
from hemline.errors import BadInput, exit_on_bad_input
from hemline.experiment_pages.page_files import outdated
from hemline.experiments.experiment_params import ExperimentParams
from hemline.rollout.pending import may_be_due
from hemline.shop.event_log import LogUnavailable
from hemline.shop.registered_versions import RegistryUnreadable

_LOOK_SECONDS: Final = 2.0
_REST: Final = 20.0  # times what writing the pages took

logger = logging.getLogger(__name__)


def main(
    root: Annotated[Path, typer.Argument(help="The project folder.")],
    shop: Annotated[int, typer.Argument(help="The process that started this one.")],
) -> None:
    """Check the running experiments again and again, as long as the shop runs that started this."""
    pages_due = time.monotonic()
    while _waits(60 * ExperimentParams.load(root / "params.yaml").check_minutes, shop):
        try:
            _advance(root)
        except (BadInput, LogUnavailable, RegistryUnreadable) as error:
            logger.error("experiments cannot be checked: %s", error)  # noqa: TRY400  (the message says it all)
        began = time.monotonic()
        if began >= pages_due:
            _write_pages(root)
            pages_due = time.monotonic() + _REST * (time.monotonic() - began)


def _write_pages(root: Path) -> None:
    """Write the pages of experiments that are outdated; a failure costs the pages alone."""
    try:
        if outdated(root):
            from hemline.experiment_pages.refresh_pages import refresh_pages  # noqa: PLC0415  (pandas, for this alone)

            refresh_pages(root, now())
    except (BadInput, OSError, ValueError) as error:
        logger.error("pages of experiments cannot be written: %s", error)  # noqa: TRY400  (as above)


def _advance(root: Path) -> None:
    if not may_be_due(root):
        return
    from hemline.rollout.advance import advance_experiments  # noqa: PLC0415  (pandas, for this alone)

    for each in advance_experiments(root):
        name = each.experiment or f"the canary of version {each.version}"
        logger.warning("experiment %s was %s: %s", name, each.did, each.reason)


def _waits(seconds: float, shop: int) -> bool:
    """Return True after some time, or False as soon as the shop's process is gone."""
    end = time.monotonic() + seconds
    while os.getppid() == shop:
        left = end - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, _LOOK_SECONDS))
    return False


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with exit_on_bad_input():
        typer.run(main)
