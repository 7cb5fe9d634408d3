"""What explored places earned, and what another version would have earned in them."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hemline import environment
from hemline.cli import app
from hemline.clock import VARIABLE, set_clock
from hemline.serving.answers import Answers
from hemline.serving.list_rules import ListRules
from hemline.shop.event_log import CUSTOMER, GUEST, EventLog, ShopEvent
from hemline.shop.list_exploration import ListExploration
from hemline.shop.session_stores import open_log
from hemline.shop.shop_clock import ShopClock
from hemline.shop.shop_params import ExplorationParams
from hemline.shop.slot_evaluation import (
    evaluate_decisions,
    exploration_line,
    open_version,
    ranks_of,
)
from hemline.shop.slot_log import Outcome, SlotDecision, read_slot_log
from hemline.shop.slot_readout import read_out_slots
from hemline.shop.visitor_state import state_of
from tests.serving.tiny_version import article_id, customer_id
from tests.shop.tiny_registry import registry_project
from tests.tiny_project import REPOSITORY, change_params

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SESSION_HOURS = 24
PARAMS = ExplorationParams(places=(3, 4), candidates=3, temperature=2.0, reward_days=3)
SOON, LATER = timedelta(hours=1), timedelta(days=30)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = registry_project(tmp_path / "project", {"exploration": PARAMS.model_dump(mode="json")})
    shutil.copy(REPOSITORY / "dvc.yaml", root)
    for name, value in environment.defaults(root).items():
        monkeypatch.setenv(name, value)
    set_clock(tmp_path / "clock", START)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "clock"))
    return root


@pytest.fixture
def log(root: Path) -> Iterator[EventLog]:
    opened = open_log("sqlite:.hemline/shop/events.db", root)
    yield opened
    opened.close()


CLOCK = ShopClock(START.date(), date(2020, 9, 23))


def show(log: EventLog, answers: Answers, name: str, at: datetime) -> tuple[ShopEvent, ...]:
    """Draw a customer's list, as the shop does, and record it."""
    events = log.of(name)
    since = at - timedelta(hours=SESSION_HOURS)
    state = state_of(events, answers, since=since, day_of=CLOCK.day_of)
    exploration, rules = ListExploration(PARAMS), ListRules()
    customer = answers.customer_with(name.removeprefix(CUSTOMER))
    assert customer is not None
    ranking = answers.for_customer(customer, state, exploration.deeper(rules))
    found = exploration.drawn_list(ranking, answers, rules, name, CLOCK.day_of(at), ())
    drawn = tuple(replace(each, at=at) for each in found.drawn)
    log.append(drawn).result(timeout=60)
    return drawn


def act(log: EventLog, kind: str, name: str, article: str, at: datetime, key: str) -> None:
    event = ShopEvent(kind, name, article, key, at, price=2.0)  # type: ignore[arg-type]
    log.append([event]).result(timeout=60)


def decisions_of(log: EventLog) -> tuple[SlotDecision, ...]:
    return read_slot_log(log, START + LATER, PARAMS.reward_days).decisions


def test_a_version_sees_what_the_visitor_had_done_by_then_and_nothing_later(
    root: Path, log: EventLog
) -> None:
    answers = open_version(root, 1)
    for number in range(12):
        name = CUSTOMER + customer_id(number)
        for day in range(4):
            at = START + timedelta(days=day)
            show(log, answers, name, at)
            bought = article_id((2 * day + number) % 12)
            act(log, "purchase", name, bought, at + SOON, f"buy:{number}:{day}")
            act(log, "unlike", name, article_id(2 * (number % 6)), at + SOON, f"un:{number}:{day}")
    decisions = decisions_of(log)
    assert len(decisions) > 60
    ranks = ranks_of(decisions, answers, log, CLOCK, session_hours=SESSION_HOURS)
    for each in decisions:  # the version that drew them ranks them as it did
        in_order = {index: index for index in range(len(each.candidates))}
        assert ranks[each.sequence] == in_order
    hindsight = [replace(each, sequence=10**9 + each.sequence) for each in decisions]
    other = ranks_of(hindsight, answers, log, CLOCK, session_hours=SESSION_HOURS)
    assert any(other[10**9 + each.sequence] != ranks[each.sequence] for each in decisions)


def test_decisions_that_a_version_has_learnt_from_are_left_out(root: Path, log: EventLog) -> None:
    answers = open_version(root, 1)
    name = CUSTOMER + customer_id(1)
    for day in range(5):
        show(log, answers, name, START + timedelta(days=day))
    before_cut = ShopClock(START.date(), answers.cut - timedelta(days=3))
    found = evaluate_decisions(
        decisions_of(log), answers, log, before_cut, session_hours=SESSION_HOURS
    )
    assert found.left_out["before its cut"] == 2 * 3
    assert found.n_decisions == 2 * 2


