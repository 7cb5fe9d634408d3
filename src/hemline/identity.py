"""Which project a folder is: a random id, made once, that tells two clones apart.

Its file names the folder that it was made for. Elsewhere, it is a copy if that folder still has the
same id, and gets an id of its own; otherwise the project was moved and keeps its id. The price:
where an original moves after it was copied and before its copy is used, both keep the id.
"""

import errno
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from hemline.errors import BadInput
from hemline.files import lock, write_text

_LENGTH: Final = 12
_NOT_WRITABLE: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class _Identity:
    id: str
    root: str


def project_id(root: Path) -> str:
    """Return the id of the project in a folder, 12 hexadecimal digits; made where there is none.

    In a folder that cannot be written, what would need a new id has one that follows from its path.

    Raises:
        BadInput: the file of the id is damaged.
    """
    root = root.resolve()
    path = _path(root)
    stored = _read(path)
    if stored is not None and stored.root == str(root):
        return stored.id
    try:
        with _locked(path):
            identity = _identity(root, _read(path))  # another process may have been first
            write_text(path, json.dumps(asdict(identity)))
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        is_moved = stored is not None and not _is_copy(root, stored)
        return stored.id if stored is not None and is_moved else _id_of_path(root)
    return identity.id


def label(project: str) -> str:
    """Return the name of what the project with an id has on a Prefect server: tag and work pool."""
    return f"hemline-{project}"


def _identity(root: Path, stored: _Identity | None) -> _Identity:
    if stored is None or _is_copy(root, stored):
        return _Identity(secrets.token_hex(_LENGTH // 2), str(root))
    return _Identity(stored.id, str(root))


def _is_copy(root: Path, stored: _Identity) -> bool:
    """Return whether the folder that the id was made for is another one and still has it.

    What cannot be read there may have it.
    """
    here, there = _path(root), _path(Path(stored.root))
    try:
        if not there.exists() or here.parent.samefile(there.parent):
            return False
        other = _read(there)
    except (PermissionError, BadInput):
        return True
    return other is not None and other.id == stored.id


def _id_of_path(root: Path) -> str:
    return uuid5(NAMESPACE_URL, root.as_uri()).hex[:_LENGTH]


def _read(path: Path) -> _Identity | None:
    try:
        content = json.loads(path.read_bytes())
        return _Identity(str(content["id"]), str(content["root"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(
            f"{path} holds an id and a root as JSON",
            found=f"{type(error).__name__}: {error}",
            fix="delete it: the project gets a new id. Then run `hemline deploy` again",
        ) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as file:
        lock(file)
        yield


def _path(root: Path) -> Path:
    return root / ".hemline" / "identity.json"
