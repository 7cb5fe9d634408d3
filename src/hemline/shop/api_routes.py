"""The API: lists, events, and how the service is."""

import asyncio
import time
from collections.abc import Sequence
from importlib.metadata import version as installed
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import Field
from starlette.responses import PlainTextResponse, Response

from hemline.errors import BadInput
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answer, Answers, ListRules, SessionState
from hemline.shop.api_schema import (
    MOST_EVENTS,
    ArticleList,
    CustomerQuery,
    GuestQuery,
    Health,
    Id,
    InForce,
    ListQuery,
    RecordedEvents,
    SentEvent,
    VisitorList,
    rules_of,
)
from hemline.shop.event_log import CUSTOMER, GUEST, ShopEvent, now
from hemline.shop.listed_bytes import json_answer, list_content
from hemline.shop.problem_answers import Unanswerable, UnknownThing, responses
from hemline.shop.registered_versions import CHALLENGER
from hemline.shop.service_shell import hashed
from hemline.shop.shadow import ShadowLog, list_of_other_version
from hemline.shop.shop_metrics import CONTENT_TYPE
from hemline.shop.shop_service import ARM, ShopService, customer_key

router: Final = APIRouter()

_HEMLINE: Final = installed("hemline")
CustomerId = Annotated[Id, Path(description="customer_id, in full.")]
ArticleId = Annotated[Id, Path(description="article_id.")]


@router.get(
    "/recommendations/{customer_id}",
    response_model=None,
    responses={200: {"model": VisitorList}, **responses(404, 422, 503)},
)
async def recommend(
    request: Request, customer_id: CustomerId, query: Annotated[CustomerQuery, Query()]
) -> Response:
    """List articles for a customer, in which everything counts that the customer did until now."""
    shop = _shop(request)
    answers = _in_force(shop)
    visitor = CUSTOMER + customer_id
    request.state.visitor = visitor
    who: int | ColdCustomer | None = customer_key(answers, customer_id)
    if who is None:
        if not shop.is_known(visitor):
            raise _unknown_customer(answers)
        who = ColdCustomer()  # signed up since the cut
    state, is_known = shop.state(visitor, answers)
    return await _recommended(request, answers, who, state, query, is_known=is_known)


@router.post(
    "/recommendations",
    response_model=None,
    responses={200: {"model": VisitorList}, **responses(400, 404, 413, 422, 503)},
)
async def recommend_to_guest(request: Request, query: Annotated[GuestQuery, Body()]) -> Response:
    """List articles for a visitor without an account, from what it says and did."""
    shop = _shop(request)
    answers = _in_force(shop)
    state, is_known = SessionState(), True
    if query.guest is not None:
        request.state.visitor = GUEST + query.guest
        state, is_known = shop.state(GUEST + query.guest, answers)
    state = SessionState(
        *(
            (*getattr(state, name), *_keys(answers, getattr(query, name)))
            for name in ("bought", "basket", "viewed", "unliked")
        )
    )
    guest = ColdCustomer(
        query.age,
        query.club_member_status,
        query.fashion_news_frequency,
        query.fn,
        query.active,
    )
    return await _recommended(request, answers, guest, state, query, is_known=is_known)


@router.get(
    "/articles/{article_id}/similar",
    response_model=None,
    responses={200: {"model": ArticleList}, **responses(404, 422, 503)},
)
async def similar(
    request: Request, article_id: ArticleId, query: Annotated[ListQuery, Query()]
) -> Response:
    """List the articles whose descriptions are most similar."""
    answers = _in_force(_shop(request))
    article = _article(answers, article_id)
    rules = rules_of(query, _excluded(answers, query))
    return _listed(request, answers, answers.similar(article, rules), query)


@router.get(
    "/articles/{article_id}/also-bought",
    response_model=None,
    responses={200: {"model": ArticleList}, **responses(404, 422, 503)},
)
async def also_bought(
    request: Request, article_id: ArticleId, query: Annotated[ListQuery, Query()]
) -> Response:
    """List what the buyers of an article bought, with how many of them did."""
    answers = _in_force(_shop(request))
    article = _article(answers, article_id)
    rules = rules_of(query, _excluded(answers, query))
    return _listed(request, answers, answers.also_bought(article, rules), query)


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
    shop = _shop(request)
    answers = _in_force(shop)
    events = [_event(answers, one) for one in ([sent] if isinstance(sent, SentEvent) else sent)]
    request.state.visitor = events[0].visitor
    sequences = await shop.append(events)
    recorded = [
        {"key": event.key, "sequence": sequence}
        for event, sequence in zip(events, sequences, strict=True)
    ]
    return json_answer({"events": recorded}, 201)


@router.get("/ping", response_class=PlainTextResponse)
async def ping() -> PlainTextResponse:
    """Answer as soon as the process does."""
    return PlainTextResponse("pong\n")


@router.get("/version", response_model=None, responses={200: {"model": InForce}, **responses(503)})
async def version(request: Request) -> Response:
    """Return which version answers."""
    answers = _in_force(_shop(request))
    return json_answer(
        {"version": answers.version, "cut": answers.cut, "arm": ARM, "hemline": _HEMLINE}
    )


