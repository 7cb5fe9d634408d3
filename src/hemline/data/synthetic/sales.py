"""Transactions, drawn day by day: who buys what, in which channel and at which price.

Each place in a basket is one of three: an article bought before, more likely if it was recent or is
a basic; a sibling (another colour) of an article in the basket or bought before; or a new article
on sale, drawn by its appeal to one of the customer's styles that day. Every day has its own random
stream, so an event cannot affect earlier days; the price is a loop over days, a few milliseconds
each plus the work that grows with the rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.data.synthetic import demand
from hemline.data.synthetic.articles import Catalogue
from hemline.data.synthetic.customers import Crowd, Visits
from hemline.data.synthetic.memory import Memory
from hemline.data.synthetic.planted_events import Event, strength_on
from hemline.data.synthetic.tastes import shifted

IntArray = npt.NDArray[np.int64]

_STORE, _ONLINE = 1, 2
_STYLE_STEPS: Final = np.array([0.7, 0.88, 0.96])  # favourite, second, third; the rest any style
_REPEAT_CHANCE: Final = 0.6
_RECALL: Final = 0.5  # chance that a repeat purchase is of the latest article
_SIBLING_CHANCE: Final = 0.12
_BASKET_SIBLING_CHANCE: Final = 0.1
_ATTEMPTS: Final = 8  # draws to find an article of a product not bought yet
_TURN_ONLINE: Final = 0.3  # of the visits to a closed store
_TWO_UNITS, _THREE_UNITS = 0.092, 0.009


class Sales(NamedTuple):
    """The sales of a day, one element per unit, ordered by customer and article."""

    customer: IntArray
    article: IntArray
    price: npt.NDArray[np.float32]
    channel: npt.NDArray[np.int8]


@dataclass(frozen=True)
class World:
    """Everything purchases are drawn from that does not change from day to day.

    Attributes:
        crowd: the customers.
        visits: who visits on which day.
        catalogue: the articles.
        affinities: float32 of shape (styles, articles).
        opening_trend: float64 per article; see demand.next_trend.
        mobility: float64 per customer; a taste shift moves those below its strength.
        events: the planted events.
        first_day: the day with number 0.
    """

    crowd: Crowd
    visits: Visits
    catalogue: Catalogue
    affinities: npt.NDArray[np.float32]
    opening_trend: npt.NDArray[np.float64]
    mobility: npt.NDArray[np.float64]
    events: Sequence[Event]
    first_day: date


def draw_transactions(
    world: World, n_days: int, stream: Callable[[int], np.random.Generator]
) -> pd.DataFrame:
    """Return all transactions (tables.TRANSACTIONS), ordered by day, customer and article.

    Args:
        world: everything that is constant.
        n_days: days from world.first_day on.
        stream: the random generator of a day.
    """
    memory = Memory(len(world.crowd.customers))
    log_trend = world.opening_trend
    sold = []
    for day in range(n_days):
        rng = stream(day)
        log_trend = demand.next_trend(log_trend, rng)
        sold.append(_sell(world, memory, log_trend, day, rng))
    return _to_frame(sold, world.first_day)


def _sell(
    world: World,
    memory: Memory,
    log_trend: npt.NDArray[np.float64],
    day: int,
    rng: np.random.Generator,
) -> Sales:
    today = world.first_day + timedelta(days=day)
    visitor, channel = _enter(world, day, today, rng)
    size = 1 + np.floor(rng.exponential(world.crowd.basket[visitor])).astype(np.int64)
    visit = np.repeat(np.arange(len(visitor)), size)
    customer = visitor[visit]
    style = _choose_styles(world, customer, today, rng)
    appeal = demand.appeal_on(world.catalogue, day, today, world.events) * np.exp(log_trend)
    article = _draw_new(world, memory, customer, style, appeal=appeal, rng=rng)
    eagerness = 1 / size[visit]  # single-article visits are often repeats
    article = _draw_repeats(world, memory, customer, article, eagerness=eagerness, day=day, rng=rng)
    article = _draw_siblings(world, visit, article, day, rng)
    visit, customer, article = (part[article >= 0] for part in (visit, customer, article))
    pair, first = np.unique(customer * len(appeal) + article, return_index=True)
    customer, article = np.divmod(pair, len(appeal))
    product = world.catalogue.first_sibling[article]
    memory.remember(customer, article, product, day)
    price = demand.prices_on(
        world.catalogue, article, day=day, today=today, events=world.events, rng=rng
    )
    units = _count_units(len(pair), rng)
    parts = (customer, article, price, channel[visit[first]])
    return Sales(*(np.repeat(part, units) for part in parts))


def _enter(
    world: World, day: int, today: date, rng: np.random.Generator
) -> tuple[IntArray, npt.NDArray[np.int8]]:
    """Return the day's visitors and the channel of each."""
    visitor = world.visits.on(day).astype(np.int64)
    u = rng.random((4, len(visitor)))
    in_store = u[0] < world.crowd.store_share[visitor]
    in_store &= u[1] >= strength_on(world.events, "channel_shift", today)
    closed = in_store & (u[2] < strength_on(world.events, "closed_stores", today))
    visits = ~closed | (u[3] < _TURN_ONLINE)
    channel = np.where(in_store & ~closed, _STORE, _ONLINE).astype(np.int8)
    return visitor[visits], channel[visits]


