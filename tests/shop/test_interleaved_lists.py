"""Interleaving in the shop: lists of two versions, recorded with who added which article."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hemline.experiments.experiment_files import add_step, experiments_folder, plan_experiment
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.shop import served_lists
from hemline.shop.arm_tallies import read_tallies, tallies_file
from hemline.shop.event_log import CUSTOMER, EventLog, LogUnavailable, ShopEvent
from hemline.shop.experiment_verdict import verdict_of
from hemline.shop.interleaved_lists import drafted_list
from hemline.shop.interleaving_readout import InterleavingReadout, read_interleaving
from hemline.shop.session_stores import open_log
from hemline.shop.shop_clock import ShopClock
from tests.serving.tiny_version import article_id, customer_id, registered, write_version
from tests.shop.test_experiment_arms import planned
from tests.shop.tiny_registry import registry_project, rename_articles
from tests.shop.tiny_workers import NOW, begin_clock, worker

NAME = "drafts"
CUSTOMERS = [customer_id(number) for number in range(30)]
PLAN = planned(name=NAME, kind="interleaving", share=1.0)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    begin_clock(tmp_path, monkeypatch)
    root = registry_project(tmp_path / "project")
    plan_experiment(experiments_folder(root), PLAN)
    add_step(experiments_folder(root), NAME, "started", exposed=1.0, reason="test")
    return root


@pytest.fixture
def shop(root: Path) -> Iterator[TestClient]:
    with worker(root) as client:
        yield client


def list_for(shop: TestClient, customer: str) -> dict[str, Any]:
    reply = shop.get(f"/recommendations/{customer}")
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def ids(content: dict[str, Any]) -> list[str]:
    return [each["article_id"] for each in content["articles"]]


def log_of(shop: TestClient) -> EventLog:
    log: EventLog = shop.app.state.shop.log  # type: ignore[attr-defined]
    return log


def events(shop: TestClient, kind: str) -> list[ShopEvent]:
    return [each.event for each in log_of(shop).since(0, 10_000) if each.event.kind == kind]


def test_each_list_is_of_both_versions_and_says_which_added_what(shop: TestClient) -> None:
    for customer in (*CUSTOMERS, *CUSTOMERS[:5]):
        content = list_for(shop, customer)
        assert content["arm"] == "interleaved"
        [draft] = [each for each in events(shop, "interleaving")
                   if each.visitor == CUSTOMER + customer]  # fmt: skip
        teams = {team: draft.context[team].split() for team in ("control", "treatment")}
        assert sorted(teams["control"] + teams["treatment"]) == sorted(ids(content))
        assert abs(len(teams["control"]) - len(teams["treatment"])) <= 1
        for team in teams.values():  # each in the order of the list
            assert [each for each in ids(content) if each in team] == team
    assert len(events(shop, "exposure")) == len(CUSTOMERS)
    first = {ids(list_for(shop, each))[0] in
             next(one for one in events(shop, "interleaving") if one.visitor == CUSTOMER + each)
             .context["treatment"].split() for each in CUSTOMERS}  # fmt: skip
    assert first == {True, False}


def test_both_versions_lists_are_counted_for_their_guardrails(
    shop: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_listed = sum(len(ids(list_for(shop, customer))) for customer in CUSTOMERS)
    service = shop.app.state.shop  # type: ignore[attr-defined]
    asyncio.run(service.tallies.write())
    found = read_tallies(tallies_file(root), NAME)
    for each in (found.control, found.treatment):
        assert (each.n_answers, each.n_fallbacks) == (len(CUSTOMERS), 0)
        assert each.listed.sum() == n_listed > 0
        assert sum(each.milliseconds.values()) == len(CUSTOMERS)

    def fail(*_arguments: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(served_lists, "answer_by", fail)
    content = list_for(shop, CUSTOMERS[0])
    assert content["version"] == 1
    asyncio.run(service.tallies.write())
    found = read_tallies(tallies_file(root), NAME)
    assert (found.control.n_answers, found.control.n_fallbacks) == (len(CUSTOMERS) + 1, 0)
    assert (found.treatment.n_answers, found.treatment.n_fallbacks) == (len(CUSTOMERS) + 1, 1)


def test_workers_that_know_nothing_of_each_other_draft_alike(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("one", "other"):
        monkeypatch.setenv("HEMLINE_SHOP_EVENTS", f"sqlite:{tmp_path}/{name}.db")
        with worker(root) as shop:
            lists = [ids(list_for(shop, customer)) for customer in CUSTOMERS]
            found.append((lists, [each.key for each in events(shop, "interleaving")]))
    assert found[0] == found[1]


def test_a_list_that_changes_is_recorded_anew(shop: TestClient) -> None:
    who = CUSTOMERS[0]
    first = ids(list_for(shop, who))[0]
    sent = {"key": "unlike-1", "kind": "unlike", "article_id": first, "customer_id": who}
    assert shop.post("/events", json=sent).status_code == 201
    after = ids(list_for(shop, who))
    assert first not in after
    *_, latest = events(shop, "interleaving")
    assert sorted(f"{latest.context['control']} {latest.context['treatment']}".split()) == sorted(
        after
    )
    assert len(events(shop, "interleaving")) == 2


def test_what_cannot_be_recorded_is_not_drafted(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(sent: list[ShopEvent]) -> list[int]:
        if sent[0].kind == "interleaving":
            raise LogUnavailable("the disk is full")
        return [1]

    service = shop.app.state.shop  # type: ignore[attr-defined]
    answers = service.watch.answers
    monkeypatch.setattr(service, "append", unavailable)
    for customer in CUSTOMERS[:10]:
        content = list_for(shop, customer)
        assert content["version"] == answers.version == 1
        assert events(shop, "interleaving") == []


def drafted(log: EventLog, who: str, control: str, treatment: str, at: datetime) -> None:
    context = {"experiment": NAME, "day": "2020-09-23", "control": control, "treatment": treatment}
    arm = {"experiment": NAME, "arm": "interleaved", "version": "1"}
    log.append([
        ShopEvent("exposure", who, "", f"exposure:{NAME}:{who}", at, context=arm),
        ShopEvent("interleaving", who, "", f"list:{at}:{who}", at, context=context),
    ]).result(timeout=60)  # fmt: skip


def act(log: EventLog, kind: str, who: str, article: str, at: datetime) -> None:
    event = ShopEvent(kind, who, article, f"{kind}:{who}:{article}:{at}", at, price=1.0)  # type: ignore[arg-type]
    log.append([event]).result(timeout=60)


def read(log: EventLog) -> InterleavingReadout:
    return read_interleaving(log, PLAN, NOW + timedelta(days=30))


def test_the_readout_counts_a_customer_once_and_only_what_stays_bought(root: Path) -> None:
    log = open_log("sqlite:.hemline/shop/events.db", root)
    soon = NOW + timedelta(hours=1)
    for number in range(12):
        who = f"{CUSTOMER}{number}"
        drafted(log, who, "a b", "c d", NOW)
        act(log, "purchase", who, "c", soon)
        act(log, "purchase", who, "d", soon)
    for number in range(12, 16):  # bought of the control's, and thought better of it
        who = f"{CUSTOMER}{number}"
        drafted(log, who, "a b", "c d", NOW)
        act(log, "purchase", who, "a", soon)
        act(log, "return" if number % 2 else "unlike", who, "a", soon + timedelta(days=5))
    drafted(log, f"{CUSTOMER}16", "a b", "c d", NOW)
    act(log, "purchase", f"{CUSTOMER}16", "a", NOW + timedelta(days=8))  # too late
    drafted(log, f"{CUSTOMER}17", "a b", "c d", NOW)
    drafted(log, f"{CUSTOMER}17", "c d", "a b", NOW + timedelta(hours=2))
    act(log, "purchase", f"{CUSTOMER}17", "c", NOW + timedelta(hours=3))  # of the later list
    found = read(log)
    assert (found.n_customers, found.n_lists) == (18, 19)
    assert (found.result.n_decided, found.result.n_tied) == (13, 5)
    assert found.result.preference == pytest.approx((12 - 1) / 13)
    assert found.p_value == pytest.approx(2 * (13 + 1) / 2**13)
    assert found.low > 0
    assert found.sentence.startswith("Customers prefer the ranking of version 2")
    assert (found.sold["treatment"], found.sold["control"]) == (24, 1)
    assert found.unliked == {"control": 2}
    log.close()


def test_before_anybody_buys_nothing_is_claimed(root: Path) -> None:
    log = open_log("sqlite:.hemline/shop/events.db", root)
    drafted(log, CUSTOMER + "0", "a", "b", NOW)
    found = read(log)
    assert found.sentence.startswith("Neither ranking is preferred so far: 1 customers met 1 lists")
    assert (found.low, found.high, found.p_value) == (-1.0, 1.0, 1.0)
    experiment = add_step(experiments_folder(root), NAME, "widened", exposed=1.0, reason="on")
    with pytest.raises(Exception, match="judged by their revenue"):
        verdict_of(experiment, log, ShopClock.of(log, None), root, NOW)
    log.close()


def test_versions_that_number_articles_differently_are_drafted_by_their_ids(tmp_path: Path) -> None:
    opened = []
    for number, ids_of in ((1, range(12)), (2, [*range(2, 12), 99, 98])):
        folder = tmp_path / str(number)
        folder.mkdir()
        files = write_version(folder, warm=("popularity",))
        rename_articles(files.articles, [article_id(each) for each in ids_of])
        layout = laid_out(files, registered(files, number), folder / "serving")
        opened.append(Answers.open(layout))
    rules = ListRules(per_product=0)
    lists = [each.for_guest(ColdCustomer(), SessionState(), rules) for each in opened]
    own, other = opened
    theirs = [other.articles.id_of(one.article) for one in lists[1].listed]
    assert theirs != [own.articles.id_of(one.article) for one in lists[0].listed]
    found = drafted_list(
        (lists[0], lists[1]), (own, other), is_own_treatment=False, experiment=NAME,
        visitor="guest:a", day=NOW.date(), k=12,
    )  # fmt: skip
    listed = [own.articles.id_of(one.article) for one in found.answer.listed]
    added = found.event.context["treatment"].split()
    assert [each for each in theirs if each in added] == added
    assert sorted(listed) == sorted([*found.event.context["control"].split(), *added])
    assert not {article_id(99), article_id(98)} & {*listed}
    as_treatment = drafted_list(
        (lists[0], lists[1]), (own, other), is_own_treatment=True, experiment=NAME,
        visitor="guest:a", day=NOW.date(), k=12,
    )  # fmt: skip
    mine = as_treatment.event.context["treatment"].split()
    own_order = [own.articles.id_of(one.article) for one in lists[0].listed]
    assert [each for each in own_order if each in mine] == mine
