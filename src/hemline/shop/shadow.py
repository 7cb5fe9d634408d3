"""What the challenger would have listed, beside what the champion listed: one JSON line each.

Written to `.hemline/shop/shadow/<day>.jsonl`, visitors by their hash. A line is written in one
piece, so several workers may append to one file.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from hemline.clock import now
from hemline.errors import BadInput
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.listed import Answer
from hemline.serving.visitor_history import SessionState


class ShadowLog:
    """Appends to the file of the day."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, visitor: str, champion: dict[str, Any], challenger: dict[str, Any]) -> None:
        """Record two lists for one visitor.

        Args:
            visitor: hash of the visitor's name.
            champion: content of the list that was served.
            challenger: content of the list that was not.
        """
        lists = [[one["article_id"] for one in each["articles"]] for each in (champion, challenger)]
        at = now()
        line = {
            "at": at,
            "request_id": champion["request_id"],
            "visitor": visitor,
            "champion": {"version": champion["version"], "articles": lists[0]},
            "challenger": {"version": challenger["version"], "articles": lists[1]},
            "in_common": len({*lists[0]} & {*lists[1]}),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{at.date().isoformat()}.jsonl"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, orjson.dumps(line) + b"\n")
        finally:
            os.close(file)


def list_of_other_version(
    answers: Answers,
    other: Answers,
    visitor: int | ColdCustomer,
    state: SessionState,
    rules: ListRules,
) -> Answer:
    """Return another version's list for a visitor; keys are those of the version in force."""
    return answer_by(other, *as_other_knows(answers, other, visitor, state, rules))


def as_other_knows(
    answers: Answers,
    other: Answers,
    visitor: int | ColdCustomer,
    state: SessionState,
    rules: ListRules,
) -> tuple[int | ColdCustomer, SessionState, ListRules]:
    """Return a visitor, what it did, and rules of its list in the keys of another version."""

    def keys(articles: Iterable[int]) -> tuple[int, ...]:
        found = (_key(other, answers.articles.id_of(one)) for one in articles)
        return tuple(key for key in found if key is not None)

    state = SessionState(**{name: keys(articles) for name, articles in vars(state).items()})
    rules = replace(rules, exclude=frozenset(keys(rules.exclude)))
    if isinstance(visitor, ColdCustomer):
        return visitor, state, rules
    customer = other.customer_with(answers.customer_id(visitor))
    return ColdCustomer() if customer is None else customer, state, rules


def answer_by(
    answers: Answers, visitor: int | ColdCustomer, state: SessionState, rules: ListRules
) -> Answer:
    """Return a version's list for a customer's key or a guest."""
    if isinstance(visitor, ColdCustomer):
        return answers.for_guest(visitor, state, rules)
    return answers.for_customer(visitor, state, rules)


def _key(answers: Answers, article_id: str) -> int | None:
    try:
        return answers.find_article(article_id)
    except BadInput:  # an article that this version does not know
        return None
