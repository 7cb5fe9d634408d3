"""Which files a version of the model consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

FORMAT_VERSION: Final = "2"
"""Of a version's files. Raise it when this code can no longer read earlier files."""


@dataclass(frozen=True)
class VersionFiles:
    """The files one version of the model consists of."""

    models: Path
    articles: Path
    customer_keys: Path
    segments: Path
    histories: Path
    params: Path

    @classmethod
    def of(cls, paths: Mapping[str, str | Path]) -> Self:
        """Return the files from paths by name."""
        return cls(**{field.name: Path(paths[field.name]) for field in fields(cls)})

    def by_place(self) -> dict[str, Path]:
        """Return every single file by its place in the version (integrity.FileHashes)."""
        files = {place_of(name, path): path for name, path in vars(self).items()}
        models = files.pop("models")
        return files | {
            f"models/{path.relative_to(models).as_posix()}": path
            for path in sorted(models.rglob("*"))
            if path.is_file()
        }


def place_of(name: str, path: Path) -> str:
    """Return the place in a version of one of the fields of VersionFiles."""
    return f"{name}{path.suffix}"
