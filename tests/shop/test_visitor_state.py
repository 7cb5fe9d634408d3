from datetime import UTC, datetime

import pytest

from hemline.serving.answers import Answers
from hemline.serving.layout import laid_out
from hemline.serving.visitor_history import SessionState
from hemline.shop.event_log import Kind, Recorded, ShopEvent
from hemline.shop.visitor_state import state_of
from tests.serving.tiny_version import CUT, article_id, customer_id, registered, write_version

NOW = datetime(2020, 9, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    root = tmp_path_factory.mktemp("version")
    files = write_version(root)
    return Answers.open(laid_out(files, registered(files), root / "serving"))


def state(answers: Answers, *did: tuple[Kind, int]) -> SessionState:
    visitor = f"customer:{customer_id(0)}"
    events = [
        Recorded(place, ShopEvent(kind, visitor, article_id(article), str(place), NOW))
        for place, (kind, article) in enumerate(did, start=1)
    ]
    return state_of(events, answers, since=NOW, day_of=lambda _: CUT)


def test_an_undo_ends_an_unlike_whether_the_log_or_the_version_knows_of_it(
    answers: Answers,
) -> None:
    assert state(answers, ("unlike", 4), ("undo", 4)) == SessionState(undone=(4,))
    assert state(answers, ("undo", 4)) == SessionState(undone=(4,))
    assert state(answers, ("undo", 4), ("unlike", 4)) == SessionState(unliked=(4,))


def test_an_undo_of_what_lies_in_the_basket_is_no_word_about_an_unlike(answers: Answers) -> None:
    assert state(answers, ("basket", 4), ("undo", 4)) == SessionState()
    twice = state(answers, ("basket", 4), ("unlike", 4), ("undo", 4))
    assert twice == SessionState(basket=(4,), undone=(4,))
