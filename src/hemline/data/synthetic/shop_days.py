"""The days of a shop, one after the other: who comes with what in mind, and what is sold.

A visit opens with an intent, resumed from the last visit or new (intents.py); the channel follows
from the customer and from what the intent is about, the size of the basket from the channel. What
lies in the basket is drawn in filled_baskets.py. Every day has its own random stream, so an event
cannot affect earlier days.

Whoever generates transactions sells every basket as it was drawn. A simulator decides between
`begin` and `sell` which baskets are bought, and what besides.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic import demand
from hemline.data.synthetic.filled_baskets import fill_baskets
from hemline.data.synthetic.intents import DayVisits, IntentMemory, draw_intents
from hemline.data.synthetic.memory import Memory
from hemline.data.synthetic.offer import ONLINE, STORE, Intents, Offer
from hemline.data.synthetic.planted_events import strength_on
from hemline.data.synthetic.world import World

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_CHANNEL_IDS: Final = np.array([1, 2], np.int8)  # of STORE and ONLINE, as Kaggle numbers them
_TURN_ONLINE: Final = 0.3  # of the visits to a closed store
_BASKETS: Final = np.array(
    [0.65, 1.25]
)  # in a store and online, of a customer's mean articles beyond the first
_TWO_UNITS, _THREE_UNITS = 0.092, 0.009
EXPECTED_UNITS: Final = 1 + _TWO_UNITS + _THREE_UNITS
"""Of an article in a basket."""


class Sales(NamedTuple):
    """The sales of a day, one element per unit, ordered by customer and article."""

    customer: IntArray
    article: IntArray
    price: npt.NDArray[np.float32]
    channel: npt.NDArray[np.int8]


@dataclass(frozen=True)
class BegunDay:
    """A day before anything is sold.

    Attributes:
        day: counted from the shop's first.
        today: its date.
        offer: what is on sale.
        visits: who comes, where, and with how many places in the basket.
        intents: of the visits, in their order; a large basket may have several.
        intent: per place in the baskets, its row of `intents`.
        visit: per article of the baskets, the visit.
        article: which lies there.
        rng: the randomness of the rest of the day.
    """

    day: int
    today: date
    offer: Offer
    visits: DayVisits
    intents: Intents
    intent: IntArray
    visit: IntArray
    article: IntArray
    rng: np.random.Generator


class ShopDays:
    """Draws a shop's days in their order, from the first; see BegunDay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._memory = Memory(world.size.n_customers)
        self._latest_intents = IntentMemory(world.size.n_customers)
        self._log_trend = world.opening_trend
        self._day = 0

    @property
    def next_day(self) -> int:
        """The number of the day that begins next, counted from the first."""
        return self._day

    def begin(self) -> BegunDay:
        """Draw the next day's visits, their intents and their baskets."""
        world, day = self._world, self._day
        self._day += 1
        rng, today = world.stream(day), world.date_of(day)
        self._log_trend = demand.next_trend(self._log_trend, rng)
        offer = world.offer_on(day, self._log_trend)
        visits = _enter(world, day, rng)
        intents, intent = draw_intents(
            world.minds, self._latest_intents, offer, visits, day=day, today=today, rng=rng
        )
        visit, article = fill_baskets(
            world, self._memory, offer, visits, intents.of(intent), day, rng
        )
        return BegunDay(day, today, offer, visits, intents, intent, visit, article, rng)

    def has_bought(self, customer: int, article: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether a customer has ever bought each article, or another of its product."""
        product = self._world.catalogue.first_sibling[article]
        return self._memory.knows(np.full(len(article), customer), product)

    def sell(self, begun: BegunDay, visit: IntArray, article: IntArray) -> Sales:
        """Return the sales of a day, which later days remember.

        Args:
            begun: the day.
            visit: per article that is bought, the visit.
            article: which it is.
        """
        world, visits, rng = self._world, begun.visits, begun.rng
        n_articles = len(world.cell)
        pair, first = np.unique(visits.customer[visit] * n_articles + article, return_index=True)
        customer, article = np.divmod(pair, n_articles)
        visit = visit[first]
        product = world.catalogue.first_sibling[article]
        self._memory.remember(customer, article, product, begun.day, rng.random(len(pair)))
        voucher = demand.draw_vouchers(len(visits.size), rng)[visit]
        price = demand.prices_on(
            world.catalogue,
            article,
            voucher,
            day=begun.day,
            today=begun.today,
            events=world.events,
            rng=rng,
        )
        units = _count_units(len(pair), rng)
        parts = (customer, article, price, _CHANNEL_IDS[visits.channel[visit]])
        return Sales(*(np.repeat(part, units) for part in parts))


def _enter(world: World, day: int, rng: np.random.Generator) -> DayVisits:
    """Return the visits of the day: who, where, and for how much."""
    today = world.date_of(day)
    visitor = world.visits.on(day).astype(np.int64)
    u = rng.random((4, len(visitor)))
    in_store = u[0] < world.crowd.store_share[visitor]
    in_store &= u[1] >= strength_on(world.events, "channel_shift", today)
    closed = in_store & (u[2] < strength_on(world.events, "closed_stores", today))
    channel = np.where(in_store & ~closed, STORE, ONLINE)
    beyond = world.crowd.basket[visitor] * _BASKETS[channel]
    size = 1 + np.floor(rng.exponential(beyond)).astype(np.int64)
    visits = ~closed | (u[3] < _TURN_ONLINE)
    return DayVisits(visitor[visits], channel[visits], size[visits])


def _count_units(n_pairs: int, rng: np.random.Generator) -> IntArray:
    u = rng.random(n_pairs)
    return 1 + (u < _TWO_UNITS).astype(np.int64) + (u < _THREE_UNITS)