def _choose_styles(
    world: World, customer: IntArray, today: date, rng: np.random.Generator
) -> IntArray:
    place = np.searchsorted(_STYLE_STEPS, rng.random(len(customer)), side="right")
    style = world.crowd.styles[customer, place].astype(np.int64)
    moved = world.mobility[customer] < strength_on(world.events, "taste_shift", today)
    return np.where(moved, shifted(style), style)


def _draw_new(
    world: World,
    memory: Memory,
    customer: IntArray,
    style: IntArray,
    *,
    appeal: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> IntArray:
    """Return a new article per place, drawn by affinity times appeal; -1 if none was drawn.

    Without several attempts, a small catalogue would sell its few favourites again and again.
    """
    on_sale = np.flatnonzero(appeal)
    steps = np.cumsum(world.affinities[:, on_sale] * appeal[on_sale], axis=1)
    steps /= steps[:, -1:]
    steps += np.arange(len(steps))[:, None]  # one ascending array: row s covers [s, s + 1]
    product_of = world.catalogue.first_sibling
    article = np.full(len(customer), -1)
    for _ in range(_ATTEMPTS):
        open_ = np.flatnonzero(article < 0)
        u = style[open_] + rng.random(len(open_))
        place = np.searchsorted(steps.ravel(), u, side="right") - style[open_] * len(on_sale)
        drawn = on_sale[np.minimum(place, len(on_sale) - 1)]
        is_new = ~memory.knows(customer[open_], product_of[drawn])
        article[open_[is_new]] = drawn[is_new]
    return article


def _draw_repeats(
    world: World,
    memory: Memory,
    customer: IntArray,
    article: IntArray,
    *,
    eagerness: npt.NDArray[np.float64],
    day: int,
    rng: np.random.Generator,
) -> IntArray:
    """Replace some places by an article bought before or a sibling of one."""
    back = rng.geometric(_RECALL, len(customer)) - 1
    known, bought_on = memory.recall(customer, back)
    gap = day - bought_on.astype(np.float64)
    readiness = 0.65 * np.exp(-gap / 8) + 0.35 * np.exp(-gap / 150)
    u = rng.random((3, len(customer)))
    exists = known >= 0
    readiness *= world.catalogue.repeats[known] * eagerness
    again = exists & (u[0] < _REPEAT_CHANCE * readiness)
    again &= demand.is_on_sale(world.catalogue, known, day)
    other = _sibling(world.catalogue, known, u[2])
    varies = exists & (other != known) & (u[1] < _SIBLING_CHANCE)
    varies &= demand.is_on_sale(world.catalogue, other, day)
    return np.where(again, known, np.where(varies, other, article))


def _draw_siblings(
    world: World, visit: IntArray, article: IntArray, day: int, rng: np.random.Generator
) -> IntArray:
    """Replace some places of a basket by a sibling of the article before."""
    u = rng.random((2, len(article)))
    before = np.roll(article, 1)
    other = _sibling(world.catalogue, before, u[1])
    is_sibling = (visit == np.roll(visit, 1)) & (u[0] < _BASKET_SIBLING_CHANCE)
    is_sibling[:1] = False
    is_sibling &= before >= 0
    is_sibling &= (other != before) & demand.is_on_sale(world.catalogue, other, day)
    return np.where(is_sibling, other, article)


def _sibling(
    catalogue: Catalogue, article: npt.NDArray[np.integer], u: npt.NDArray[np.float64]
) -> IntArray:
    step = np.floor(u * catalogue.n_siblings[article]).astype(np.int64)
    return np.asarray(catalogue.first_sibling[article] + step, np.int64)


def _count_units(n_pairs: int, rng: np.random.Generator) -> IntArray:
    u = rng.random(n_pairs)
    return 1 + (u < _TWO_UNITS).astype(np.int64) + (u < _THREE_UNITS)


def _to_frame(sold: list[Sales], first_day: date) -> pd.DataFrame:
    days = np.arange(len(sold)) + np.datetime64(first_day, "D")
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
