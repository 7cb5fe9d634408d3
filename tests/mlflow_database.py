"""An empty MLflow database for tests, migrated once a process: MLflow's migrations take seconds."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient

from hemline.relocation import DATABASE, database_url


def put_database(path: Path) -> None:
    """Put a database that has MLflow's tables, and nothing in them, at a path."""
    shutil.copy(Path(_migrated().name) / DATABASE, path)


@cache
def _migrated() -> "TemporaryDirectory[str]":
    """A folder of the database, which is removed when the process ends."""
    folder = TemporaryDirectory(prefix="hemline-mlflow-")
    MlflowClient(tracking_uri=database_url(Path(folder.name) / DATABASE))
    return folder
