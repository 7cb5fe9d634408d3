"""Evidently's pages as an ASGI application, for a caller that decides who may ask it."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def evidently_app(workspace: Path) -> "ASGIApp":
    """Return the pages of a workspace."""
    from evidently.ui.service.app import create_app, get_config  # noqa: PLC0415  (slow)

    return cast("ASGIApp", create_app(get_config(workspace=str(workspace))))
