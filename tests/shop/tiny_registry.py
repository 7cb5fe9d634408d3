"""A project with a registry of two versions of twelve articles, whose lists differ."""

import json
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from hemline import columns
from hemline.serving.version_files import VersionFiles
from tests.serving.tiny_version import registered, write_version
from tests.tiny_project import REPOSITORY, change_params

WARM: Final = {1: ("copurchase", "popularity"), 2: ("popularity",)}
"""What the versions answer customers with."""

_EMPTY: Final = """
CREATE TABLE registered_model_aliases (name TEXT, alias TEXT, version INT);
CREATE TABLE model_versions
  (name TEXT, version INT, run_id TEXT, storage_location TEXT, source TEXT);
CREATE TABLE model_version_tags (name TEXT, version INT, key TEXT, value TEXT);
INSERT INTO registered_model_aliases VALUES ('hemline', 'champion', 1);
"""


def registry_project(
    root: Path,
    shop: Mapping[str, object] | None = None,
    article_ids: Sequence[str] | None = None,
) -> Path:
    """Write the project, whose champion is version 1, and whose workers look often at what changes.

    Args:
        root: an empty or missing folder.
        shop: what to change in section shop of params.yaml.
        article_ids: of the twelve articles; None for their own.
    """
    state = root / ".hemline"
    state.mkdir(parents=True)
    shutil.copy(REPOSITORY / "params.yaml", root)
    changes = {"poll_seconds": 0.2, **(shop or {})}
    change_params(root, {("shop", name): value for name, value in changes.items()})
    with closing(sqlite3.connect(state / "mlflow.db")) as registry:
        registry.executescript(_EMPTY)
        for number, warm in WARM.items():
            place, hashes = stored_version(root, number, warm, article_ids)
            registry.execute(
                "INSERT INTO model_versions VALUES ('hemline', ?, '', ?, ?)", (number, place, place)
            )
            registry.execute(
                "INSERT INTO model_version_tags VALUES ('hemline', ?, 'stored_hashes', ?)",
                (number, hashes),
            )
        registry.commit()
    return root


def stored_version(
    root: Path, number: int, warm: Sequence[str], article_ids: Sequence[str] | None = None
) -> tuple[str, str]:
    """Write the files of a version, and return their address and the hashes as its tag."""
    folder = root / f"version-{number}"
    folder.mkdir()
    files = write_version(folder, warm=warm)
    if article_ids is not None:
        rename_articles(files.articles, article_ids)
    _describe(folder, files)
    return folder.as_uri(), json.dumps(dict(registered(files, number).expected))


def _describe(folder: Path, files: VersionFiles) -> None:
    artifacts = {
        name: {"path": path.relative_to(folder).as_posix()} for name, path in vars(files).items()
    }
    described = {"flavors": {"python_function": {"artifacts": artifacts}}}
    (folder / "MLmodel").write_text(yaml.safe_dump(described))


def rename_articles(path: Path, article_ids: Sequence[str]) -> None:
    articles = pq.read_table(path)
    place = articles.column_names.index(columns.ARTICLE_ID)
    ids = pa.array(article_ids, pa.string())
    pq.write_table(articles.set_column(place, articles.field(place), ids), path)
