"""What routes take from a request: the shop, the answers in force, and the keys of articles."""

from collections.abc import Sequence
from typing import cast

from fastapi import Request

from hemline.errors import BadInput
from hemline.serving.answers import Answers
from hemline.shop.problem_answers import Unanswerable, UnknownThing
from hemline.shop.shop_service import ShopService


def shop_of(request: Request) -> ShopService:
    """Return the shop of the application."""
    return cast(ShopService, request.app.state.shop)


def request_id_of(request: Request) -> str:
    """Return the id that the answer carries."""
    return cast(str, request.scope["hemline.request_id"])


def answers_in_force(shop: ShopService) -> Answers:
    """Return the answers for one request; raises Unanswerable where no version is in force."""
    try:
        return shop.watch.answers
    except BadInput as error:
        raise Unanswerable(error.rule, found=error.found, fix=error.fix) from None


def article_key(answers: Answers, article_id: str) -> int:
    """Return the key of an article; raises UnknownThing."""
    try:
        return answers.find_article(article_id)
    except BadInput as error:
        raise UnknownThing(error.rule, found=error.found, fix=error.fix) from None


def article_keys(answers: Answers, article_ids: Sequence[str]) -> tuple[int, ...]:
    """Return the keys of articles; raises UnknownThing."""
    return tuple(article_key(answers, one) for one in article_ids)
