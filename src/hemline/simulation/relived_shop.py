"""A living shop on some morning, and what is known of its days before.

Its days can be gone through again from the journal, in seconds. From there several futures can
begin that differ in nothing but the lists.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.data.synthetic.world import World
from hemline.errors import BadInput
from hemline.simulation.living_customers import ClosedDay, LivingCustomers, OpenDay
from hemline.simulation.living_params import LivingParams
from hemline.simulation.shop_past import Bestsellers, lived_through
from hemline.simulation.simulation_params import SimulationParams
from hemline.simulation.visit_journal import VisitJournal

IntArray = npt.NDArray[np.int64]


@dataclass
class RelivedShop:
    """A shop on some morning.

    Attributes:
        world: the shop.
        customers: as they are then.
        best: what sold best in the last four weeks, in stores and online.
        bought: by customer, the units of each article bought online on each living day, returned
            ones taken off; the service knows of them.
    """

    world: World
    customers: LivingCustomers
    best: Bestsellers
    bought: dict[int, Counter[tuple[date, int]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def fork(self) -> Self:
        """Return the same shop, whose future is its own."""
        return copy.deepcopy(self, {id(self.world): self.world})

    def bought_since(self, customer: int, day: date) -> tuple[int, ...]:
        """Return what a customer bought online from a day on and kept."""
        kept: Counter[int] = Counter()
        for (bought_on, article), units in self.bought.get(customer, Counter()).items():
            if bought_on >= day:
                kept[article] += units
        return tuple(article for article, units in kept.items() if units > 0)

    def close_day(self, opened: OpenDay, lists: Mapping[int, IntArray]) -> ClosedDay:
        """Let customers react to lists; see LivingCustomers."""
        closed = self.customers.close_day(opened, lists)
        pairs = zip(closed.online.customer.tolist(), closed.online.article.tolist(), strict=True)
        for customer, article in pairs:
            self.bought[customer][closed.today, article] += 1
        self.best.add(closed.store, closed.online)
        for back in closed.returned:
            self.take_back(back.customer, back.article, back.units)
        return closed

    def take_back(self, customer: int, article: int, units: int) -> None:
        """Take units that a customer returned off the latest purchases."""
        counts = self.bought[customer]
        for day, bought in sorted(counts, reverse=True):
            if bought == article and units:
                taken = min(units, counts[day, bought])
                counts[day, bought] -= taken
                units -= taken


def relive(
    live: LivingParams, behaviour: SimulationParams, journal: VisitJournal, n_days: int
) -> RelivedShop:
    """Return a living shop as it was after some days.

    Raises:
        BadInput: it has not lived so long.
    """
    world, customers, best, _ = lived_through(live, behaviour)
    shop = RelivedShop(world, customers, best)
    article_ids = world.catalogue.articles[columns.ARTICLE_ID]
    rows = {article_id: row for row, article_id in enumerate(article_ids)}
    for number in range(n_days):
        today = live.first_day + timedelta(days=number)
        answers, is_whole = journal.read(today)
        if not is_whole:
            raise BadInput(
                f"the living shop has lived for {n_days} days",
                found=f"no whole record of {today}, its day {number + 1}",
                fix="let it live longer: make live WEEKS=12",
            )
        lists = {
            customer: np.array([rows[one] for one in answer.articles], np.int64)
            for customer, answer in answers.items()
        }
        shop.close_day(customers.open_day(), lists)
    return shop
