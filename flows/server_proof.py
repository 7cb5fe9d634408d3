"""How a run knows the Prefect server of its own project from any other on the same port.

Another project of this machine, or another person's program, may use the port. The server has to
prove that it knows the project's authentication string, and the string itself is not sent.
"""

import hmac
import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hemline.identity import project_id
from hemline.prefect_auth import auth_string, proof

_PATH: Final = "/hemline/proof"
_CHALLENGE: Final = "challenge"
_SECONDS: Final = 10


class ProvingServer:
    """An ASGI application that proves whose server it is and leaves the rest to another one."""

    def __init__(self, app: ASGIApp, root: Path, auth: str) -> None:
        self._app, self._auth = app, auth
        self._project = project_id(root)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the question for the proof."""
        if scope["type"] != "http" or scope["path"] != _PATH:
            await self._app(scope, receive, send)
            return
        challenge = Request(scope).query_params.get(_CHALLENGE, "")
        answer = {"proof": proof(self._auth, self._project, challenge)}
        await JSONResponse(answer)(scope, receive, send)


def belongs_to(root: Path, server: str) -> bool:
    """Return whether a Prefect server is the one of the project in a folder.

    Args:
        root: folder of the project.
        server: address of the server, without /api.
    """
    challenge = secrets.token_hex(16)
    try:
        address = f"{server}{_PATH}?{_CHALLENGE}={challenge}"
        with urllib.request.urlopen(address, timeout=_SECONDS) as reply:  # noqa: S310  (loopback)
            answer = json.load(reply)["proof"]
    except (OSError, ValueError, LookupError, TypeError):  # no proof, whatever answers there
        return False
    expected = proof(auth_string(root), project_id(root), challenge)
    return hmac.compare_digest(str(answer).encode(), expected.encode())
