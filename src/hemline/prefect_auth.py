"""The authentication string that a project's Prefect server shares with the project's own runs.

Prefect's clients send it with every request, so it must never reach another server: a server proves
first that it knows it too (`proof`), and a user who names another server gives that server's string
as PREFECT_API_AUTH_STRING. It begins with the id of the project, so a copy makes one of its own. It
travels in the environment only, never in arguments, which every user of the machine can read.
"""

import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from hemline.files import locked, replaced_file
from hemline.identity import project_id

FOLDER: Final = Path(".hemline") / "prefect-auth"
API_URL: Final = "PREFECT_API_URL"
CLIENT: Final = "PREFECT_API_AUTH_STRING"
SERVER: Final = "PREFECT_SERVER_API_AUTH_STRING"


def auth_string(root: Path) -> str:
    """Return the string of the project in a folder; made where there is none, for its owner only.

    It lies in `.hemline/prefect-auth/password`, with mode 0600.
    """
    path = auth_file(root)
    with locked(path.parent):
        owner = f"{project_id(root)}:"
        if not (path.exists() and path.read_text(encoding="utf-8").startswith(owner)):
            with replaced_file(path) as unfinished:
                unfinished.chmod(0o600)
                unfinished.write_text(f"{owner}{secrets.token_urlsafe(32)}\n", encoding="utf-8")
        path.chmod(0o600)
        return path.read_text(encoding="utf-8").strip()


def auth_file(root: Path) -> Path:
    """Return the path of the file that holds the string."""
    return root / FOLDER / "password"


def variables(root: Path) -> dict[str, str]:
    """Return the variables by which the project's own server and its clients know the string."""
    chosen = os.environ.get(SERVER) or auth_string(root)
    return {SERVER: chosen, CLIENT: chosen}


def apply(root: Path) -> bool:
    """Set the variables, unless PREFECT_API_URL names a server; return whether that changed any."""
    if API_URL in os.environ:
        return False
    missing = {name: text for name, text in variables(root).items() if name not in os.environ}
    os.environ.update(missing)
    return bool(missing)


def proof(auth: str, project: str, challenge: str) -> str:
    """Return what only a server that knows the string can answer to a challenge.

    Args:
        auth: the string.
        project: id of the project whose server it is.
        challenge: a text that was never sent before.
    """
    return hmac.new(auth.encode(), f"{project}:{challenge}".encode(), "sha256").hexdigest()