@router.get("/health", response_model=None, responses={200: {"model": Health}})
async def health(request: Request) -> Response:
    """Return what works and what does not; status 200 as long as the process answers."""
    return json_answer(_health(_shop(request)))


@router.get(
    "/ready",
    response_model=None,
    responses={200: {"model": Health}, 503: {"model": Health}},
)
async def ready(request: Request) -> Response:
    """Return status 200 where lists can be answered, else 503."""
    shop = _shop(request)
    return json_answer(_health(shop), 200 if shop.watch.is_ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return the metrics of all workers, for Prometheus."""
    text = await asyncio.to_thread(_shop(request).metrics.as_text)
    return Response(text, media_type=CONTENT_TYPE)


async def _recommended(
    request: Request,
    answers: Answers,
    who: int | ColdCustomer,
    state: SessionState,
    query: CustomerQuery,
    *,
    is_known: bool,
) -> Response:
    shop = _shop(request)
    rules = rules_of(query, _excluded(answers, query))
    answer = shop.answer(answers, who, state, rules)
    content = _content(request, answers, answer, query)
    other = None
    if query.compare is not None:
        other = await _shadow(request, answers, who, state, rules, query)
    if other is not None:
        shadows = cast(ShadowLog, request.app.state.shadows)
        visitor = hashed(getattr(request.state, "visitor", ""), request.app.state.secret)
        await asyncio.to_thread(shadows.write, visitor, content, other)
    return json_answer({**content, "remembered": is_known, "challenger": other})


async def _shadow(
    request: Request,
    answers: Answers,
    who: int | ColdCustomer,
    state: SessionState,
    rules: ListRules,
    query: CustomerQuery,
) -> dict[str, Any] | None:
    """Return what the challenger lists for the same visitor, None where there is none."""
    other = await _shop(request).watch.challenger()
    if other is None:
        return None
    begun = time.perf_counter()
    answer = list_of_other_version(answers, other, who, state, rules)
    return list_content(
        other,
        answer,
        arm=CHALLENGER,
        request_id=_request_id(request),
        milliseconds=(time.perf_counter() - begun) * 1000,
        page=query.page,
        slot=query.slot,
    )


def _listed(request: Request, answers: Answers, answer: Answer, query: ListQuery) -> Response:
    return json_answer(_content(request, answers, answer, query))


def _content(
    request: Request, answers: Answers, answer: Answer, query: ListQuery
) -> dict[str, Any]:
    return list_content(
        answers,
        answer,
        arm=ARM,
        request_id=_request_id(request),
        milliseconds=(time.perf_counter() - request.scope["hemline.begun"]) * 1000,
        page=query.page,
        slot=query.slot,
    )


def _event(answers: Answers, sent: SentEvent) -> ShopEvent:
    if sent.customer_id is None and sent.guest is None:
        raise BadInput(
            "an event names a visitor: customer_id, guest, or both",
            found=f"neither, in the event {sent.key}",
            fix="add the customer's id, or an id of your own for the guest",
        )
    _article(answers, sent.article_id)
    guest = None if sent.guest is None else GUEST + sent.guest
    is_guest = sent.customer_id is None
    return ShopEvent(
        sent.kind,
        GUEST + str(sent.guest) if is_guest else CUSTOMER + str(sent.customer_id),
        sent.article_id,
        sent.key,
        now(),
        sent.units,
        sent.price,
        None if is_guest else guest,
        {name: str(value) for name, value in sent.context if value not in {"", None}},
    )


def _excluded(answers: Answers, query: ListQuery) -> frozenset[int]:
    return frozenset(_keys(answers, query.exclude))


def _keys(answers: Answers, article_ids: Sequence[str]) -> tuple[int, ...]:
    return tuple(_article(answers, one) for one in article_ids)


def _article(answers: Answers, article_id: str) -> int:
    try:
        return answers.find_article(article_id)
    except BadInput as error:
        raise UnknownThing(error.rule, found=error.found, fix=error.fix) from None


def _unknown_customer(answers: Answers) -> UnknownThing:
    return UnknownThing(
        "a customer has an id that the model or the event log knows",
        found=f"an id that neither knows (version {answers.version}, up to {answers.cut})",
        fix="send the whole customer_id; for somebody new, ask with POST /recommendations",
    )


def _in_force(shop: ShopService) -> Answers:
    try:
        return shop.watch.answers
    except BadInput as error:
        raise Unanswerable(error.rule, found=error.found, fix=error.fix) from None


def _health(shop: ShopService) -> dict[str, Any]:
    watch = shop.watch
    problems = (watch.problem, shop.store_problem)
    status = "ok" if problems == (None, None) else "degraded"
    return {
        "status": status if watch.is_ready else "starting",
        "version": watch.answers.version if watch.is_ready else None,
        "registry": watch.problem,
        "stores": shop.store_problem,
    }


def _request_id(request: Request) -> str:
    return cast(str, request.scope["hemline.request_id"])


def _shop(request: Request) -> ShopService:
    return cast(ShopService, request.app.state.shop)
