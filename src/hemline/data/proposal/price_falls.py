"""Whether a shop's prices fall in sales, read from its transactions.

While last year is unknown, the monitor expects no season of the columns of `monitor.steady`: a
change of them is a drift. Of prices that holds only in a shop without sales. So the prices of
repeated articles are compared, article by article, with their own in the weeks before, and a week
in which they fell well below the usual says that the shop has sales.

The price: a single price cut for good counts as a sale. Then a change of prices is called new in
the first year, and a person looks at it, instead of starting a training.
"""

from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from hemline import columns, tables
from hemline.edited_params import remove_item
from hemline.engine.engine import Engine

_EARLIER: Final = (2, 7)  # weeks ago, from and to: without the last, which may be of the same sale
_LEAST_FALL: Final = 0.05  # of the logarithm
_LEAST_ERRORS: Final = 4.0
_LEAST_ARTICLES: Final = 10
_WEEKS_OF_A_YEAR: Final = 53


class PriceFall(NamedTuple):
    """A week in which prices were lower than usual.

    Attributes:
        first: its first day.
        change: of the price of the average repeated article, as a share; negative.
    """

    first: date
    change: float


class PriceWeeks(NamedTuple):
    """What the weeks of the data tell of prices.

    Attributes:
        n_weeks: weeks from the first transaction to the last.
        falls: the weeks in which prices fell, in order.
    """

    n_weeks: int
    falls: tuple[PriceFall, ...]

    @property
    def why_not_steady(self) -> str:
        """Why a season has to be expected of prices, as a sentence; empty where there is none."""
        if self.falls:
            deepest = min(self.falls, key=lambda one: one.change)
            return (
                f"in {len(self.falls)} of {self.n_weeks} weeks prices of repeated articles fell, "
                f"most in the week from {deepest.first} on ({deepest.change:+.0%}): sales, which "
                "the monitor would call drift while last year is unknown"
            )
        if self.n_weeks < _WEEKS_OF_A_YEAR:
            return (
                f"the data hold {self.n_weeks} weeks, less than a year: whether prices fall in a "
                "sale is not known yet, and the monitor would call the first one drift"
            )
        return ""


def read_price_weeks(engine: Engine, transactions: Path) -> PriceWeeks:
    """Return in which weeks the prices of repeated articles fell.

    A week counts where the mean change against the same articles' prices two to seven weeks before
    is at least 5 % below that of the median week, and four of its standard errors.

    Args:
        engine: reads the table.
        transactions: parquet file of tables.TRANSACTIONS.
    """
    prices, n_weeks = _weekly_prices(engine, transactions)
    changes = _changes(prices)
    if changes.empty:
        return PriceWeeks(n_weeks, ())
    changes["below"] = changes["mean"] - changes["mean"].median()
    is_large = changes["below"] <= -_LEAST_FALL
    fell = changes[is_large & (changes["below"] <= -_LEAST_ERRORS * changes["error"])]
    change = np.expm1(fell["below"]).tolist()
    return PriceWeeks(n_weeks, tuple(map(PriceFall, fell["first"].tolist(), change)))


def propose_steady(engine: Engine, transactions: Path, params: Path) -> str:
    """Take price out of monitor.steady where it has a season; return what was chosen and why.

    Empty where price is not in the list, or nothing has a price.

    Args:
        engine: reads the table.
        transactions: parquet file of tables.TRANSACTIONS.
        params: params.yaml.
    """
    if not tables.has_values(transactions, columns.PRICE):
        return ""
    weeks = read_price_weeks(engine, transactions)
    if not weeks.why_not_steady:
        return f"monitor.steady: in none of {weeks.n_weeks} weeks did prices fall; price stays"
    if not remove_item(params, "monitor", "steady", columns.PRICE):
        return ""
    return f"monitor.steady: price removed: {weeks.why_not_steady}"


def _weekly_prices(engine: Engine, transactions: Path) -> tuple[pd.DataFrame, int]:
    """Return the mean price of the lines of each article and week, and the number of weeks."""
    price, key = nw.col(columns.PRICE), (columns.ARTICLE, columns.DAY)
    rows = engine.read(transactions)
    span = rows.select(first=nw.col(columns.DAY).min(), last=nw.col(columns.DAY).max())
    (whole,) = engine.to_arrow(span).to_pylist()
    paid = rows.filter(price > 0).group_by(*key).agg(total=price.sum(), n=nw.len()).sort(*key)
    daily: pd.DataFrame = engine.to_arrow(paid).to_pandas()
    day = pd.to_datetime(daily[columns.DAY])
    daily["week"] = (day - pd.Timestamp(whole["first"])).dt.days // 7
    weekly = daily.groupby(["week", columns.ARTICLE])[["total", "n"]].sum()
    prices = (weekly["total"] / weekly["n"]).rename("price").reset_index()
    prices["first"] = [
        (pd.Timestamp(whole["first"]) + pd.Timedelta(weeks=week)).date() for week in prices["week"]
    ]
    return prices, ((whole["last"] - whole["first"]).days + 1) // 7


def _changes(prices: pd.DataFrame) -> pd.DataFrame:
    """Return, by week with enough repeated articles, the mean log change and its error."""
    before = [
        prices[["week", columns.ARTICLE, "price"]].assign(week=prices["week"] + back)
        for back in range(_EARLIER[0], _EARLIER[1] + 1)
    ]
    key = ["week", columns.ARTICLE]
    usual = pd.concat(before).groupby(key)["price"].mean().rename("usual")
    repeated = prices.join(usual, on=key, how="inner")
    repeated["change"] = np.log(repeated["price"] / repeated["usual"])
    summary = repeated.groupby("week").agg(
        first=("first", "first"),
        mean=("change", "mean"),
        spread=("change", "std"),
        n=("change", "size"),
    )
    summary["error"] = summary["spread"] / np.sqrt(summary["n"])
    return summary[summary["n"] >= _LEAST_ARTICLES].copy()
