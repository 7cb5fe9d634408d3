"""The routes that list articles."""

import asyncio
import time
from dataclasses import replace
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.visitor_history import SessionState
from hemline.shop.api_schema import (
    ArticleList,
    CustomerQuery,
    GuestQuery,
    Id,
    ListQuery,
    VisitorList,
    rules_of,
)
from hemline.shop.event_log import CUSTOMER, GUEST
from hemline.shop.experiment_arms import CHAMPION_ARM, Arm
from hemline.shop.list_route import ListRoute
from hemline.shop.listed_bytes import json_answer, list_content
from hemline.shop.problem_answers import UnknownThing, responses
from hemline.shop.registered_versions import CHALLENGER
from hemline.shop.request_parts import (
    answers_in_force,
    article_key,
    article_keys,
    request_id_of,
    shop_of,
)
from hemline.shop.served_lists import list_for
from hemline.shop.service_shell import hashed
from hemline.shop.shadow import ShadowLog, list_of_other_version
from hemline.shop.shop_service import customer_key
from hemline.shop.visitor_state import Remembered

router: Final = APIRouter(route_class=ListRoute)

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
    shop = shop_of(request)
    in_force = answers_in_force(shop)
    visitor = CUSTOMER + customer_id
    request.state.visitor = visitor
    if customer_key(in_force, customer_id) is None and not shop.is_known(visitor):
        raise _unknown_customer(in_force)
    arm = await shop.meet(visitor)
    who: int | ColdCustomer | None = customer_key(arm.answers, customer_id)
    if who is None:
        who = ColdCustomer()  # signed up since the cut
    remembered = shop.remembered(visitor, arm.answers)
    return await _recommended(request, arm, (visitor, who), remembered, query)


@router.post(
    "/recommendations",
    response_model=None,
    responses={200: {"model": VisitorList}, **responses(400, 404, 413, 422, 503)},
)
async def recommend_to_guest(request: Request, query: Annotated[GuestQuery, Body()]) -> Response:
    """List articles for a visitor without an account, from what it says and did."""
    shop = shop_of(request)
    arm = Arm(answers_in_force(shop))
    remembered, visitor = Remembered(), ""
    if query.guest is not None:
        request.state.visitor = visitor = GUEST + query.guest
        arm = await shop.meet(visitor)
        remembered = shop.remembered(visitor, arm.answers)
    answers, state = arm.answers, remembered.state
    state = SessionState(
        *(
            (*getattr(state, name), *article_keys(answers, getattr(query, name)))
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
    remembered = replace(remembered, state=state)
    return await _recommended(request, arm, (visitor, guest), remembered, query)


@router.get(
    "/articles/{article_id}/similar",
    response_model=None,
    responses={200: {"model": ArticleList}, **responses(404, 422, 503)},
)
async def similar(
    request: Request, article_id: ArticleId, query: Annotated[ListQuery, Query()]
) -> Response:
    """List the articles whose descriptions are most similar."""
    answers = answers_in_force(shop_of(request))
    article = article_key(answers, article_id)
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
    answers = answers_in_force(shop_of(request))
    article = article_key(answers, article_id)
    rules = rules_of(query, _excluded(answers, query))
    return _listed(request, answers, answers.also_bought(article, rules), query)


@router.get(
    "/articles/{article_id}/other-colours",
    response_model=None,
    responses={200: {"model": ArticleList}, **responses(404, 422, 503)},
)
async def other_colours(
    request: Request, article_id: ArticleId, query: Annotated[ListQuery, Query()]
) -> Response:
    """List the other articles of an article's product, best-selling first."""
    answers = answers_in_force(shop_of(request))
    article = article_key(answers, article_id)
    rules = rules_of(query, _excluded(answers, query))
    return _listed(request, answers, answers.other_colours(article, rules), query)


async def _recommended(
    request: Request,
    arm: Arm,
    visitor: tuple[str, int | ColdCustomer],
    remembered: Remembered,
    query: CustomerQuery,
) -> Response:
    """Return the list of a visitor: its name, empty for an unnamed guest, and who it is."""
    shop, answers, (name, who) = shop_of(request), arm.answers, visitor
    state = remembered.state
    rules = rules_of(query, _excluded(answers, query))
    if name:
        answer = await list_for(shop, arm, name, who, remembered, rules)
    else:
        answer = shop.answer(answers, who, state, rules, arm)
    content = _content(request, answers, answer, query, arm.name)
    other = None
    if query.compare is not None:
        other = await _shadow(request, answers, who, state, rules, query)
    if other is not None:
        shadows = cast(ShadowLog, request.app.state.shadows)
        hashed_name = hashed(name, request.app.state.secret)
        await asyncio.to_thread(shadows.write, hashed_name, content, other)
    return json_answer({**content, "remembered": remembered.is_known, "challenger": other})


async def _shadow(
    request: Request,
    answers: Answers,
    who: int | ColdCustomer,
    state: SessionState,
    rules: ListRules,
    query: CustomerQuery,
) -> dict[str, Any] | None:
    """Return what the challenger lists for the same visitor, None where there is none."""
    other = await shop_of(request).watch.challenger()
    if other is None:
        return None
    begun = time.perf_counter()
    answer = list_of_other_version(answers, other, who, state, rules)
    return list_content(
        other,
        answer,
        arm=CHALLENGER,
        request_id=request_id_of(request),
        milliseconds=(time.perf_counter() - begun) * 1000,
        page=query.page,
        slot=query.slot,
    )


def _listed(request: Request, answers: Answers, answer: Answer, query: ListQuery) -> Response:
    return json_answer(_content(request, answers, answer, query))


def _content(
    request: Request,
    answers: Answers,
    answer: Answer,
    query: ListQuery,
    arm: str = CHAMPION_ARM,
) -> dict[str, Any]:
    return list_content(
        answers,
        answer,
        arm=arm,
        request_id=request_id_of(request),
        milliseconds=(time.perf_counter() - request.scope["hemline.begun"]) * 1000,
        page=query.page,
        slot=query.slot,
    )


def _excluded(answers: Answers, query: ListQuery) -> frozenset[int]:
    return frozenset(article_keys(answers, query.exclude))


def _unknown_customer(answers: Answers) -> UnknownThing:
    return UnknownThing(
        "a customer has an id that the model or the event log knows",
        found=f"an id that neither knows (version {answers.version}, up to {answers.cut})",
        fix="send the whole customer_id; for somebody new, ask with POST /recommendations",
    )
