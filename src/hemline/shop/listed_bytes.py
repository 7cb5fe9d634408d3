"""Lists as JSON, written directly from the answers: 0.1 ms less than by way of a model."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from hemline.serving.answers import Answers
from hemline.serving.listed import Answer, Listed
from hemline.serving.reasons import Reason, in_words


def json_answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """Return an answer whose body is JSON."""
    return Response(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY),
        status,
        media_type="application/json",
    )


def list_content(
    answers: Answers, answer: Answer, *, arm: str, request_id: str, milliseconds: float,
    page: str = "", slot: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return the content of api_schema.ArticleList."""
    return {
        "request_id": request_id,
        "version": answers.version,
        "arm": arm,
        "model": answer.model,
        "milliseconds": round(milliseconds, 3),
        "page": page,
        "slot": slot,
        "articles": [
            _article(answers, one, rank) for rank, one in enumerate(answer.listed, start=1)
        ],
    }


def _article(answers: Answers, listed: Listed, rank: int) -> dict[str, Any]:
    shown = answers.articles.describe(listed.article)
    return {
        "rank": rank,
        "article_id": shown.article_id,
        "product_code": shown.product_code,
        "name": shown.name,
        "product_type": shown.product_type,
        "product_group": shown.product_group,
        "colour": shown.colour,
        "price": shown.price,
        "currency": shown.currency or None,
        "source": listed.source,
        "reason": _reason(answers, listed.reason),
        "propensity": listed.propensity,
    }


def _reason(answers: Answers, reason: Reason) -> dict[str, Any]:
    if reason.article is None:
        return {"kind": reason.kind, "text": in_words(reason, "")}
    subject = answers.articles.describe(reason.article)
    found = {
        "kind": reason.kind,
        "text": in_words(reason, subject.name),
        "article_id": subject.article_id,
        "name": subject.name,
    }
    return found if reason.count is None else {**found, "count": reason.count}
