"""The past of a living shop: what was sold before its first living day.

Its customers are the living ones, and the page showed everybody the bestsellers of the last four
weeks. So the first living day changes the lists and nothing else.
"""

from collections import deque
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.data.synthetic.sales import as_transactions
from hemline.data.synthetic.shop_days import Sales, ShopDays
from hemline.data.synthetic.world import World, draw_world
from hemline.simulation.living_customers import ClosedDay, LivingCustomers
from hemline.simulation.living_params import LivingParams
from hemline.simulation.simulation_params import SimulationParams

_REMEMBERED_DAYS: Final = 28


class Bestsellers:
    """What sold best in the last four weeks."""

    def __init__(self, n_articles: int, length: int) -> None:
        self._sold: deque[npt.NDArray[np.int64]] = deque(maxlen=_REMEMBERED_DAYS)
        self._n_articles = n_articles
        self._length = length

    def add(self, *sales: Sales) -> None:
        """Count the sales of a day."""
        counts = [np.bincount(each.article, minlength=self._n_articles) for each in sales]
        self._sold.append(np.sum(counts, axis=0))

    @property
    def articles(self) -> npt.NDArray[np.int64]:
        """The best-selling articles, the best first; none before anything is sold."""
        if not self._sold:
            return np.empty(0, np.int64)
        counts = np.sum(self._sold, axis=0)
        best = np.argsort(-counts, kind="stable")[: self._length]
        return np.asarray(best[counts[best] > 0], np.int64)


class ShopPast(NamedTuple):
    """A shop on the morning of its first living day.

    Attributes:
        world: the shop.
        customers: as they are then.
        best: what sold best until then.
        transactions: all of them (tables.TRANSACTIONS).
    """

    world: World
    customers: LivingCustomers
    best: Bestsellers
    transactions: pd.DataFrame


def lived_through(live: LivingParams, behaviour: SimulationParams) -> ShopPast:
    """Return a shop on the morning of its first living day."""
    world = draw_world(live.size, live.seed, live.events)
    customers = LivingCustomers(world, ShopDays(world), behaviour)
    best = Bestsellers(live.articles, behaviour.list_length)
    past = [_show_bestsellers(customers, best) for _ in range(live.history_days)]
    transactions = as_transactions(world, [_all_sales(day) for day in past])
    return ShopPast(world, customers, best, transactions)


def _show_bestsellers(customers: LivingCustomers, best: Bestsellers) -> ClosedDay:
    opened = customers.open_day()
    shown = best.articles
    closed = customers.close_day(opened, dict.fromkeys(opened.online, shown))
    best.add(closed.store, closed.online)
    return closed


def _all_sales(day: ClosedDay) -> Sales:
    """Return the sales of stores and of the page together, by customer."""
    order = np.argsort(np.append(day.store.customer, day.online.customer), kind="stable")
    return Sales(
        *(
            np.concatenate((getattr(day.store, name), getattr(day.online, name)))[order]
            for name in Sales._fields
        )
    )
