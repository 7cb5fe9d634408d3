"""Stops a running experiment whose treatment is certainly worse than its guardrails allow.

`hemline serve` runs this beside its workers: every `experiments.check_minutes` the verdict of each
running experiment is computed anew from the event log. Only guardrails and the sizes of the arms
stop an experiment here; planned looks are for people to act on. While no experiment runs, nothing
is imported and nothing is read but the folder.
"""

import logging
import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from hemline.clock import now
from hemline.errors import BadInput, exit_on_bad_input
from hemline.experiments.experiment_files import (
    Experiment,
    add_step,
    experiments_folder,
    read_experiments,
)
from hemline.experiments.experiment_params import ExperimentParams
from hemline.shop.event_log import LogUnavailable

_LOOK_SECONDS: Final = 2.0

logger = logging.getLogger(__name__)


def stop_what_is_worse(root: Path) -> list[Experiment]:
    """Stop the running experiments that must not go on, and return them.

    Raises:
        BadInput: a file of an experiment or of the project's tables is damaged.
        LogUnavailable: the events cannot be read now.
    """
    folder = experiments_folder(root)
    running = [each for each in read_experiments(folder) if each.state == "running"]
    return [stopped for each in running if (stopped := _checked(root, folder, each)) is not None]


def _checked(root: Path, folder: Path, experiment: Experiment) -> Experiment | None:
    from hemline.shop.experiment_verdict import verdict_of  # noqa: PLC0415  (pandas, for this alone)
    from hemline.shop.session_stores import open_log  # noqa: PLC0415  (as above)
    from hemline.shop.shop_clock import ShopClock  # noqa: PLC0415  (as above)
    from hemline.shop.shop_params import ShopParams  # noqa: PLC0415  (as above)

    params = ShopParams.with_environment(root / "params.yaml")
    log = open_log(params.events, root)
    try:
        clock = ShopClock.of(log, params.first_day)
        verdict = verdict_of(experiment, log, clock, root, now())
    except BadInput as error:
        logger.info("experiment %s cannot be judged yet: %s", experiment.plan.name, error.found)
        return None
    finally:
        log.close()
    if verdict.now.decision not in {"stop", "broken"}:
        return None
    reason = verdict.sentence
    return add_step(folder, experiment.plan.name, "stopped", exposed=0.0, reason=reason)


def main(
    root: Annotated[Path, typer.Argument(help="The project folder.")],
    shop: Annotated[int, typer.Argument(help="The process that started this one.")],
) -> None:
    """Check the running experiments again and again, as long as the shop runs that started this."""
    while _waits(60 * ExperimentParams.load(root / "params.yaml").check_minutes, shop):
        try:
            for stopped in stop_what_is_worse(root):
                logger.warning(
                    "experiment %s was stopped: %s", stopped.plan.name, stopped.steps[-1].reason
                )
        except (BadInput, LogUnavailable) as error:
            logger.error("experiments cannot be checked: %s", error)  # noqa: TRY400  (the message says it all)


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
