"""The first answers of a version, given to nobody: they load and compile what is lazy."""

from typing import Final

from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState

FALLBACK: Final = "popularity"
"""The model that answers where the served ones fail: loaded before that happens."""


def try_answers(answers: Answers) -> None:
    """Let a version answer a guest with and without a purchase, and beside an article."""
    if FALLBACK in answers.model_names():
        answers.under_model(FALLBACK, ColdCustomer(), SessionState(), ListRules())
    answers.for_guest(ColdCustomer(), SessionState(), ListRules())
    answers.for_guest(ColdCustomer(), SessionState(bought=(0,)), ListRules())
    answers.similar(0, ListRules())
    answers.also_bought(0, ListRules())
