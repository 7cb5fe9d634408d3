"""Transactions, drawn day by day: who buys what, in which channel and at which price.

A visit opens with an intent, resumed from the last visit or new (intents.py); the channel follows
from the customer and from what the intent is about, the size of the basket from the channel. What
lies in the basket is drawn in filled_baskets.py. Every day has its own random stream, so an event
cannot affect earlier days; the price is a loop over days, some milliseconds each plus the work that
grows with the rows.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.data.synthetic import demand
from hemline.data.synthetic.filled_baskets import fill_baskets
from hemline.data.synthetic.intents import DayVisits, IntentMemory, draw_intents
from hemline.data.synthetic.memory import Memory
from hemline.data.synthetic.offer import ONLINE, STORE, Offer
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


class Sales(NamedTuple):
    """The sales of a day, one element per unit, ordered by customer and article."""

    customer: IntArray
    article: IntArray
    price: npt.NDArray[np.float32]
    channel: npt.NDArray[np.int8]


def draw_transactions(world: World) -> pd.DataFrame:
    """Return all transactions (tables.TRANSACTIONS), ordered by day, customer and article."""
    memory = Memory(world.size.n_customers)
    intents = IntentMemory(world.size.n_customers)
    log_trend = world.opening_trend
    sold = []
    for day in range(world.size.n_days):
        rng = world.stream(day)
        log_trend = demand.next_trend(log_trend, rng)
        offer = world.offer_on(day, log_trend)
        sold.append(_sell(world, memory, intents, offer, day, rng))
    return _to_frame(sold, world)


def _sell(
    world: World,
    memory: Memory,
    intents: IntentMemory,
    offer: Offer,
    day: int,
    rng: np.random.Generator,
) -> Sales:
    visits, today = _enter(world, day, rng), world.date_of(day)
    begun, row = draw_intents(world.minds, intents, offer, visits, day=day, today=today, rng=rng)
    visit, article = fill_baskets(world, memory, offer, visits, begun.of(row), day, rng)
    n_articles = len(world.cell)
    pair, first = np.unique(visits.customer[visit] * n_articles + article, return_index=True)
    customer, article = np.divmod(pair, n_articles)
    visit = visit[first]
    product = world.catalogue.first_sibling[article]
    memory.remember(customer, article, product, day, rng.random(len(pair)))
    voucher = demand.draw_vouchers(len(visits.size), rng)[visit]
    price = demand.prices_on(
        world.catalogue,
        article,
        voucher,
        day=day,
        today=today,
        events=world.events,
        rng=rng,
    )
    units = _count_units(len(pair), rng)
    channel = _CHANNEL_IDS[visits.channel[visit]]
    parts = (customer, article, price, channel)
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


def _to_frame(sold: list[Sales], world: World) -> pd.DataFrame:
    days = np.arange(len(sold)) + np.datetime64(world.size.first_day, "D")
    n_rows = [len(day.customer) for day in sold]
    return pd.DataFrame(
        {
            columns.DAY: np.repeat(days.astype("datetime64[s]"), n_rows),
            columns.CUSTOMER: np.concatenate([day.customer for day in sold], dtype=np.int32),
            columns.ARTICLE: np.concatenate([day.article for day in sold], dtype=np.int32),
            columns.PRICE: np.concatenate([day.price for day in sold]),
            columns.CHANNEL: np.concatenate([day.channel for day in sold]),
        }
    )
