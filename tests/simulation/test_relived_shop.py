"""A living shop gone through again from its journal, and futures that begin on one morning."""

from datetime import date, timedelta

import numpy as np
import pytest

from hemline.errors import BadInput
from hemline.simulation.living_params import LivingParams
from hemline.simulation.relived_shop import RelivedShop, relive
from hemline.simulation.shop_client import ShownList
from hemline.simulation.shop_past import lived_through
from hemline.simulation.simulation_params import SimulationParams
from hemline.simulation.visit_journal import VisitJournal

LIVE = LivingParams(customers=800, articles=300, history_weeks=20, first_day=date(2020, 9, 23))
PARAMS = SimulationParams()
N_DAYS = 10


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[RelivedShop, VisitJournal]:
    """A shop that showed the article rows 0 to 11 for ten days, and its journal."""
    journal = VisitJournal(tmp_path_factory.mktemp("journal"))
    world, customers, best, _ = lived_through(LIVE, PARAMS)
    shop = RelivedShop(world, customers, best)
    ids = tuple(world.catalogue.articles["article_id"][:12])
    for number in range(N_DAYS):
        opened = customers.open_day()
        today = LIVE.first_day + timedelta(days=number)
        journal.add(today, {who: ShownList(ids, 1, "champion", "r") for who in opened.online})
        journal.end(today)
        shop.close_day(opened, dict.fromkeys(opened.online, np.arange(12)))
    return shop, journal


def test_a_journal_gives_the_same_morning(lived: tuple[RelivedShop, VisitJournal]) -> None:
    shop, journal = lived
    again = relive(LIVE, PARAMS, journal, N_DAYS)
    assert again.bought == shop.bought
    first, second = shop.fork().customers.open_day(), again.fork().customers.open_day()
    assert first.online == second.online
    assert first.returned == second.returned
    np.testing.assert_array_equal(first.begun.article, second.begun.article)


def test_a_shop_that_did_not_live_so_long_is_named(
    lived: tuple[RelivedShop, VisitJournal],
) -> None:
    with pytest.raises(BadInput, match="no whole record of 2020-10-03, its day 11"):
        relive(LIVE, PARAMS, lived[1], N_DAYS + 1)


def test_futures_do_not_touch_each_other(lived: tuple[RelivedShop, VisitJournal]) -> None:
    shop, _ = lived
    before = {who: counts.copy() for who, counts in shop.bought.items()}
    days = []
    for _ in range(2):
        future = shop.fork()
        for _ in range(5):
            opened = future.customers.open_day()
            days.append(future.close_day(opened, dict.fromkeys(opened.online, np.arange(12))))
    for one, other in zip(days[:5], days[5:], strict=True):
        assert one.reactions == other.reactions
        np.testing.assert_array_equal(one.online.price, other.online.price)
    assert shop.bought == before


def test_what_was_returned_is_taken_off_the_latest_purchase() -> None:
    world, customers, best, _ = lived_through(LIVE, PARAMS)
    shop = RelivedShop(world, customers, best)
    for day, units in ((1, 1), (5, 2)):
        shop.bought[3][date(2020, 10, day), 7] += units
    shop.take_back(3, 7, 1)
    assert shop.bought_since(3, date(2020, 10, 2)) == (7,)
    shop.take_back(3, 7, 1)
    assert shop.bought_since(3, date(2020, 10, 2)) == ()
    assert shop.bought_since(3, date(2020, 10, 1)) == (7,)
    assert shop.bought_since(4, date(2020, 10, 1)) == ()


def test_units_of_a_purchase_count(lived: tuple[RelivedShop, VisitJournal]) -> None:
    shop, _ = lived
    assert max(units for counts in shop.bought.values() for units in counts.values()) > 1