def test_what_a_version_would_have_sold_is_estimated_from_what_another_one_drew(
    root: Path, log: EventLog
) -> None:
    """Customers buy what version 2 ranks first in 6 of 10 lists, anything else in 1 of 10."""
    shown_by, judged = open_version(root, 1), open_version(root, 2)
    rng = np.random.default_rng(0)
    for number in range(40):
        name = CUSTOMER + customer_id(number)
        for day in range(18):
            show(log, shown_by, name, START + timedelta(days=day))
    decisions = decisions_of(log)
    ranks = ranks_of(decisions, judged, log, CLOCK, session_hours=SESSION_HOURS)
    sells = {each.sequence: {index: 0.6 if rank == 0 else 0.1
                             for index, rank in ranks[each.sequence].items()}
             for each in decisions}  # fmt: skip
    drawn = [
        replace(each, outcome=Outcome(float(rng.random() < sells[each.sequence][each.chosen]), 1.0))
        for each in decisions
    ]
    found = evaluate_decisions(drawn, judged, log, CLOCK, session_hours=SESSION_HOURS)
    assert found.n_decisions == len(decisions) == 2 * 40 * 18
    assert found.as_drawn is not None
    assert found.best is not None
    assert found.shown is not None
    chances = decisions[0].propensities
    expected = chances[0] * 0.6 + (1 - chances[0]) * 0.1
    for value, truth in ((found.best, 0.6), (found.as_drawn, expected)):
        for estimate in (value.by_weights, value.by_model):
            middle, low, high = estimate.interval or (0, 0, 0)
            assert low < truth < high
            assert middle == pytest.approx(truth, abs=0.06)
    assert "It informs, and does not decide" in found.sentence
    own = evaluate_decisions(drawn, shown_by, log, CLOCK, session_hours=SESSION_HOURS)
    assert own.as_drawn is not None
    assert own.as_drawn.gain_by_model.value == pytest.approx(0.0, abs=1e-9)
    few = evaluate_decisions(drawn[:150], judged, log, CLOCK, session_hours=SESSION_HOURS)
    assert "200 are needed" in few.sentence


def recorded(log: EventLog, visitor: str, place: int, article: int, at: datetime) -> None:
    ids = [article_id(each) for each in (0, 2, 4)]
    context = {
        "version": "1", "day": "2020-09-23", "place": str(place), "candidates": " ".join(ids),
        "propensities": "0.5 0.3 0.2", "propensity": "0.5", "beside": article_id(6),
    }  # fmt: skip
    key = f"exploration:1:{at.date()}:{place}:{visitor}"
    event = ShopEvent("exploration", visitor, article_id(article), key, at, context=context)
    log.append([event]).result(timeout=60)


def test_a_purchase_counts_for_the_latest_list_of_its_days_unless_it_is_sent_back(
    log: EventLog,
) -> None:
    ann, bob, guest = CUSTOMER + "ann", CUSTOMER + "bob", GUEST + "cid"
    for day in (0, 1):
        recorded(log, ann, 3, 2, START + timedelta(days=day))
    act(log, "purchase", ann, article_id(2), START + timedelta(days=2), "one")
    act(log, "purchase", ann, article_id(2), START + timedelta(days=9), "too late")
    act(log, "purchase", ann, article_id(6), START + timedelta(days=1, hours=1), "beside")
    recorded(log, bob, 3, 4, START)
    act(log, "purchase", bob, article_id(4), START + SOON, "sent back")
    act(log, "return", bob, article_id(4), START + timedelta(days=8), "back")
    recorded(log, guest, 3, 0, START)
    log.link(guest, CUSTOMER + "cid").result(timeout=60)
    act(log, "purchase", CUSTOMER + "cid", article_id(0), START + SOON, "signed in")
    found = read_slot_log(log, START + timedelta(days=20), reward_days=3)
    earned = [(each.visitor, each.outcome) for each in found.decisions]
    assert earned == [
        (ann, Outcome(0.0, 0.0)), (ann, Outcome(1.0, 2.0)), (bob, Outcome(0.0, 0.0)),
        (CUSTOMER + "cid", Outcome(1.0, 2.0)),
    ]  # fmt: skip
    assert [each.outcomes_beside[0].bought for each in found.decisions] == [0.0, 1.0, 0.0, 0.0]
    assert found.decisions[-1].shown_to == guest
    early = read_slot_log(log, START + timedelta(days=3, hours=12), reward_days=3)
    assert (len(early.decisions), early.n_waiting) == (3, 1)


def test_the_commands_say_in_words_what_the_log_shows(
    root: Path, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)

    def hemline(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["exploration", *arguments])
        assert done.exit_code == 0, done.output + str(done.exception)
        return " ".join(done.stdout.split())

    assert "Nothing can be said yet" in hemline("readout")
    assert "no estimate, the log has no decision for it" in hemline("evaluate", "2")
    answers = open_version(root, 1)
    long_ago = START - timedelta(days=60)
    for number in range(40):
        for day in range(9):
            drawn = show(
                log, answers, CUSTOMER + customer_id(number), long_ago + day * timedelta(1)
            )
            if number % 3 == 0:
                at = drawn[0].at + SOON
                act(log, "purchase", drawn[0].visitor, drawn[0].article_id, at, f"{number}-{day}")
    found = read_out_slots(read_slot_log(log, START, 3))
    assert found.places[0].n_decisions == 2 * 9 * 40
    assert found.places[1].bought[0] > found.places[2].bought[0]
    assert "Exploration cost" in hemline("readout")


def test_a_training_says_what_the_log_shows_or_why_it_shows_nothing(
    root: Path, log: EventLog
) -> None:
    at = START + LATER
    assert "the log has no decision for it (it is empty)" in exploration_line(root, 2, at)
    answers = open_version(root, 1)
    for number in range(40):
        for day in range(4):
            show(log, answers, CUSTOMER + customer_id(number), START + timedelta(days=day))
    told = exploration_line(root, 1, at)
    assert "320 decisions, worth 320" in told
    assert told.endswith("It informs, and does not decide.")
    assert "the registry has version 9" in exploration_line(root, 9, at)
    change_params(root, {("shop", "exploration"): ExplorationParams().model_dump(mode="json")})
    assert exploration_line(root, 1, at) == ""


def test_without_a_shop_a_training_says_nothing_and_makes_no_log(root: Path) -> None:
    assert exploration_line(root, 1, START) == ""
    assert not (root / ".hemline" / "shop" / "events.db").exists()
