"""Where the pages of experiments are, and which of them have to be written again.

`reports/experiments` holds an index and, of each experiment, a page and a record: the same in
numbers, and what the index says of it. Nothing here imports pandas: the process beside the shop
checks every few minutes whether there is anything to do.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hemline.errors import BadInput
from hemline.experiments.experiment_files import experiments_folder, read_experiment

INDEX: Final = "index"


def pages_folder(root: Path) -> Path:
    """Return the folder of a project's pages of experiments."""
    return root / "reports" / "experiments"


def page_file(root: Path, name: str) -> Path:
    """Return the page of an experiment; one that is called index does not take the index's."""
    return pages_folder(root) / f"{'_' if name == INDEX else ''}{name}.html"


def record_file(root: Path, name: str) -> Path:
    """Return the record of an experiment, beside its page."""
    return page_file(root, name).with_suffix(".json")


def experiment_names(root: Path) -> list[str]:
    """Return the names of a project's experiments, damaged ones too, in order."""
    return sorted(path.stem for path in experiments_folder(root).glob("*.json"))


def read_record(root: Path, name: str) -> Mapping[str, Any] | None:
    """Return the record of an experiment, None where there is none that can be read."""
    try:
        found = json.loads(record_file(root, name).read_bytes())
    except (OSError, ValueError):  # it is written anew with the page
        return None
    return found if isinstance(found, dict) and "sentence" in found else None


def outdated(root: Path) -> list[str]:
    """Return the experiments whose pages have to be written: they run, or something was done."""
    return [name for name in experiment_names(root) if _is_outdated(root, name)]


def _is_outdated(root: Path, name: str) -> bool:
    page, record = page_file(root, name), read_record(root, name)
    file = experiments_folder(root) / f"{name}.json"
    if record is None or not page.exists() or page.stat().st_mtime_ns < file.stat().st_mtime_ns:
        return True
    try:
        state = read_experiment(experiments_folder(root), name).state
    except BadInput:  # which its page says already
        return False
    return state == "running" or bool(record.get("problem"))
