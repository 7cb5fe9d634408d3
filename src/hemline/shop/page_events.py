"""What the pages record by themselves: what was shown, and which article was opened."""

from collections.abc import Sequence
from typing import cast

from starlette.background import BackgroundTask
from starlette.requests import Request

from hemline.clock import now
from hemline.shop.event_log import Kind, LogUnavailable, ShopEvent
from hemline.shop.page_cards import Card
from hemline.shop.shop_service import ShopService
from hemline.shop.visits import Visit, visits_of


async def record_quietly(
    request: Request, visit: Visit, kind: Kind, article_id: str, context: dict[str, str]
) -> None:
    """Record what changes no page: where it cannot be, the metrics and the log show it."""
    try:
        await visits_of(request).record(visit, kind, article_id, context=context)
    except LogUnavailable:
        return


def impressions(request: Request, visit: Visit, cards: Sequence[Card]) -> BackgroundTask:
    """Return what records, after the page was sent, which articles were shown where."""
    events = [
        ShopEvent(
            "impression",
            visit.visitor,
            card.article.article_id,
            f"{visit.request_id}:{card.place}",
            now(),
            context={"page": "home", "slot": card.place, "request_id": visit.request_id},
        )
        for card in cards
    ]
    return BackgroundTask(_append_quietly, cast(ShopService, request.app.state.shop), events)


async def _append_quietly(shop: ShopService, events: Sequence[ShopEvent]) -> None:
    try:
        await shop.append(events)
    except LogUnavailable:  # counted and logged there; the visitor has the page
        return
