"""What a visitor told the shop in this visit. It may be lost, and it expires.

What a visitor did is in the event log instead, which is durable: an unlike holds for good.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

import orjson


@dataclass(frozen=True)
class Session:
    """What a visitor told.

    Attributes:
        customer_id: who the visitor is; None: a guest.
        about: a guest's attributes: age, club_member_status, fashion_news_frequency, fn, active.
        liked: article ids that a guest chose as their taste.
        chosen: what the page remembers, such as the language.
    """

    customer_id: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    liked: tuple[str, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        """Return the session as JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def of(cls, stored: bytes) -> Self:
        """Return the session that `as_bytes` wrote."""
        content = orjson.loads(stored)
        return cls(**{**content, "liked": tuple(content["liked"])})


class Sessions(Protocol):
    """Where sessions are, shared by all workers. Every method may raise LogUnavailable."""

    def read(self, visitor: str) -> Session:
        """Return a visitor's session; an empty one where there is none, or where it has expired."""

    def write(self, visitor: str, session: Session) -> None:
        """Store a session, which expires so many seconds later as the store was opened with."""

    def forget(self, visitor: str) -> None:
        """Remove a visitor's session."""

    def close(self) -> None:
        """Let the store go."""
