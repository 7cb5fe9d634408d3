"""A living shop's files and page: what is written down, and what of it survives being cut off."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from flows.living.living_page import serving_page, write_living_page
from flows.living.living_project import open_living_project
from flows.living.living_tally import WeekTally, effective_number
from hemline.data.synthetic.shop_days import Sales
from hemline.errors import BadInput
from hemline.simulation.living_customers import ClosedDay, ReturnedUnits
from hemline.simulation.living_params import LivingParams
from hemline.simulation.reactions import Reaction
from hemline.simulation.shop_client import ShownList
from hemline.simulation.told_events import EventTeller
from hemline.simulation.visit_journal import VisitJournal
from tests.processes import free_ports
from tests.tiny_project import REPOSITORY

DAY = date(2020, 9, 23)
LIST = ShownList(("0001", "0002"), 3, "treatment", "abc")
OTHER = ShownList(("0002",), 1, "champion", "abd")


def test_answers_are_read_back_as_they_were(tmp_path: Path) -> None:
    journal = VisitJournal(tmp_path)
    assert journal.read(DAY) == ({}, False)
    journal.add(DAY, {5: LIST})
    journal.add(DAY, {7: OTHER})
    assert journal.read(DAY) == ({5: LIST, 7: OTHER}, False)
    journal.end(DAY)
    assert journal.read(DAY) == ({5: LIST, 7: OTHER}, True)


def test_half_a_line_does_not_count_and_is_written_again(tmp_path: Path) -> None:
    journal = VisitJournal(tmp_path)
    journal.add(DAY, {5: LIST, 7: OTHER})
    [file] = tmp_path.iterdir()
    whole = file.read_text()
    for n_cut in range(1, len(whole.splitlines()[1]) + 1):
        file.write_text(whole[:-n_cut])
        assert journal.read(DAY) == ({5: LIST}, False), n_cut
        journal.add(DAY, {7: OTHER})
        assert file.read_text() == whole
    file.write_text(whole[:3])
    assert journal.read(DAY) == ({}, False)


def sales(*rows: tuple[int, int, float]) -> Sales:
    customer, article, price = zip(*rows, strict=True) if rows else ((), (), ())
    channel = np.full(len(rows), 2, np.int8)
    return Sales(
        np.array(customer, np.int64),
        np.array(article, np.int64),
        np.array(price, np.float32),
        channel,
    )


CLOSED = ClosedDay(
    DAY,
    {
        5: Reaction(2, picked=(1,), discovered=(0,), searched=(), missed=(2,), unliked=()),
        7: Reaction(1, picked=(), discovered=(), searched=(), missed=(2,), unliked=(1,)),
    },
    store=sales((1, 0, 0.5)),
    online=sales((5, 0, 0.25), (5, 1, 0.125), (5, 1, 0.125)),
    returned=(ReturnedUnits(7, 2, 1, 0.5), ReturnedUnits(9, 2, 2, 0.5)),
    stayed_away=4,
    satisfaction={5: 0.8, 7: 0.4},
)
SHOWN = {5: LIST, 7: OTHER}
ROWS = {"0001": 0, "0002": 1, "0003": 2}
ADDED = {
    "lists": {5: 0.004, 7: 0.002},
    "first version": {5: 0.001, 7: 0.001},
    "bestsellers": {5: 0.006, 7: 0.002},
}


@pytest.fixture
def week() -> dict[str, Any]:
    tally = WeekTally(np.array([np.nan] * 5 + [25.0, np.nan, 60.0, 40.0, 40.0]), 3)
    tally.add(CLOSED, SHOWN, ROWS, ADDED)
    return {**tally.row(), "days": tally.days, "champions": [1]}


def test_a_week_is_counted_by_arm(week: dict[str, Any]) -> None:
    treated, champion = week["arms"]["treatment, version 3"], week["arms"]["champion, version 1"]
    assert treated["revenue"] == pytest.approx(0.5)
    assert (treated["picked"], treated["discovered"], treated["missed"]) == (1, 1, 1)
    assert champion["revenue"] == pytest.approx(-0.5)
    assert (champion["unliked"], champion["buyers"], champion["customers"]) == (1, 0, 1)
    assert week["got"] == {"under 30": 0.5, "30 to 49": None, "50 and over": 0.0}
    assert week["satisfaction"] == pytest.approx(0.6)
    assert week["effective_listed"] == pytest.approx(3 * 2 ** (-2 / 3), rel=1e-4)
    assert week["days"] == [
        {
            "day": "2020-09-23", "visits": 2, "stayed_away": 4,
            "online": 0.5, "stores": 0.5, "returned": 1.5,
        }
    ]  # fmt: skip


def test_what_lists_add_is_compared_customer_by_customer(week: dict[str, Any]) -> None:
    assert week["added"] == {
        "lists": {"mean": 0.003, "error": 0.001, "behind": 0.0, "behind_error": 0.0},
        "first version": {"mean": 0.001, "error": 0.0, "behind": 0.002, "behind_error": 0.001},
        "bestsellers": {"mean": 0.004, "error": 0.002, "behind": -0.001, "behind_error": 0.001},
    }
    champion = week["arms"]["champion, version 1"]
    assert (champion["added"], champion["added_error"]) == (0.002, None)


def test_diversity_is_that_of_equally_frequent_articles() -> None:
    assert effective_number(np.array([4, 4, 4, 0])) == pytest.approx(3)
    assert effective_number(np.array([1000, 1])) < 1.01


def test_every_event_has_a_key_of_its_own_and_the_service_takes_it() -> None:
    teller = EventTeller([f"c{n}" for n in range(10)], ["0001", "0002", "0003"])
    events = [
        *teller.returns(DAY, CLOSED.returned),
        *teller.visits(DAY, CLOSED.reactions, SHOWN, CLOSED.online),
    ]
    keys = [event["key"] for event in events]
    assert len(set(keys)) == len(keys) == 8
    assert max(map(len, keys)) <= 64
    bought = [event for event in events if event["kind"] == "purchase"]
    assert [(one["article_id"], one["units"], one["price"]) for one in bought] == [
        ("0001", 1, 0.25),
        ("0002", 2, 0.125),
    ]
    seen = [event for event in events if event["kind"] == "impression"]
    assert [(one["customer_id"], one["context"]["position"]) for one in seen] == [
        ("c5", 1), ("c5", 2), ("c7", 1),
    ]  # fmt: skip


def record(week: dict[str, Any]) -> dict[str, Any]:
    outcome = {
        "week_end": "2020-09-30", "problem": "", "retrain": True, "confirmed": ["price"],
        "reasons": [], "map_at_12": 0.05, "alerts": ["Drift confirmed"],
        "trained": "Version 2: <b>better</b>",
    }  # fmt: skip
    closing = {"kind": "closed_stores", "date": "2020-09-23", "until": None, "size": "large"}
    return {
        "first_day": "2020-09-23",
        "events": [closing],
        "weeks": [{**week, "outcome": outcome}],
        "under_way": week,
    }


def test_the_page_shows_what_happened_and_nothing_of_it_is_markup(
    tmp_path: Path, week: dict[str, Any]
) -> None:
    path = tmp_path / "index.html"
    write_living_page(path, record(week), is_over=False)
    page = path.read_text()
    assert 'http-equiv="refresh"' in page
    assert "Version 2: &lt;b&gt;better&lt;/b&gt;" in page
    assert "closed stores (large) from 2020-09-23" in page
    assert "treatment, version 3" in page
    assert "Drift confirmed" in page
    assert "first version, kept" in page
    assert '<td class="n">0.00400</td>' in page
    assert '<td class="n">0.00300</td><td class="n">+0.00200 (0.00100)</td>' in page
    assert ">33.3%</text>" in page  # one of three wanted articles was in a list
    write_living_page(path, record(week), is_over=True)
    assert 'http-equiv="refresh"' not in path.read_text()


def test_the_page_is_served_to_this_machine_only(tmp_path: Path, week: dict[str, Any]) -> None:
    [port] = free_ports(1)
    path = tmp_path / "page" / "index.html"
    with serving_page(path, port) as address:
        write_living_page(path, record(week), is_over=True)
        assert "The living shop" in httpx.get(address).text
        assert httpx.get(address, headers={"host": "evil.example"}).status_code == 403
        with (
            pytest.raises(BadInput, match="the page of the living shop can listen on"),
            serving_page(path, port),
        ):
            pass


def test_a_living_shop_is_a_copy_that_keeps_its_numbers(tmp_path: Path) -> None:
    live = LivingParams(customers=500, articles=200)
    project = open_living_project(REPOSITORY, tmp_path / "shop", live)
    params = (project.root / "params.yaml").read_text()
    assert "source: kaggle" in params
    assert "cut: '2020-09-16'" in params
    assert (project.root / "src" / "hemline" / "data" / "synthetic" / "shop.py").exists()
    assert json.loads((project.root / ".hemline/live/shop.json").read_text())["customers"] == 500
    assert open_living_project(REPOSITORY, project.root, live) == project
    with pytest.raises(BadInput, match="a shop of other numbers"):
        open_living_project(REPOSITORY, project.root, LivingParams(customers=501, articles=200))
