"""What a visitor's events mean for the next list.

Unlikes hold until they are undone, however long ago; those of before the version's cut are in its
histories too, also where they have been undone since. Purchases count from the version's cut on:
earlier ones are in its histories. Views and the basket count for `shop.session_hours`.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from hemline.errors import BadInput
from hemline.experiments.exploration_slots import EXPLORATION
from hemline.experiments.interleaving import INTERLEAVING
from hemline.serving.answers import Answers
from hemline.serving.visitor_history import SessionState
from hemline.shop.event_log import OF_THE_SHOP, Recorded, ShopEvent

_VIEWS: Final = 50  # the latest that count


@dataclass(frozen=True)
class Remembered:
    """What the log knows of a visitor.

    Attributes:
        state: what the visitor did, for the next list.
        drawn: what the shop recorded of the visitor's lists: explored places and drafts.
        is_known: False where the log is away; the others are empty then.
    """

    state: SessionState = field(default_factory=SessionState)
    drawn: tuple[ShopEvent, ...] = ()
    is_known: bool = True


def state_of(
    events: Iterable[Recorded],
    answers: Answers,
    *,
    since: datetime,
    day_of: Callable[[datetime], date],
) -> SessionState:
    """Return the state of a visitor, in the article keys of a version.

    Args:
        events: of the visitor, oldest first.
        answers: of the version; events of articles that it does not know are left out.
        since: when views and baskets begin to count.
        day_of: the shop's clock.
    """
    bought: Counter[int] = Counter()
    basket: dict[int, None] = {}
    viewed: dict[int, None] = {}
    unliked: dict[int, None] = {}
    undone: set[int] = set()
    for recorded in events:
        event = recorded.event
        article = _key_of(event, answers)
        if article is None:
            continue
        if event.kind == "purchase":
            basket.pop(article, None)
            if day_of(event.at) >= answers.cut:
                bought[article] += event.units
        elif event.kind == "return":
            bought[article] -= event.units
        elif event.kind == "unlike":
            unliked[article] = None
            undone.discard(article)
        elif event.kind == "undo" and article in basket and article not in unliked:
            del basket[article]
        elif event.kind == "undo":
            unliked.pop(article, None)
            undone.add(article)
        elif event.at >= since:
            (basket if event.kind == "basket" else viewed)[article] = None
    return SessionState(
        bought=tuple(article for article, units in bought.items() if units > 0),
        basket=tuple(basket),
        viewed=tuple(viewed)[-_VIEWS:],
        unliked=tuple(unliked),
        undone=tuple(sorted(undone)),
    )


def of_lists(events: Iterable[Recorded]) -> tuple[ShopEvent, ...]:
    """Return what the shop recorded of the visitor's lists."""
    return tuple(each.event for each in events if each.event.kind in {EXPLORATION, INTERLEAVING})


def _key_of(event: ShopEvent, answers: Answers) -> int | None:
    if event.kind in OF_THE_SHOP:
        return None
    try:
        return answers.find_article(event.article_id)
    except BadInput:
        return None
