"""Section `shop` of params.yaml: how the online service runs. No stage depends on it.

An address of a server may hold a password, so the environment may name both stores instead:
HEMLINE_SHOP_EVENTS and HEMLINE_SHOP_SESSIONS.
"""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from hemline.params import Section


class ShopParams(Section):
    """Where events and sessions are, how long a session lasts, and what a caller may ask."""

    section: ClassVar[str] = "shop"
    events: str = "sqlite:.hemline/shop/events.db"
    sessions: str = "sqlite:.hemline/shop/sessions.db"
    session_hours: PositiveInt = 24
    first_day: date | None = None
    stock: Path | None = None
    pictures: Path | None = None
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    poll_seconds: PositiveFloat = 2.0
    max_request_kb: PositiveInt = 64
    requests_per_minute: NonNegativeInt = 600
    hosts: tuple[str, ...] = ()

    @classmethod
    def with_environment(cls, path: Path) -> Self:
        """Return the section, with the stores that the environment names instead."""
        named = {
            "events": os.environ.get("HEMLINE_SHOP_EVENTS"),
            "sessions": os.environ.get("HEMLINE_SHOP_SESSIONS"),
        }
        return cls.load(path).model_copy(update={name: at for name, at in named.items() if at})
