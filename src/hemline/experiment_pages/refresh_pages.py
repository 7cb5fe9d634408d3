"""Writes the pages of experiments that run, and of those with which something was done.

An experiment that cannot be read costs its own page, which says why.
"""

from datetime import datetime
from pathlib import Path

from hemline.errors import BadInput
from hemline.experiment_pages.experiment_index import write_index
from hemline.experiment_pages.experiment_page import write_experiment, write_problem
from hemline.experiment_pages.experiment_reading import read_now
from hemline.experiment_pages.page_files import outdated
from hemline.experiments.experiment_files import experiments_folder, read_experiment
from hemline.shop.event_log import LogUnavailable


def refresh_pages(root: Path, at: datetime) -> list[Path]:
    """Write what is outdated, then the index; return the pages of experiments that were written.

    Args:
        root: the project folder.
        at: the present moment, in UTC.
    """
    written = [_refresh(root, name, at) for name in outdated(root)]
    write_index(root)
    return written


def _refresh(root: Path, name: str, at: datetime) -> Path:
    try:
        experiment = read_experiment(experiments_folder(root), name)
    except BadInput as damaged:
        return write_problem(root, name, str(damaged), at)
    try:
        reading = read_now(root, experiment, at) if experiment.steps else None
    except BadInput as error:
        problem = f"It cannot be read out: {error.rule} (found: {error.found}). {error.fix}."
        return write_experiment(root, experiment, None, at, problem=problem)
    except (LogUnavailable, OSError, ValueError) as error:  # ValueError: of a damaged table
        problem = f"It cannot be read out: {error}"
        return write_experiment(root, experiment, None, at, problem=problem)
    return write_experiment(root, experiment, reading, at)
