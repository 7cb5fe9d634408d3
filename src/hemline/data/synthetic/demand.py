"""Demand on a day: the appeal of every article on sale, and its price.

Demand for an article ramps up within days, decays over its life unless it is a staple, follows the
season of its garment group and has a random trend. Because of the trend, last week's bestsellers
predict next week better than the bestsellers of two years.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic.articles import Catalogue
from hemline.data.synthetic.planted_events import Event, strength_on
from hemline.data.synthetic.seasons import PEAKS, log_demand

FloatArray = npt.NDArray[np.float64]

_RAMP_DAYS: Final = 4.0
_DECAY: Final = 0.8  # share of its life after which an article's demand is down to 1 / e
_TREND_RETAINED: Final = 0.94  # share of a trend that lasts to the next day: a half-life of 11 days
_TREND_SPREAD: Final = 0.6
_STAPLE_APPEAL: Final = 0.9

_MARKDOWN_STEPS: Final = np.array([0.6, 0.85])  # shares of a life at which the price falls
_MARKDOWNS: Final = np.array([1.0, 0.8, 0.6])
_TICKET_SCALE: Final = 59_000  # cents of a ticket per unit of Kaggle's price: 19.99 is 0.0339
_UNSCALED: Final = 590  # what a broken price column is multiplied by
_LEFT: Final = (1.0, 0.9, 0.75)  # of a price after a voucher, or none
_VOUCHERS: Final = (0.86, 0.10, 0.04)  # how many visits have each


def opening_trend(n_articles: int, rng: np.random.Generator) -> FloatArray:
    """Return the log trend of every article on the day before the first."""
    return rng.normal(0, _TREND_SPREAD, n_articles)


def next_trend(log_trend: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the articles' log trends of the following day, of the same spread."""
    noise = rng.normal(0, _TREND_SPREAD, len(log_trend))
    return np.asarray(
        _TREND_RETAINED * log_trend + np.sqrt(1 - _TREND_RETAINED**2) * noise, np.float64
    )


def is_on_sale(
    catalogue: Catalogue, articles: npt.NDArray[np.integer], day: int
) -> npt.NDArray[np.bool_]:
    """Return whether each of the given articles is on sale on the day."""
    sold = (catalogue.launch[articles] <= day) & (day <= catalogue.last[articles])
    return np.asarray(sold, np.bool_)


def appeal_on(catalogue: Catalogue, day: int, today: date, events: Sequence[Event]) -> FloatArray:
    """Return the demand for every article today before trend and taste; 0 when not on sale."""
    age = np.maximum(day - catalogue.launch.astype(np.float64), 0)
    life = catalogue.last.astype(np.float64) - catalogue.launch + 1
    decay = np.where(catalogue.is_staple, _STAPLE_APPEAL, np.exp(-age / (_DECAY * life)))
    ramp = 1 - np.exp(-(age + 1) / _RAMP_DAYS)
    ahead = timedelta(days=strength_on(events, "season_change", today))
    season = np.exp(log_demand(list(PEAKS), today + ahead))[catalogue.garment_group]
    on_sale = is_on_sale(catalogue, np.arange(len(age)), day)
    return np.asarray(catalogue.appeal * decay * ramp * season * on_sale, np.float64)


def prices_on(
    catalogue: Catalogue,
    articles: npt.NDArray[np.int64],
    voucher: FloatArray,
    *,
    day: int,
    today: date,
    events: Sequence[Event],
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Return the price of each article today: ticket, markdown, voucher and planted events."""
    price = np.rint(_marked_down_cents(catalogue, articles, day) * voucher) / _TICKET_SCALE
    price *= 1 + strength_on(events, "price_change", today)
    broken = rng.random(len(articles)) < strength_on(events, "broken_column", today)
    return np.asarray(np.where(broken, price * _UNSCALED, price), np.float32)


def expected_prices(
    catalogue: Catalogue,
    articles: npt.NDArray[np.int64],
    *,
    day: int,
    today: date,
    events: Sequence[Event],
) -> FloatArray:
    """Return what customers pay for each article today on average over their vouchers.

    A broken column changes what is written down, not what is paid, so it does not count.
    """
    price = _marked_down_cents(catalogue, articles, day) * np.dot(_LEFT, _VOUCHERS) / _TICKET_SCALE
    return np.asarray(price * (1 + strength_on(events, "price_change", today)), np.float64)


def draw_vouchers(n_visits: int, rng: np.random.Generator) -> FloatArray:
    """Return the share of the price that the voucher of a visit leaves."""
    return np.asarray(rng.choice(_LEFT, n_visits, p=_VOUCHERS), np.float64)


def _marked_down_cents(
    catalogue: Catalogue, articles: npt.NDArray[np.int64], day: int
) -> FloatArray:
    return np.asarray(
        catalogue.ticket_cents[articles] * _markdowns(catalogue, articles, day), np.float64
    )


def _markdowns(catalogue: Catalogue, articles: npt.NDArray[np.int64], day: int) -> FloatArray:
    launch = catalogue.launch[articles].astype(np.float64)
    lived = (day - launch) / np.maximum(catalogue.last[articles] - launch, 1)
    markdown = _MARKDOWNS[np.searchsorted(_MARKDOWN_STEPS, lived)]
    return np.where(catalogue.is_staple[articles], 1.0, markdown)
