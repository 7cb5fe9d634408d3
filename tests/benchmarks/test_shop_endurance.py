"""The shop's endurance run: what goes wrong is counted, and ends it with status 1."""

from collections import Counter

import orjson
import pytest

from benchmarks.record import Row
from benchmarks.shop.champion_swaps import Compared
from benchmarks.shop.endurance import require_nothing_lost
from benchmarks.shop.killed_processes import Sent, fate_of
from benchmarks.shop.open_load import Request
from hemline.clock import now
from hemline.errors import BadInput
from hemline.shop.event_log import Recorded, ShopEvent


def recorded(sequence: int, key: str) -> Recorded:
    return Recorded(sequence, ShopEvent("view", "customer:anna", "0108775015", key, now()))


def test_lost_doubled_and_moved_events_are_counted() -> None:
    sent = Sent(
        acknowledged={"a": 1, "b": 2, "c": 3, "d": 4},
        in_flight_at_kills=[3, 2],
        n_failed=4,
        n_failed_twice=1,
        n_refused=5,
        other_statuses=Counter({422: 2}),
    )
    log = [recorded(1, "a"), recorded(2, "b"), recorded(5, "b"), recorded(9, "d")]
    found = fate_of(sent, log)
    assert {name: found[name] for name in ("lost", "doubled", "other sequence")} == {
        "lost": 1,  # c
        "doubled": 1,  # b
        "other sequence": 2,  # b and d
    }
    assert found["acknowledged"] == 4
    assert found["in flight at the kills"] == 3 + 2
    assert found["other answers"] == 2


def test_a_list_of_another_version_than_it_names_is_noticed() -> None:
    lists = {1: {"anna": ["x", "y"]}, 2: {"anna": ["y", "z"]}}
    compared = Compared(lists)
    request = Request("recommend", "/recommendations/anna")
    for version, listed in ((1, "xy"), (2, "yz"), (2, "xz"), (1, "yx")):
        articles = [{"article_id": one} for one in listed]
        compared.look(request, orjson.dumps({"version": version, "articles": articles}))
    compared.look(request, b'{"status": 503}')
    assert compared.versions == [1, 2, 2, 1]
    assert compared.n_wrong == 2


@pytest.mark.parametrize(
    ("metric", "value", "is_wrong"),
    [("lost", 1, True), ("seen again", 2, True), ("failed", 6, True), ("failed", 5, False),
     ("refused with 503", 9, False), ("lost", 0, False)],
)  # fmt: skip
def test_what_has_to_be_zero_ends_the_run(metric: str, value: float, is_wrong: bool) -> None:
    rows = [
        Row("case", "SQLite", "in flight at the kills", 5.0, None),
        Row("case", "SQLite", metric, float(value), None),
    ]
    if is_wrong:
        with pytest.raises(BadInput, match="loses nothing"):
            require_nothing_lost(rows)
    else:
        require_nothing_lost(rows)
