"""The lines of the till: invoices by day, with returns, postage and the bank's charges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd

from hemline.data.gift_shop.buyers import WHOLESALER, GiftBuyers, make_buyers
from hemline.data.gift_shop.wares import FloatArray, IntArray, Wares, make_wares
from hemline.files import replaced_file

FIRST_DAY: Final = date(2021, 11, 29)  # a Monday
N_WEEKS: Final = 104
END: Final = FIRST_DAY + timedelta(weeks=N_WEEKS)
FILE: Final = "till.csv"
SEED: Final = 7
_WEEK: Final = 7
_SATURDAY: Final = 5
_HOLIDAYS: Final = (
    *((12, 24), (12, 25), (12, 26), (12, 27), (12, 28), (12, 29), (12, 30), (12, 31)),
    *((1, 1), (1, 2), (1, 3), (5, 1), (5, 29), (8, 28)),
)
_GUEST_SHARE: Final = 0.25  # guests' invoices, for one of a customer
_RETURNED: Final = 0.015  # of the lines
_RETURN_DAYS: Final = 14
_POSTAGE: Final = 0.03  # of the invoices
_SALE_WEEKS: Final = range(2, 5)  # of the year
_SALE_PRICE, _BULK_PRICE, _BULK_UNITS = 0.8, 0.9, 12
_BULK: Final = ((6, 12, 24, 48), (0.35, 0.35, 0.2, 0.1))
_FEW: Final = ((1, 2, 3, 4), (0.6, 0.2, 0.1, 0.1))
_DEAR: Final = 5.0  # pounds: of what costs more, a wholesaler too takes few
_REMEMBERED: Final = 60  # latest lines that a buyer orders again from

GiftShopSize = Literal["tiny", "demo", "full"]
SIZES: Final[dict[GiftShopSize, tuple[int, int]]] = {
    "tiny": (180, 500),
    "demo": (2_000, 5_000),
    "full": (4_000, 15_000),
}
"""Articles and customers."""


@dataclass
class _Lines:
    """What is known of lines before prices and numbers: arrays of one length."""

    visits: IntArray
    visitors: IntArray
    articles: IntArray


def write_gift_shop(folder: Path, size: GiftShopSize, *, seed: int = SEED) -> Path:
    """Write two years of a gift shop's till as a csv file and return its path.

    Args:
        folder: that the file is written to.
        size: of SIZES.
        seed: another one is another shop.
    """
    rng = np.random.default_rng(seed)
    n_articles, n_customers = SIZES[size]
    wares = make_wares(rng, n_articles, N_WEEKS)
    buyers = make_buyers(rng, n_customers, _busy_weeks())
    sold = pd.concat(_weeks(rng, wares, buyers), ignore_index=True)
    lines = _with_invoices(rng, sold, wares, buyers)
    path = folder / FILE
    with replaced_file(path) as unfinished:
        lines.to_csv(unfinished, index=False)
    return path


def closed_days() -> list[date]:
    """Return the days on which the shop sells nothing: Saturdays, holidays and their days after."""
    every = (FIRST_DAY + timedelta(days=days) for days in range(_WEEK * N_WEEKS))
    return [day for day in every if not _is_open(day)]


def _is_open(day: date) -> bool:
    return day.weekday() != _SATURDAY and (day.month, day.day) not in _HOLIDAYS


def _monday(week: int) -> date:
    return FIRST_DAY + timedelta(weeks=week)


def _busy_weeks() -> FloatArray:
    """Return how busy each week is: most so in autumn, and by the days on which it is open."""
    factors = []
    for week in range(N_WEEKS):
        open_days = sum(_is_open(_monday(week) + timedelta(days=day)) for day in range(_WEEK))
        of_year = _monday(week).isocalendar().week
        factors.append((1 + 0.9 * np.exp(-(((of_year - 46) / 6) ** 2))) * open_days / 6)
    return np.array(factors)


def _weeks(rng: np.random.Generator, wares: Wares, buyers: GiftBuyers) -> "list[pd.DataFrame]":
    latest: list[list[int]] = [[] for _ in buyers.ids]
    guest = len(buyers.ids)
    weeks = []
    for week in range(N_WEEKS):
        counts = buyers.visits[week]
        guests = np.full(rng.poisson(_GUEST_SHARE * counts.sum()), guest)
        visitors = np.concatenate([np.repeat(np.arange(guest), counts), guests])
        if not len(visitors):
            continue
        lines = _lines_of_week(rng, wares, buyers, visitors, week, latest)
        days = [one for one in range(_WEEK) if _is_open(_monday(week) + timedelta(days=one))]
        minutes = rng.choice(days, len(visitors)) * 1440 + rng.integers(
            8 * 60, 18 * 60, len(visitors)
        )
        weeks.append(
            pd.DataFrame(
                {
                    "at": pd.Timestamp(_monday(week))
                    + pd.to_timedelta(minutes[lines.visits], "min"),
                    "visit": week * 1_000_000 + lines.visits,
                    "visitor": lines.visitors,
                    "article": lines.articles,
                    "week": week,
                }
            )
        )
    return weeks


def _lines_of_week(
    rng: np.random.Generator,
    wares: Wares,
    buyers: GiftBuyers,
    visitors: IntArray,
    week: int,
    latest: list[list[int]],
) -> _Lines:
    """Draw the lines of the visits, and append each to what its visitor bought latest."""
    n_lines = 1 + rng.poisson(buyers.lines_of(visitors) - 1)
    visits = np.repeat(np.arange(len(visitors)), n_lines)
    of_line = visitors[visits]
    demand = wares.demand(week, _monday(week).isocalendar().week)
    articles = _by_taste(rng, wares, buyers.taste[of_line], demand)
    is_in_season = demand >= wares.weights / 2
    again = rng.random(len(of_line)) < buyers.orders_again(of_line)
    for line in np.flatnonzero(again):
        known = [one for one in latest[of_line[line]][-_REMEMBERED:] if is_in_season[one]]
        if known:
            articles[line] = known[int(rng.integers(len(known)))]
    for visitor, article in zip(of_line.tolist(), articles.tolist(), strict=True):
        if visitor < len(latest):
            latest[visitor].append(article)
    return _Lines(visits, of_line, articles)


def _by_taste(
    rng: np.random.Generator, wares: Wares, taste: FloatArray, demand: FloatArray
) -> IntArray:
    """Draw an article for each line: first a theme by the visitor's taste, then by demand."""
    usual = np.bincount(wares.themes, wares.weights, taste.shape[1])
    now = np.bincount(wares.themes, demand, taste.shape[1]) / np.maximum(usual, 1e-9)
    cumulative = np.cumsum(taste * now, axis=1)
    themes = (rng.random(len(taste))[:, None] * cumulative[:, -1:] > cumulative).sum(axis=1)
    drawn = rng.random(len(taste))
    articles = np.empty(len(taste), np.int64)
    for theme in np.unique(themes):
        of_theme = np.flatnonzero((wares.themes == theme) & (demand > 0))
        if not len(of_theme):
            of_theme = np.flatnonzero(demand > 0)
        steps = np.cumsum(demand[of_theme])
        here = themes == theme
        place = np.searchsorted(steps, drawn[here] * steps[-1], side="right")
        articles[here] = of_theme[np.minimum(place, len(of_theme) - 1)]
    return articles


