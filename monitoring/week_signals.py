"""The signals of a week: what is bought, at which prices, and how the shop does.

Prices are compared like for like, an article's price with its own in the recent weeks, because the
mean price changes with what is bought. Articles not sold in those weeks are left out. The level of
prices is a signal of its own, `price_level`.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns
from monitoring.habits import habits_of
from monitoring.monitor_params import MonitorParams
from monitoring.signals import ALL, FloatArray, IntArray, Signal, as_totals, number
from monitoring.week_data import WeekData

_SEGMENT: Final = "index_group_name"
_WITHIN: Final = "product_group_name"


def signals_of(week: WeekData, params: MonitorParams) -> Iterator[Signal]:
    """Yield all signals of a week, without those that need more past than the data have."""
    lines = week.lines
    if week.has_channels:
        channel, names = pd.factorize(lines[columns.CHANNEL], sort=True)
        yield _shares(columns.CHANNEL, lines, channel, np.asarray(names, object))
    for name in article_groups(week):
        coded = week.articles[name]
        yield _shares(name, lines, coded.codes[lines[columns.ARTICLE]], coded.names)
    yield _price_level(lines, params.price_step)
    for attribute in week.attributes:
        yield _attribute(str(attribute), week.attributes[attribute])
    yield from _shop(week)
    yield from habits_of(week, params)
    if week.has_prices:
        yield _price(lines)
    yield from _segments(week, params.min_buyers)


def article_groups(week: WeekData) -> list[str]:
    """Return the columns by which the week's articles are grouped, the usual ones first."""
    return [name for name in week.articles if name != columns.PRODUCT_CODE]


def _shares(
    name: str,
    lines: pd.DataFrame,
    code: IntArray,
    names: npt.NDArray[np.object_],
    segment: str = ALL,
) -> Signal:
    """Return the shares of categories in the units that each buyer bought."""
    buyers, row = np.unique(lines["buyer"].to_numpy(), return_inverse=True)
    codes, category = np.unique(code, return_inverse=True)
    units = lines[columns.UNITS].to_numpy(np.float64)
    weight = units / np.bincount(row, units)[row]
    shares = sparse.csr_matrix((weight, (row, category)), shape=(len(buyers), len(codes)))
    return Signal("transactions", name, segment, tuple(names[codes]), buyers, shares)


def _price_level(lines: pd.DataFrame, step: float) -> Signal:
    """Return the shares of price levels; articles without a price are on one of their own."""
    level = np.floor(lines["log_price"].to_numpy() / np.log(step))
    levels, code = np.unique(level, return_inverse=True)
    names = [
        "no price" if np.isnan(number) else f"{step**number:.3g} to {step ** (number + 1):.3g}"
        for number in levels.tolist()
    ]
    return _shares("price_level", lines, code, np.array(names, object))


def _attribute(name: str, of_buyers: "pd.Series[str]") -> Signal:
    code, names = pd.factorize(of_buyers, sort=True)
    everybody = pd.DataFrame({"buyer": np.arange(len(code)), columns.UNITS: 1.0})
    return _shares(name, everybody, code, np.asarray(names, object))


def _price(lines: pd.DataFrame, segment: str = ALL) -> Signal:
    """Return each buyer's mean log price change, over articles sold in the recent weeks."""
    buyers, means = _means(lines[lines["log_change"].notna()], "log_change")
    return number("transactions", columns.PRICE, buyers, means, segment=segment)


def _means(lines: pd.DataFrame, name: str) -> tuple[IntArray, FloatArray]:
    """Return the buyers and the mean over the units of each."""
    buyers, row = np.unique(lines["buyer"].to_numpy(), return_inverse=True)
    units = lines[columns.UNITS].to_numpy(np.float64)
    total = np.bincount(row, units * lines[name].to_numpy(np.float64))
    return buyers, total / np.bincount(row, units)


def _shop(week: WeekData) -> Iterator[Signal]:
    """Yield buyers, units sold, basket size, and shares of new articles and cold customers."""
    everybody = np.arange(week.n_buyers)
    units = np.bincount(week.lines["buyer"], week.lines[columns.UNITS]).astype(np.float64)
    for name, measured in (("buyers", np.ones(week.n_buyers)), ("volume", units)):
        matrix = sparse.csr_matrix(measured[:, None])
        yield Signal("shop", name, ALL, ("",), everybody, matrix, as_totals)
    yield number("shop", "basket_size", everybody, units)
    if week.has_prices:
        yield number("shop", "new_articles", *_means(week.lines, "is_new"))
    if week.past is not None:
        n_bought = np.diff(week.past[week.customers].indptr)
        yield number("shop", "newcomers", everybody, (n_bought == 0).astype(np.float64))


def _segments(week: WeekData, min_buyers: int) -> Iterator[Signal]:
    """Yield channel, product groups and prices within each index group with enough buyers.

    The first category there is stands for index groups in a shop without them.
    """
    names_of_groups = article_groups(week)
    if not names_of_groups:
        return
    groups = week.articles[_SEGMENT if _SEGMENT in names_of_groups else names_of_groups[0]]
    product = week.articles.get(_WITHIN)
    group = groups.codes[week.lines[columns.ARTICLE]]
    for code in np.unique(group):
        lines, segment = week.lines[group == code], str(groups.names[code])
        if lines["buyer"].nunique() < min_buyers:
            continue
        if week.has_channels:
            channel, names = pd.factorize(lines[columns.CHANNEL], sort=True)
            yield _shares(columns.CHANNEL, lines, channel, np.asarray(names, object), segment)
        if product is not None and product is not groups:
            bought = product.codes[lines[columns.ARTICLE]]
            yield _shares(_WITHIN, lines, bought, product.names, segment)
        compared = lines[lines["log_change"].notna()]
        if week.has_prices and compared["buyer"].nunique() >= min_buyers:
            yield _price(lines, segment)
