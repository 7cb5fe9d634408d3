"""Everything that purchases are drawn from and that does not change from day to day.

A world follows from size, seed and events alone, in a second, without its transactions: whoever
simulates customers draws it again (utility.py) instead of storing what is 48 numbers an article.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from hemline.data.synthetic import demand
from hemline.data.synthetic.articles import Catalogue, draw_catalogue
from hemline.data.synthetic.customers import Crowd, Visits, draw_crowd, draw_visits
from hemline.data.synthetic.intents import Minds
from hemline.data.synthetic.offer import Offer, cell_of
from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.preferences import draw_preferences
from hemline.data.synthetic.seasons import day_weights
from hemline.data.synthetic.tastes import draw_affinities

FloatArray = npt.NDArray[np.float64]
Stream = Callable[[int], np.random.Generator]


class ShopSize(BaseModel):
    """How many customers and articles, and from which day to which (both inclusive)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_customers: int = Field(ge=10)
    n_articles: int = Field(ge=20)
    first_day: date
    last_day: date

    @property
    def n_days(self) -> int:
        """Days on which the shop is open."""
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True)
class World:
    """Everything purchases are drawn from that does not change from day to day.

    Attributes:
        size: how many customers and articles, and the days.
        crowd: the customers.
        minds: what their intents are drawn from.
        visits: who visits on which day.
        catalogue: the articles.
        cell: int64 per article; see offer.cell_of.
        affinities: float32 of shape (styles, articles).
        opening_trend: float64 per article; see demand.next_trend.
        events: the planted events.
        stream: the random generator of a day.
    """

    size: ShopSize
    crowd: Crowd
    minds: Minds
    visits: Visits
    catalogue: Catalogue
    cell: npt.NDArray[np.int64]
    affinities: npt.NDArray[np.float32]
    opening_trend: FloatArray
    events: tuple[Event, ...]
    stream: Stream

    def date_of(self, day: int) -> date:
        """Return the date of a day, counted from the shop's first."""
        return self.size.first_day + timedelta(days=day)

    def offer_on(self, day: int, log_trend: FloatArray) -> Offer:
        """Return what is on sale on a day, given the articles' log trends of that day."""
        appeal = demand.appeal_on(self.catalogue, day, self.date_of(day), self.events)
        return Offer(self.cell, self.affinities, appeal * np.exp(log_trend))


def draw_world(size: ShopSize, seed: int, events: tuple[Event, ...]) -> World:
    """Return the world of a shop; the same arguments give the same world."""
    part, stream = _streams(seed)
    catalogue = draw_catalogue(size.n_articles, size.first_day, size.n_days, part(0))
    crowd = draw_crowd(size.n_customers, part(1))
    supply = catalogue.supply(size.n_days)
    affinities = draw_affinities(catalogue.articles, supply, part(2))
    preferences = draw_preferences(crowd.styles, catalogue, supply, affinities, part(6))
    mobility = part(4).random(size.n_customers)
    return World(
        size=size,
        crowd=crowd,
        minds=Minds(crowd.styles, preferences, mobility, events),
        visits=draw_visits(crowd, day_weights(size.first_day, size.last_day), part(3)),
        catalogue=catalogue,
        cell=cell_of(catalogue),
        affinities=affinities,
        opening_trend=demand.opening_trend(size.n_articles, part(5)),
        events=events,
        stream=stream,
    )


def _streams(seed: int) -> tuple[Stream, Stream]:
    """Return the generators of the parts and of the days, all independent of each other."""

    def stream(kind: int, number: int) -> np.random.Generator:
        key = np.random.SeedSequence(seed, spawn_key=(kind, number))
        return np.random.Generator(np.random.PCG64(key))

    return (lambda number: stream(0, number)), (lambda day: stream(1, day))
