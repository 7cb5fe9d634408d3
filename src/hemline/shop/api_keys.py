"""Keys by which other machines may use the shop: random, stored as hashes, each with a name.

A key has 256 random bits, so a plain hash cannot be turned back, and the file need not be secret.
It has mode 0600 all the same.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hemline.errors import BadInput
from hemline.files import locked, replaced_file

FILE: Final = Path(".hemline") / "shop" / "keys" / "keys.json"
SECRET: Final = Path(".hemline") / "shop" / "keys" / "secret"
_START: Final = "hemline_"


@dataclass(frozen=True)
class ApiKey:
    """A key that was given out: its name, its hash, and the day."""

    name: str
    hash: str
    created: str


def create_key(root: Path, name: str) -> str:
    """Return a new key, which is shown this once; raises BadInput where the name is taken."""
    path = root / FILE
    with locked(path.parent):
        keys = _stored(path)
        if any(key.name == name for key in keys):
            raise BadInput(
                "a key has a name of its own",
                found=f"{name} is taken",
                fix=f"choose another, or remove it first: hemline shop-key remove {name}",
            )
        key = _START + secrets.token_urlsafe(32)
        day = datetime.now(UTC).date().isoformat()
        _store(path, [*keys, ApiKey(name, _hash(key), day)])
    return key


def remove_key(root: Path, name: str) -> None:
    """Make a key invalid; raises BadInput where no key has the name."""
    path = root / FILE
    with locked(path.parent):
        keys = _stored(path)
        if all(key.name != name for key in keys):
            raise BadInput(
                "a key that is removed exists",
                found=f"none is named {name}",
                fix="list them: hemline shop-key list",
            )
        _store(path, [key for key in keys if key.name != name])


def stored_keys(root: Path) -> list[ApiKey]:
    """Return the keys that are valid."""
    return _stored(root / FILE)


def find_key(keys: list[ApiKey], sent: str) -> ApiKey | None:
    """Return the key that a caller sent, or None."""
    hashed = _hash(sent)
    matches = [key for key in keys if hmac.compare_digest(key.hash, hashed)]
    return matches[0] if matches else None


def secret_of(root: Path) -> bytes:
    """Return the secret that cookies and hashes of ids are made with; made where there is none."""
    path = root / SECRET
    with locked(path.parent):
        if not path.exists():
            with replaced_file(path) as unfinished:
                unfinished.chmod(0o600)
                unfinished.write_text(secrets.token_hex(32), encoding="ascii")
        path.chmod(0o600)
        return bytes.fromhex(path.read_text(encoding="ascii"))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _stored(path: Path) -> list[ApiKey]:
    if not path.exists():
        return []
    try:
        return [ApiKey(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"{path} holds the shop's keys as `hemline shop-key` writes them",
            found=str(error),
            fix="restore it from a backup, or remove it and create every key again",
        ) from error


def _store(path: Path, keys: list[ApiKey]) -> None:
    with replaced_file(path) as unfinished:
        unfinished.chmod(0o600)
        content = json.dumps([asdict(key) for key in keys], indent=1)
        unfinished.write_text(content, encoding="utf-8")
