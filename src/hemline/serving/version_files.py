"""Which files a version of the model consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

from hemline import columns
from hemline.data.identifiers import find_customer

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


def find_customer_key(customer_keys: Path, customer_id: str) -> int:
    """Return the key of a customer, by the id or its start; raises BadInput as find_customer."""
    import pyarrow.compute as pc  # noqa: PLC0415  (`hemline recommend` should not wait for it)
    import pyarrow.parquet as pq  # noqa: PLC0415  (as above)

    ids = pc.field(columns.CUSTOMER_ID)

    def matching(is_match: pc.Expression) -> list[int]:
        found = pq.read_table(customer_keys, filters=is_match, columns=[columns.CUSTOMER])
        keys: list[int] = found[0].to_pylist()
        return keys

    def key_of(whole: str) -> int | None:
        return next(iter(matching(ids == whole)), None)

    def keys_starting_with(start: str) -> list[int]:
        return matching(pc.starts_with(ids, start))

    lengths = pc.binary_length(pq.read_table(customer_keys, columns=[columns.CUSTOMER_ID])[0])
    longest = int(pc.max(lengths).as_py() or 0)
    return find_customer(customer_id, key_of, keys_starting_with, longest)
