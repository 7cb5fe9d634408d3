"""The loops of `feature_groups`, in a module of their own because numba compiles them.

A customer's purchases are gone through once, and what they say of each value of each attribute is
written into a table with a row per value; a pair then reads the rows of its article's values. Sums
are added in the order of the purchases, so a pair has the same features whoever is described too.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined

Matrix = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Articles = npt.NDArray[np.int32]

_SINCE, _SHORT, _LONG, _BASKET = range(4)


class Bought(NamedTuple):
    """What the customers bought; see histories.Histories.

    Attributes:
        indptr: where the purchases of each customer start.
        articles: of all purchases.
        days: float32 beside `articles`.
        short: float32 beside `articles`; what each counts lately.
        long: float32 beside `articles`; what each counts in a year.
    """

    indptr: npt.NDArray[np.signedinteger]
    articles: Articles
    days: Matrix
    short: Matrix
    long: Matrix


class ArticleValues(NamedTuple):
    """What is known of the articles.

    Attributes:
        codes: int32 of shape (articles, attributes), from -1 on; the first is the product.
        starts: int64 of shape (attributes + 1,); the row of each attribute's first value.
        log_price: float32 of shape (articles,).
        product: float32 of shape (articles, numbers); article_features.PRODUCT_NAMES.
    """

    codes: Articles
    starts: Integers
    log_price: Matrix
    product: Matrix


class FirstColumns(NamedTuple):
    """The first column of each group; -1 for one that is switched off."""

    intent: int
    basket: int
    product: int
    interval: int


@compiled
def fill_groups(
    rows: Integers,
    articles: Articles,
    bought: Bought,
    values: ArticleValues,
    first: FirstColumns,
    table: Matrix,
) -> None:
    """Write the columns of the groups for each pair.

    Args:
        rows: int64 of shape (pairs,), ascending; row of the customers.
        articles: int32 beside `rows`.
        bought: by the customers.
        values: of the articles.
        first: column of each group in the table.
        table: float32 of shape (pairs, columns); changed.
    """
    by_value = np.empty((values.starts[-1], 4), np.float32)
    customer, row = np.empty(5, np.float32), np.int64(-1)
    for pair in range(len(rows)):
        if rows[pair] != row:
            row = rows[pair]
            _describe(bought.indptr[row], bought.indptr[row + 1], bought, values, by_value)
            _describe_days(bought.indptr[row], bought.indptr[row + 1], bought, values, customer)
        article, out = articles[pair], table[pair]
        if first.intent >= 0:
            _write_values(article, values, by_value, _SINCE, _LONG, out[first.intent :])
        if first.basket >= 0:
            end = first.basket + values.codes.shape[1] - 1
            _write_values(article, values, by_value, _BASKET, _BASKET, out[first.basket :])
            price = values.log_price[article]
            out[end] = price - customer[0] if math.isfinite(price) else np.nan
            out[end + 1] = customer[1]
        if first.product >= 0:
            n_numbers = values.product.shape[1]
            out[first.product : first.product + n_numbers] = values.product[article]
            start, end = bought.indptr[row], bought.indptr[row + 1]
            of_pair = out[first.product + n_numbers :]
            _write_other_colours(article, start, end, bought, values.codes, of_pair)
        if first.interval >= 0:
            out[first.interval : first.interval + 3] = customer[2:]


@inlined
def _describe(
    start: int, end: int, bought: Bought, values: ArticleValues, by_value: Matrix
) -> None:
    """Write, of each value: days since, shares lately and in a year, share of the last basket."""
    by_value[:, _SINCE], by_value[:, _SHORT:] = np.nan, 0
    short, long, size, last = np.float32(0), np.float32(0), np.float32(0), np.float32(np.inf)
    for entry in range(start, end):
        short, long = short + bought.short[entry], long + bought.long[entry]
        last = min(last, bought.days[entry])
    for entry in range(start, end):
        days, article = bought.days[entry], bought.articles[entry]
        size += days == last
        for attribute in range(1, values.codes.shape[1]):
            value = by_value[_place(article, attribute, values)]
            value[_SINCE] = days if not value[_SINCE] <= days else value[_SINCE]
            value[_SHORT] += bought.short[entry]
            value[_LONG] += bought.long[entry]
            value[_BASKET] += days == last
    by_value[:, _SHORT] /= max(short, np.float32(1e-30))
    by_value[:, _LONG] /= max(long, np.float32(1e-30))
    by_value[:, _BASKET] /= max(size, np.float32(1))


@inlined
def _place(article: int, attribute: int, values: ArticleValues) -> int:
    """Return the row of the article's value of an attribute; a null is the first value."""
    place: int = values.starts[attribute] + values.codes[article, attribute] + 1
    return place


@inlined
def _describe_days(
    start: int, end: int, bought: Bought, values: ArticleValues, customer: Matrix
) -> None:
    """Write price and size of the last basket, days with purchases, their gap, gaps since then."""
    customer[:] = np.nan
    days = np.sort(bought.days[start:end])
    n_days, size, n_priced, total = 0, 0, 0, 0.0
    for place in range(len(days)):
        n_days += place == 0 or days[place] > days[place - 1]
    for entry in range(start, end):
        if bought.days[entry] == days[0]:
            price = values.log_price[bought.articles[entry]]
            size += 1
            if math.isfinite(price):
                n_priced, total = n_priced + 1, total + np.float64(price)
    if n_priced:
        customer[0] = total / n_priced
    customer[1], customer[2] = size, n_days
    if n_days > 1:
        gap = (days[-1] - days[0]) / np.float32(n_days - 1)
        customer[3], customer[4] = gap, days[0] / max(gap, np.float32(1))


@inlined
def _write_values(
    article: int, values: ArticleValues, by_value: Matrix, first: int, last: int, out: Matrix
) -> None:
    """Write some columns of the article's values, one after the other, each for all attributes."""
    n_attributes = values.codes.shape[1] - 1
    for attribute in range(n_attributes):
        place = _place(article, attribute + 1, values)
        for column in range(first, last + 1):
            out[(column - first) * n_attributes + attribute] = by_value[place, column]


@inlined
def _write_other_colours(
    candidate: int, start: int, end: int, bought: Bought, codes: Articles, out: Matrix
) -> None:
    """Write how many other articles of the product were bought, and days since; NaN if never."""
    n_others, since = 0, np.float32(np.nan)
    for entry in range(start, end):
        article, days = bought.articles[entry], bought.days[entry]
        if article != candidate and codes[article, 0] == codes[candidate, 0]:
            n_others += 1
            since = days if not since <= days else since
    out[0], out[1] = n_others, since
