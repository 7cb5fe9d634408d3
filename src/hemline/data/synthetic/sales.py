"""Transactions, drawn day by day: every basket is sold as the customer had it in mind.

The price of going day by day is a loop, some milliseconds a day plus the work that grows with the
rows.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hemline import columns
from hemline.data.synthetic.shop_days import Sales, ShopDays
from hemline.data.synthetic.world import World


def draw_transactions(world: World) -> pd.DataFrame:
    """Return all transactions (tables.TRANSACTIONS), ordered by day, customer and article."""
    days = ShopDays(world)
    return as_transactions(world, [sell_all(days) for _ in range(world.size.n_days)])


def sell_all(days: ShopDays) -> Sales:
    """Return the sales of the next day, on which all that lies in the baskets is bought."""
    begun = days.begin()
    return days.sell(begun, begun.visit, begun.article)


def as_transactions(world: World, sold: Sequence[Sales], first: int = 0) -> pd.DataFrame:
    """Return sales as tables.TRANSACTIONS.

    Args:
        world: the shop.
        sold: of days that follow each other.
        first: the first of them, counted from the shop's first.
    """
    opening = np.datetime64(world.date_of(first), "D")
    days = (opening + np.arange(len(sold))).astype("datetime64[s]")
    return pd.DataFrame(
        {
            columns.DAY: np.repeat(days, [len(day.customer) for day in sold]),
            columns.CUSTOMER: np.concatenate([day.customer for day in sold], dtype=np.int32),
            columns.ARTICLE: np.concatenate([day.article for day in sold], dtype=np.int32),
            columns.PRICE: np.concatenate([day.price for day in sold]),
            columns.CHANNEL: np.concatenate([day.channel for day in sold]),
        }
    )
