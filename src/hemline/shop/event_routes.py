"""The route that takes what visitors did."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Request
from pydantic import Field
from starlette.responses import Response

from hemline.clock import now
from hemline.errors import BadInput
from hemline.serving.answers import Answers
from hemline.shop.api_schema import MOST_EVENTS, RecordedEvents, SentEvent
from hemline.shop.event_log import CUSTOMER, GUEST, ShopEvent
from hemline.shop.listed_bytes import json_answer
from hemline.shop.problem_answers import responses
from hemline.shop.request_parts import answers_in_force, article_key, shop_of

router: Final = APIRouter()


@router.post(
    "/events",
    response_model=None,
    status_code=201,
    responses={201: {"model": RecordedEvents}, **responses(400, 404, 409, 413, 422, 503)},
)
async def record(
    request: Request,
    sent: Annotated[
        SentEvent | Annotated[list[SentEvent], Field(min_length=1, max_length=MOST_EVENTS)],
        Body(),
    ],
) -> Response:
    """Record what visitors did, one event or several: all of them, or none.

    They are durable when the answer comes, and the next list counts them. Sent again with the same
    keys, they are recorded once.
    """
    shop = shop_of(request)
    answers = answers_in_force(shop)
    events = [_event(answers, one) for one in ([sent] if isinstance(sent, SentEvent) else sent)]
    request.state.visitor = events[0].visitor
    sequences = await shop.append(events)
    recorded = [
        {"key": event.key, "sequence": sequence}
        for event, sequence in zip(events, sequences, strict=True)
    ]
    return json_answer({"events": recorded}, 201)


def _event(answers: Answers, sent: SentEvent) -> ShopEvent:
    if sent.customer_id is None and sent.guest is None:
        raise BadInput(
            "an event names a visitor: customer_id, guest, or both",
            found=f"neither, in the event {sent.key}",
            fix="add the customer's id, or an id of your own for the guest",
        )
    article = answers.articles.describe(article_key(answers, sent.article_id))
    guest = None if sent.guest is None else GUEST + sent.guest
    is_guest = sent.customer_id is None
    return ShopEvent(
        sent.kind,
        GUEST + str(sent.guest) if is_guest else CUSTOMER + str(sent.customer_id),
        sent.article_id,
        sent.key,
        now(),
        sent.units,
        article.price if sent.price is None else sent.price,
        None if is_guest else guest,
        {name: str(value) for name, value in sent.context if value not in {"", None}},
    )
