"""What lists a living shop may show: those of a registered version, or of one of its models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.data.synthetic.demand import expected_prices
from hemline.shop.registered_lists import RegisteredLists
from hemline.simulation.living_customers import OpenDay
from hemline.simulation.relived_shop import RelivedShop

IntArray = npt.NDArray[np.int64]
Lists = Mapping[int, IntArray]
Policy = Callable[[RelivedShop, OpenDay], Lists]
"""Returns the list of every online visitor of a day, by customer."""
ListFor = Callable[[RelivedShop, int], IntArray]
"""Returns the list of a customer on a morning."""


@dataclass(frozen=True)
class ListPolicy:
    """Shows everybody their list.

    Attributes:
        list_for: a customer's list.
    """

    list_for: ListFor

    def __call__(self, shop: RelivedShop, opened: OpenDay) -> Lists:
        """Return the list of every online visitor."""
        return {customer: self.list_for(shop, customer) for customer in opened.online}


def lists_of(version: RegisteredLists) -> ListFor:
    """Return the lists of a version, which knows what was bought online since its cut."""

    def list_for(shop: RelivedShop, customer: int) -> IntArray:
        customer_id = str(shop.world.crowd.customers[columns.CUSTOMER_ID].iat[customer])
        return version.list_for(customer_id, shop.bought_since(customer, version.answers.cut))

    return list_for


def bestsellers(shop: RelivedShop, _: int) -> IntArray:
    """Return what sold best in the last four weeks, as before the first living day."""
    return shop.best.articles


def by_value(list_for: ListFor, length: int) -> ListFor:
    """Return a policy's lists in the order of expected revenue: chance times price.

    The chance of a place is taken to fall as one over place plus two, since ranks are all that
    every policy gives.

    Args:
        list_for: its lists, longer than length.
        length: of the lists that are shown.
    """

    def dearer_first(shop: RelivedShop, customer: int) -> IntArray:
        world, day = shop.world, shop.customers.next_day
        listed = list_for(shop, customer)
        price = expected_prices(
            world.catalogue, listed, day=day, today=world.date_of(day), events=world.events
        )
        value = price / (np.arange(len(listed)) + 3)
        return listed[np.argsort(-value, kind="stable")][:length]

    return dearer_first
