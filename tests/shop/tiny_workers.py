"""A worker of a tiny shop inside the test's process, and the moment that its clock shows first."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from starlette.testclient import TestClient

from hemline.clock import VARIABLE, set_clock
from hemline.shop.app import ShopSettings, create_app

NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


def begin_clock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the clock of all that runs stand at NOW, and return its file."""
    path = folder / "clock"
    set_clock(path, NOW)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


@contextmanager
def worker(root: Path) -> Iterator[TestClient]:
    """Run a worker on a project, and yield its client."""
    app = create_app(ShopSettings(root))
    with TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client