def _with_invoices(
    rng: np.random.Generator, sold: pd.DataFrame, wares: Wares, buyers: GiftBuyers
) -> pd.DataFrame:
    """Return the lines as the till exports them, oldest first."""
    units = _units(rng, sold, wares, buyers)
    lines = sold.assign(units=units).groupby(["at", "visit", "visitor", "article", "week"]).sum()
    lines = lines.reset_index()
    numbers = 536_000 + lines.groupby(["at", "visit"], sort=True).ngroup()
    of_year = np.array([_monday(week).isocalendar().week for week in range(N_WEEKS)])
    is_sale = np.isin(of_year[lines["week"]], _SALE_WEEKS)
    price = wares.prices[lines["article"]] * np.where(is_sale, _SALE_PRICE, 1.0)
    price = price * np.where(lines["units"] >= _BULK_UNITS, _BULK_PRICE, 1.0)
    names = [*buyers.ids, ""]
    till = pd.DataFrame(
        {
            "InvoiceNo": numbers.astype(str),
            "StockCode": _named(wares.codes, lines["article"]),
            "Description": _named(wares.descriptions, lines["article"]),
            "Quantity": lines["units"],
            "InvoiceDate": lines["at"],
            "UnitPrice": np.maximum(np.round(price, 2), 0.01),
            "CustomerID": _named(names, lines["visitor"]),
            "Country": buyers.countries[lines["visitor"]],
        }
    )
    parts = [till, _returns(rng, till), _postage(rng, till), _bank_charges()]
    return pd.concat(parts, ignore_index=True).sort_values("InvoiceDate", kind="stable")


def _units(
    rng: np.random.Generator, sold: pd.DataFrame, wares: Wares, buyers: GiftBuyers
) -> IntArray:
    is_bulk = (buyers.kinds[sold["visitor"]] == WHOLESALER) & (
        wares.prices[sold["article"]] < _DEAR
    )
    bulk, few = (rng.choice(sizes, len(sold), p=shares) for sizes, shares in (_BULK, _FEW))
    return np.asarray(np.where(is_bulk, bulk, few))


def _named(names: Sequence[str], places: "pd.Series[int]") -> "list[str]":
    return [names[place] for place in places]


def _returns(rng: np.random.Generator, till: pd.DataFrame) -> pd.DataFrame:
    """Return some lines of customers as taken back some days later, on an open day."""
    known = till[till["CustomerID"] != ""]
    back = known[rng.random(len(known)) < _RETURNED].copy()
    later = pd.to_timedelta(rng.integers(1, _RETURN_DAYS, len(back)), "D")
    back["InvoiceDate"] = back["InvoiceDate"] + later
    back["InvoiceNo"] = "C" + back["InvoiceNo"]
    back["Quantity"] = -np.maximum(back["Quantity"] // 2, 1)
    last = pd.Timestamp(_monday(N_WEEKS))
    is_open = back["InvoiceDate"].map(lambda at: _is_open(at.date()))
    return back[(back["InvoiceDate"] < last) & is_open]


def _postage(rng: np.random.Generator, till: pd.DataFrame) -> pd.DataFrame:
    first = till.drop_duplicates("InvoiceNo")
    some = first[rng.random(len(first)) < _POSTAGE]
    return some.assign(StockCode="POST", Description="POSTAGE", Quantity=1, UnitPrice=15.0)


def _bank_charges() -> pd.DataFrame:
    days = pd.date_range(FIRST_DAY, _monday(N_WEEKS), freq="MS")
    at = [day for day in days if _is_open(day.date())]
    return pd.DataFrame(
        {
            "InvoiceNo": [str(900_000 + number) for number in range(len(at))],
            "StockCode": "BANK CHARGES",
            "Description": "BANK CHARGES",
            "Quantity": 1,
            "InvoiceDate": [day + pd.Timedelta(hours=9) for day in at],
            "UnitPrice": -15.0,
            "CustomerID": "",
            "Country": "United Kingdom",
        }
    )
