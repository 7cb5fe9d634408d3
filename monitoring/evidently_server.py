"""Evidently's pages as an ASGI application, for a caller that decides who may send it requests."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

from monitoring.evidently_workspace import path_for_evidently

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def evidently_app(workspace: Path) -> "ASGIApp":
    """Return the pages of a workspace, made where it is missing."""
    from evidently.ui.service.app import create_app, get_config  # noqa: PLC0415  (slow)

    workspace.mkdir(parents=True, exist_ok=True)
    place = _OPENED.enter_context(path_for_evidently(workspace))
    return cast("ASGIApp", create_app(get_config(workspace=str(place))))


_OPENED = ExitStack()
"""Folders that are open for as long as the process serves them."""
