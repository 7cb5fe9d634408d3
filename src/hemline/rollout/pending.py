"""Whether any experiment may need something done, found out without MLflow and without pandas."""

import os
from pathlib import Path
from typing import Final

from hemline import environment
from hemline.experiments.experiment_files import experiments_folder, read_experiments
from hemline.relocation import database_file
from hemline.shop.registered_versions import tagged_versions

WAITS: Final = "waits"
RUNS: Final = "running"
"""Values of the tag `canary` of versions that are not done with it."""

_TRACKING: Final = "MLFLOW_TRACKING_URI"


def may_be_due(root: Path) -> bool:
    """Return whether an experiment runs, or a version waits for its canary or for its end.

    Raises:
        BadInput: a file of an experiment is damaged.
        RegistryUnreadable: the registry cannot be read now.
    """
    found = read_experiments(experiments_folder(root))
    if any(each.state == "running" for each in found):
        return True
    database = database_file(os.environ.get(_TRACKING, environment.defaults(root)[_TRACKING]))
    if database is None:
        return True  # on a server: only MLflow knows
    if not database.exists():
        return False
    return bool({WAITS, RUNS} & set(tagged_versions(database, "canary").values()))
