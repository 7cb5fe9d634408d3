"""Popularity at the first day of a past week: what the champion is compared with.

It is the model of the catalogue, fitted as a training fits it: from the customers' purchases and
the guests' baskets. It reads no further back than popularity counts.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.data.guest_sales import select_guests
from hemline.data.guests import guest_histories
from hemline.data.history_building import read_unlikes
from hemline.data.purchases import select_purchases
from hemline.engine.engine import Engine
from hemline.evaluation.protocol import BASELINE
from hemline.evaluation.version_lists import LIST_LENGTH
from hemline.models.catalogue import TrainingData, entry_of
from hemline.models.popularity import PopularityParams
from monitoring.buyer_histories import histories_of

_CENTURY: Final = 36_525  # days; a longer window has no first day


class Popular(NamedTuple):
    """The popularity baseline at the first day of a week.

    Attributes:
        articles: int32 of shape (12,); everybody's list.
        n_on_sale: how many articles were bought within popularity's window.
    """

    articles: npt.NDArray[np.int32]
    n_on_sale: int


def popular_at(
    engine: Engine, table_folder: Path, cut: date, n_articles: int, params: PopularityParams
) -> Popular:
    """Return popularity at a cut.

    Args:
        engine: reads the tables.
        table_folder: transactions, and guest_sales and unlikes where there are any.
        cut: the first day that is not known yet.
        n_articles: how many articles there are.
        params: section `popularity`.

    Raises:
        BadInput: no transaction lies in the days before the cut that popularity counts.
    """
    sales, guest_sales = (
        table_folder / f"{name}.parquet" for name in ("transactions", "guest_sales")
    )
    start = _first_counted(engine, [sales, guest_sales], cut, params)
    recent = select_purchases(engine, sales, start=start, end=cut)
    guests = select_guests(engine, guest_sales, start=start, end=cut)
    customers = np.sort(recent[columns.CUSTOMER].unique())
    unlikes = read_unlikes(table_folder / "unlikes.parquet")
    known = histories_of(recent, customers, cut, n_articles, unlikes)
    data = TrainingData(
        histories=lambda: known,
        guests=lambda: guest_histories(guests, cut=cut, n_articles=n_articles),
    )
    # Everybody gets the same list, so that of the first customer will do.
    fitted = entry_of(BASELINE).fit(data, params)
    lists = fitted.recommend(known.rows(np.arange(1)), LIST_LENGTH)
    on_sale = pd.concat([recent[columns.ARTICLE], guests[columns.ARTICLE]])
    return Popular(lists.articles[0], on_sale.nunique())


def _first_counted(engine: Engine, sales: list[Path], cut: date, params: PopularityParams) -> date:
    """Return the first day of popularity's window; after a closure, of the one before it."""
    window = timedelta(days=min(params.window_days, _CENTURY))
    latest: date | None = max(
        (last for path in sales if (last := _last_before(engine, path, cut))), default=None
    )
    if latest is None or latest >= cut - window:
        return cut - window
    return latest + timedelta(days=1) - window


def _last_before(engine: Engine, sales: Path, cut: date) -> date | None:
    """Return the last day with a sale before the cut; None without one, or without the table."""
    if not sales.exists():
        return None
    day = nw.col(columns.DAY)
    last = engine.to_arrow(engine.read(sales).filter(day < cut).select(day.max()))
    latest: date | None = last[columns.DAY][0].as_py()
    return latest
