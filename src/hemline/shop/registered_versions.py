"""Which version is champion, read from the registry's database without MLflow.

A worker queries it every few seconds. MLflow takes three seconds and 200 MB to import, so the four
columns that are needed are read directly, read-only: nothing here can change or lock the registry
for others. The price: a registry on a server is not read, only the project's own.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import yaml

from hemline.errors import BadInput
from hemline.integrity import FileHashes
from hemline.relocation import DATABASE, database_file
from hemline.serving.version_files import VersionFiles

MODEL: Final = "hemline"
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
_WAIT_SECONDS: Final = 1.0
_OF_ALIAS: Final = """
SELECT model_versions.version, coalesce(storage_location, source)
FROM registered_model_aliases AS aliases JOIN model_versions USING (name, version)
WHERE name = ? AND alias = ?
"""
_OF_NUMBER: Final = """
SELECT version, coalesce(storage_location, source) FROM model_versions
WHERE name = ? AND version = ?
"""
_TAGGED: Final = "SELECT version, value FROM model_version_tags WHERE name = ? AND key = ?"
_TAGS: Final = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"


class RegistryUnreadable(RuntimeError):  # noqa: N818  (named for what happened)
    """The registry cannot be read now: it is locked, damaged, or not there."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of the model, and where its files are.

    Attributes:
        number: of the version.
        location: address of its files.
        tags: of the version.
    """

    number: int
    location: str
    tags: Mapping[str, str]

    @property
    def hashes(self) -> FileHashes:
        """The hashes that its files were registered with."""
        return FileHashes.from_tags(self.tags, f"version {self.number}")

    @property
    def folder(self) -> Path:
        """The folder of its files; raises FileNotFoundError where they are on a server."""
        address = urlsplit(self.location)
        if address.scheme not in {"", "file"}:
            raise FileNotFoundError(self.location)
        return Path(unquote(address.path))

    def files(self) -> VersionFiles:
        """Return its files; raises BadInput where they are not there or not described."""
        try:
            folder = self.folder
            text = (folder / "MLmodel").read_text(encoding="utf-8")
            model = yaml.load(text, yaml.CSafeLoader)  # safe_load, but in C
            stored: dict[str, Any] = model["flavors"]["python_function"]["artifacts"]
            return VersionFiles.of(
                {name: folder / artifact["path"] for name, artifact in stored.items()}
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise BadInput(
                f"the registry has the files of version {self.number}, described in MLmodel",
                found=f"{type(error).__name__}: {error}",
                fix="restore them from a backup; or serve another version: hemline rollback, or "
                "hemline promote N",
            ) from error


def registry_file(root: Path) -> Path:
    """Return the database of the registry; raises BadInput where it is on a server."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not address:
        return root / ".hemline" / DATABASE
    file = database_file(address)
    if file is None:
        raise BadInput(
            "the shop reads the registry from a SQLite file",
            found=f"MLFLOW_TRACKING_URI names {address.partition('://')[0]}",
            fix="unset it to serve the project's own registry; or serve a version by MLflow: "
            "mlflow models serve",
        )
    return file


def version_with_alias(database: Path, alias: str) -> RegisteredVersion | None:
    """Return the version that an alias names, or None.

    Args:
        database: MLflow's, in SQLite.
        alias: CHAMPION or CHALLENGER.

    Raises:
        RegistryUnreadable: the database cannot be read now.
    """
    return _version(database, _OF_ALIAS, alias)


def version_with_number(database: Path, number: int) -> RegisteredVersion | None:
    """Return a version by its number, or None.

    Args:
        database: MLflow's, in SQLite.
        number: of the version.

    Raises:
        RegistryUnreadable: the database cannot be read now.
    """
    return _version(database, _OF_NUMBER, number)


def tagged_versions(database: Path, key: str) -> dict[int, str]:
    """Return the value of a tag by the number of each version that has it.

    Raises:
        RegistryUnreadable: the database cannot be read now.
    """
    with _unreadable(database), closing(_connect(database)) as registry:
        found = registry.execute(_TAGGED, (MODEL, key)).fetchall()
    return {int(number): str(value) for number, value in found}


def _version(database: Path, query: str, named: str | int) -> RegisteredVersion | None:
    with _unreadable(database), closing(_connect(database)) as registry:
        found = registry.execute(query, (MODEL, named)).fetchone()
        if found is None:
            return None
        number, location = found
        tags = registry.execute(_TAGS, (MODEL, number)).fetchall()
    return RegisteredVersion(int(number), str(location), dict(tags))


def _connect(database: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(database))}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)


@contextmanager
def _unreadable(database: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RegistryUnreadable(f"{database}: {error}") from error
