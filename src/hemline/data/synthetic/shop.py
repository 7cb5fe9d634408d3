"""Generating a shop of any size from a few numbers and a seed.

Everything is drawn from PCG64 streams spawned from the seed, one per part and one per day. The same
seed gives the same bytes with the same NumPy; another NumPy may draw differently (its stream policy
allows it), which is why requirements.lock pins it.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final, Literal

import pandas as pd
from pydantic import Field

from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.sales import draw_transactions
from hemline.data.synthetic.truth import Truth, collect_truth
from hemline.data.synthetic.world import ShopSize, World, draw_world
from hemline.params import Section

_LAST_DAY: Final = date(2020, 9, 22)  # the last day of the genuine data, and of its test week

SIZES: Final = {
    "tiny": ShopSize(
        n_customers=500, n_articles=150, first_day=date(2019, 9, 23), last_day=_LAST_DAY
    ),
    "demo": ShopSize(
        n_customers=20_000, n_articles=5_000, first_day=date(2018, 9, 20), last_day=_LAST_DAY
    ),
    "full": ShopSize(
        n_customers=1_371_980, n_articles=105_542, first_day=date(2018, 9, 20), last_day=_LAST_DAY
    ),
}


class SyntheticParams(Section):
    """Section `synthetic`: a named size or explicit counts, the seed, and the planted events."""

    section: ClassVar[str] = "synthetic"

    size: Literal["tiny", "demo", "full"] | ShopSize
    seed: int = Field(ge=0)
    events: tuple[Event, ...]


@dataclass(frozen=True)
class GeneratedShop:
    """A generated shop.

    Attributes:
        articles: Kaggle's 25 columns; row i is the article with key i; ids ascend.
        customers: Kaggle's 7 columns; row i is the customer with key i; ids ascend.
        transactions: columns of tables.TRANSACTIONS, one row per unit, ordered by day, customer and
            article.
        truth: the hidden variables of the shop.
    """

    articles: pd.DataFrame
    customers: pd.DataFrame
    transactions: pd.DataFrame
    truth: Truth


def world_of(params: SyntheticParams) -> World:
    """Return what the shop's purchases are drawn from, in a second, without drawing them."""
    size = params.size if isinstance(params.size, ShopSize) else SIZES[params.size]
    return draw_world(size, params.seed, params.events)


def generate_shop(params: SyntheticParams) -> GeneratedShop:
    """Return the shop; the same params give the same bytes, and events change no earlier day."""
    world = world_of(params)
    transactions = draw_transactions(world)
    return GeneratedShop(
        world.catalogue.articles, world.crowd.customers, transactions, collect_truth(world)
    )
