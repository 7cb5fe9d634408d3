"""The composition of lists: articles by their groups, price, popularity and novelty.

Price and popularity are cut into tiers of equal sales, not of equal numbers of articles, so that a
list in proportion to sales has equal tiers and deviations can be read directly. Everything is known
before the cut; the tiers are computed from the last `recent_days`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.article_attributes import as_categories, categories
from hemline.engine.engine import Engine

Values = npt.NDArray[np.float64]

PRICE: Final = "price"
POPULARITY: Final = "popularity"
NOVELTY: Final = "novelty"
INDEX_GROUP: Final = "index_group_name"
ARTICLE_GROUP: Final = "product_group_name"
_PRICES: Final = ("cheapest quarter", "second quarter", "third quarter", "dearest quarter")
_POPULARITIES: Final = ("head", "middle", "tail")
_HALF_YEAR_DAYS: Final = 182
_PRICE_STEPS: Final = 1_000_000_000  # summed as integers, prices have the same mean in every engine


@dataclass(frozen=True)
class Aspect:
    """One way to divide articles into categories.

    Attributes:
        name: what they are divided by.
        categories: the names, in reading order.
        codes: int64 of shape (articles,); index into categories.
        sold: float64 of shape (categories,); share of the recent sales.
    """

    name: str
    categories: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    sold: Values

    def shares(self, listed: sparse.csr_matrix) -> Values:
        """Return how each row divides among the categories, shape (customers, categories).

        Args:
            listed: CSR of shape (customers, articles); a nonzero is an article of the row. An empty
                row has no shares: zeros.
        """
        member = sparse.csr_matrix(
            (np.ones(len(self.codes)), (np.arange(len(self.codes)), self.codes)),
            shape=(len(self.codes), len(self.categories)),
        )
        counts = (listed @ member).toarray()
        return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def sales_of_articles(
    engine: Engine, purchases: Path, *, cut: date, recent_days: int, n_articles: int
) -> pd.DataFrame:
    """Return sales (purchases in the last recent_days), price and days_on_sale of every article.

    Args:
        engine: reads them.
        purchases: parquet file of tables.PURCHASES, all before cut.
        cut: the cut; an article first bought the day before was one day on sale.
        recent_days: how far back sales count.
        n_articles: rows of the result; an article never bought has 0 sales, no price and no days,
            and one that was only given away has no price.
    """
    is_recent = nw.col(columns.DAY) >= cut - timedelta(days=recent_days)
    steps = (nw.col(columns.PRICE).cast(nw.Float64) * _PRICE_STEPS + 0.5).floor()
    rows = engine.read(purchases).select(
        columns.ARTICLE,
        columns.DAY,
        sales=is_recent.cast(nw.Int64),
        price=steps.cast(nw.Int64),
        n_priced=(nw.col(columns.PRICE) > 0).cast(nw.Int64),
    )
    by_article = rows.group_by(columns.ARTICLE).agg(
        *(nw.col(name).sum().cast(nw.Int64) for name in ("sales", "price", "n_priced")),
        first_day=nw.col(columns.DAY).min(),
    )
    totals = engine.to_arrow(by_article).to_pandas(date_as_object=False)
    totals = totals.set_index(columns.ARTICLE).reindex(np.arange(n_articles))
    return pd.DataFrame(
        {
            "sales": totals["sales"].fillna(0).astype(np.int64),
            "price": totals["price"]
            / totals["n_priced"].where(totals["n_priced"] > 0)
            / _PRICE_STEPS,
            "days_on_sale": (pd.Timestamp(cut) - totals["first_day"]).dt.days,
        }
    )


def article_aspects(
    articles: pd.DataFrame, sales: pd.DataFrame, *, new_days: int
) -> tuple[Aspect, ...]:
    """Return the aspects of the catalogue: the groups there are, price, popularity, novelty.

    Args:
        articles: as tables.read_described returns them, row i of article i.
        sales: from `sales_of_articles`, row i of article i.
        new_days: an article first bought at most this many days before the cut is new.
    """
    sold = sales["sales"].to_numpy(np.float64)
    prices, days = (sales[name].to_numpy(np.float64) for name in ("price", "days_on_sale"))
    novelties = ("never sold", f"new ({new_days} days)", "half a year", "older")
    starts = np.array([0, new_days + 1, _HALF_YEAR_DAYS + 1])
    age = np.where(np.isnan(days), 0, np.searchsorted(starts, np.nan_to_num(days), side="right"))
    return (
        *(
            _by_category(articles, name, sold)
            for name in categories(articles, (INDEX_GROUP, ARTICLE_GROUP))
        ),
        _aspect(PRICE, (*_PRICES, "no price"), _tiers(prices, sold, len(_PRICES)), sold),
        _aspect(
            POPULARITY,
            (*_POPULARITIES, "not sold lately"),
            _tiers(np.where(sold > 0, -sold, np.nan), sold, len(_POPULARITIES)),
            sold,
        ),
        _aspect(NOVELTY, novelties, age, sold),
    )


def main_aspect(aspects: Sequence[Aspect], preferred: str) -> Aspect:
    """Return the aspect of this name; where the shop has none, its first one, price at the last."""
    return next((aspect for aspect in aspects if aspect.name == preferred), aspects[0])


def _by_category(articles: pd.DataFrame, name: str, sold: Values) -> Aspect:
    texts = as_categories(articles[name])
    weight = pd.Series(sold).groupby(texts).sum()
    names = tuple(weight.sort_values(ascending=False, kind="stable").index)
    return _aspect(name, names, pd.Index(names).get_indexer(texts), sold)


def _aspect(
    name: str, categories: tuple[str, ...], codes: npt.NDArray[np.int64], sold: Values
) -> Aspect:
    """Return the aspect without the categories that no article has."""
    present = np.unique(codes)
    counts = np.bincount(codes, weights=sold, minlength=len(categories))[present]
    names = tuple(categories[code] for code in present)
    return Aspect(name, names, np.searchsorted(present, codes), counts / max(counts.sum(), 1))


def _tiers(values: Values, sold: Values, n_tiers: int) -> npt.NDArray[np.int64]:
    """Return tiers 0 to n_tiers - 1 of rising value and equal sales; n_tiers where there is none.

    Equal values share a tier, so tiers are as equal as the values allow.
    """
    known = np.flatnonzero(~np.isnan(values))
    levels, level = np.unique(values[known], return_inverse=True)
    weight = np.bincount(level, weights=sold[known], minlength=len(levels))
    middle = (np.cumsum(weight) - weight / 2) / max(weight.sum(), 1)
    tier_of_level = np.minimum((middle * n_tiers).astype(np.int64), n_tiers - 1)
    tiers = np.full(len(values), n_tiers, np.int64)
    tiers[known] = tier_of_level[level]
    return tiers
