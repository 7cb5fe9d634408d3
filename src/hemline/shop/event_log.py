"""What visitors of the shop did: durable before it is acknowledged, in one order, each thing once.

A log is shared by all workers. Its order is that of the commits, so who reads `since` a number
never misses an event that was committed later with a lower one.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol, get_args

from hemline.errors import BadInput
from hemline.experiments.assignment import EXPOSURE
from hemline.experiments.exploration_slots import EXPLORATION
from hemline.experiments.interleaving import INTERLEAVING
from hemline.experiments.thompson import SHARES

SentKind = Literal["impression", "view", "basket", "purchase", "return", "unlike", "undo"]
"""What others may record; `undo` takes back the latest unlike or basket of the article."""

Kind = Literal[SentKind, "exposure", "exploration", "interleaving", "shares"]
"""What the shop records besides.

`exposure`: the visitor is in an arm of an experiment from now on; it names no article.
`exploration`: the article was drawn for a place of the visitor's list, see list_exploration.
`interleaving`: a list was drafted from two versions, see interleaved_lists; it names no article.
`shares`: how a bandit shares out a day's traffic; its visitor is the experiment.
"""

KINDS: Final[tuple[Kind, ...]] = (*get_args(SentKind), EXPOSURE, EXPLORATION, INTERLEAVING, SHARES)
OF_THE_SHOP: Final[frozenset[Kind]] = frozenset(
    {"impression", EXPOSURE, EXPLORATION, INTERLEAVING, SHARES}
)
"""What the shop did, not the visitor: it changes no list."""

GUEST: Final = "guest:"
CUSTOMER: Final = "customer:"
"""How a visitor's name begins, before the id."""


class LogUnavailable(RuntimeError):  # noqa: N818  (named for what happened)
    """The log cannot be read or written now: the disk is full, or its server is away."""


class KeyReused(BadInput):
    """An idempotency key came back with another event."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "an idempotency key names one event",
            found=f"{key} again, with another event",
            fix="give every event a key of its own, and send the same event when you repeat it",
        )


@dataclass(frozen=True)
class ShopEvent:
    """One thing that happened.

    Attributes:
        kind: what it was.
        visitor: GUEST or CUSTOMER, and the id.
        article_id: the article.
        key: idempotency key; an event with a key that the log has is the same event again.
        at: when, in UTC.
        units: how many, of a basket, purchase or return.
        price: paid per unit, in the unit of the transactions.
        guest: the guest that this customer was until now, whose events become the customer's.
        context: page, slot, position and the id of the request that showed the article.
    """

    kind: Kind
    visitor: str
    article_id: str
    key: str
    at: datetime
    units: int = 1
    price: float | None = None
    guest: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    def is_again(self, other: "ShopEvent") -> bool:
        """Return whether another event with the same key is this one, sent again."""
        return (self.kind, self.visitor, self.article_id) == (
            other.kind,
            other.visitor,
            other.article_id,
        )


@dataclass(frozen=True)
class Recorded:
    """An event with its place in the log, from 1."""

    sequence: int
    event: ShopEvent


class EventLog(Protocol):
    """Where events are. Every method may raise LogUnavailable."""

    def append(self, events: Sequence[ShopEvent]) -> "Future[list[int]]":
        """Return the sequence of each event once all are durable.

        An event whose key the log has keeps the sequence that it has. The future raises KeyReused
        where it is another event; then none of these events is recorded.
        """

    def link(self, guest: str, customer: str) -> "Future[list[int]]":
        """Make a guest's events, earlier and later ones, the customer's; the first link holds."""

    def of(self, visitor: str) -> list[Recorded]:
        """Return what a visitor and linked guests did, without impressions, oldest first."""

    def since(self, sequence: int, limit: int) -> list[Recorded]:
        """Return up to `limit` events after a sequence, in order; linked guests as customers."""

    def forget(self, visitor: str) -> int:
        """Remove all events of a visitor and of linked guests; return how many there were."""

    @property
    def identity(self) -> str:
        """A text that no other log has."""

    @property
    def opened(self) -> datetime:
        """When the log was made, in UTC."""

    def close(self) -> None:
        """Finish what was given to `append`, and end."""
