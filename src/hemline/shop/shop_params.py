"""Section `shop` of params.yaml: how the online service runs. No stage depends on it.

An address of a server may hold a password, so the environment may name both stores instead:
HEMLINE_SHOP_EVENTS and HEMLINE_SHOP_SESSIONS.
"""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from hemline.params import Section


class ExplorationParams(Section):
    """Places of a visitor's list that are drawn (docs/experiments.md).

    Attributes:
        places: one or two, from 2: what stands first follows rules of its own; none: off.
        candidates: of a place: the next ones of the ranking that are not listed.
        temperature: in ranks: a candidate so many ranks lower is 1 / e times as likely.
        reward_days: a purchase counts for a place within so many days of the list.
    """

    section: ClassVar[str] = "shop.exploration"
    places: Annotated[tuple[Annotated[int, Field(ge=2, le=50)], ...], Field(max_length=2)] = ()
    candidates: Annotated[int, Field(ge=2, le=50)] = 10
    temperature: Annotated[float, Field(ge=0.1, le=1000)] = 3.0
    reward_days: Annotated[int, Field(ge=1, le=90)] = 3

    @field_validator("places")
    @classmethod
    def _each_once(cls, places: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(places)) != len(places):
            raise ValueError("a place is named once")
        return places


class ShopParams(Section):
    """Where events and sessions are, how long a session lasts, and what a caller may request."""

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
    exploration: ExplorationParams = ExplorationParams()

    @classmethod
    def with_environment(cls, path: Path) -> Self:
        """Return the section, with the stores that the environment names instead."""
        named = {
            "events": os.environ.get("HEMLINE_SHOP_EVENTS"),
            "sessions": os.environ.get("HEMLINE_SHOP_SESSIONS"),
        }
        return cls.load(path).model_copy(update={name: at for name, at in named.items() if at})
