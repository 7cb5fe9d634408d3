"""What is known of each article at a cut: how it sells, to whom, for how much, and what it is.

Everything is counted anew for every cut from the purchases before it. Facts counted once over the
whole period would tell the ranker's training weeks what was to come.
"""

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline import columns

ATTRIBUTES: Final = (
    columns.PRODUCT_CODE,
    "product_type_name",
    "colour_group_name",
    "graphical_appearance_name",
    "department_name",
    "index_name",
    "section_name",
    "garment_group_name",
)
"""Columns of the articles table that customers are found to be loyal to."""

Numbers = npt.NDArray[np.float64]

WINDOWS_DAYS: Final = (1, 3, 7, 14, 28, 91)
_RECENT_DAYS: Final = 28
_PRIOR_BUYERS: Final = 20.0
_ONLINE: Final = 2

STATE_NAMES: Final = (
    *(f"sold_{days}d" for days in WINDOWS_DAYS),
    "sold_ever",
    "trend_7d",
    "trend_28d",
    "days_since_first_sale",
    "days_since_last_sale",
    "log_price",
    "markdown",
    "online_share",
    "mean_age_band",
    "rebought_share",
    "product_sold_7d",
)


@dataclass(frozen=True)
class ArticleFeatures:
    """One row per article, as of a cut.

    Attributes:
        state: float32 of shape (articles, len(STATE_NAMES)); NaN where nothing is known.
        codes: int32 of shape (articles, len(ATTRIBUTES)); equal where the attribute is equal.
        band_lift: float32 of shape (articles, age bands + 1); log of how much more often the age
            band buys the article than everybody does; the last column, for unknown bands, is 0.
        cluster_lift: the same by cluster.
    """

    state: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int32]
    band_lift: npt.NDArray[np.float32]
    cluster_lift: npt.NDArray[np.float32]

    @property
    def is_on_sale(self) -> npt.NDArray[np.bool_]:
        """Whether somebody bought the article in the last 28 days."""
        return np.asarray(self.column("sold_28d") > 0)

    def column(self, name: str) -> npt.NDArray[np.float32]:
        """Return one column of the state, float32 of shape (articles,)."""
        return self.state[:, STATE_NAMES.index(name)]

    def save(self, path: Path) -> None:
        """Write all arrays as one npz."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the facts saved at path."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{field.name: stored[field.name] for field in fields(cls)})


def compute_article_features(
    purchases: pd.DataFrame, cut: date, articles: pd.DataFrame, segments: pd.DataFrame
) -> ArticleFeatures:
    """Return the facts at the cut.

    Args:
        purchases: tables.PURCHASES, all before the cut.
        cut: the first day not known yet.
        articles: tables.ARTICLES.
        segments: tables.SEGMENTS.

    Raises:
        ValueError: a purchase lies on or after the cut.
    """
    days = purchases[columns.DAY].to_numpy("datetime64[D]")
    days_ago = (np.datetime64(cut, "D") - days).astype(np.int64)
    if len(days_ago) and days_ago.min() < 1:
        raise ValueError(f"facts at {cut} were given purchases up to {days.max()}")
    article = purchases[columns.ARTICLE].to_numpy(np.int64)
    customer = purchases[columns.CUSTOMER].to_numpy(np.int64)
    codes = np.stack([pd.factorize(articles[name])[0] for name in ATTRIBUTES], axis=1)
    recent = days_ago <= _RECENT_DAYS
    band = segments[columns.AGE_BAND].to_numpy(np.int64)[customer]
    cluster = segments[columns.CLUSTER].to_numpy(np.int64)[customer]
    n_articles = len(articles)
    return ArticleFeatures(
        _state(purchases, days_ago, band, codes[:, 0], n_articles),
        codes.astype(np.int32),
        _lift(article[recent], band[recent], n_articles, int(segments[columns.AGE_BAND].max()) + 1),
        _lift(
            article[recent], cluster[recent], n_articles, int(segments[columns.CLUSTER].max()) + 1
        ),
    )


def _state(
    purchases: pd.DataFrame,
    days_ago: npt.NDArray[np.int64],
    band: npt.NDArray[np.int64],
    product: npt.NDArray[np.int64],
    n_articles: int,
) -> npt.NDArray[np.float32]:
    article = purchases[columns.ARTICLE].to_numpy(np.int64)
    price = purchases[columns.PRICE].to_numpy(np.float64)
    is_online = purchases[columns.CHANNEL].to_numpy() == _ONLINE
    recent = days_ago <= _RECENT_DAYS

    def count(chosen: npt.NDArray[np.bool_]) -> Numbers:
        return np.bincount(article[chosen], minlength=n_articles).astype(np.float64)

    def mean(values: Numbers, chosen: npt.NDArray[np.bool_]) -> Numbers:
        totals = np.bincount(article[chosen], values[chosen], minlength=n_articles)
        with np.errstate(invalid="ignore"):
            return np.asarray(totals / count(chosen))

    sold = {days: count(days_ago <= days) for days in WINDOWS_DAYS}
    always = np.ones(len(article), np.bool_)
    ever = count(always)
    first, last = np.full(n_articles, np.nan), np.full(n_articles, np.nan)
    order = np.argsort(days_ago, kind="stable")
    first[article[order]] = days_ago[order]
    last[article[order[::-1]]] = days_ago[order[::-1]]
    mean_price = mean(price, always)
    price_now = mean(price, recent)
    product_sold = np.bincount(product, sold[7], minlength=int(product.max(initial=0)) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = [
            *sold.values(),
            ever,
            np.log((sold[7] + 1) / (sold[14] - sold[7] + 1)),
            np.log((sold[28] + 1) / ((sold[91] - sold[28]) / 2.25 + 1)),
            first,
            last,
            np.log(np.where(np.isnan(price_now), mean_price, price_now)),
            np.log(price_now / mean_price),
            mean(is_online.astype(np.float64), recent),
            mean(band.astype(np.float64), recent & (band >= 0)),
            _rebought_share(purchases, ever),
            product_sold[product],
        ]
    return np.stack(table, axis=1).astype(np.float32)


def _rebought_share(purchases: pd.DataFrame, sold_ever: Numbers) -> Numbers:
    """Return the share of an article's purchases that were not the customer's first of it."""
    ones = np.ones(len(purchases), np.float32)
    pairs = sparse.coo_matrix(
        (ones, (purchases[columns.ARTICLE].to_numpy(), purchases[columns.CUSTOMER].to_numpy())),
        shape=(len(sold_ever), int(purchases[columns.CUSTOMER].max()) + 1),
    ).tocsr()
    n_buyers = np.diff(pairs.indptr)
    return np.asarray((sold_ever - n_buyers) / (sold_ever + _PRIOR_BUYERS))


def _lift(
    article: npt.NDArray[np.int64], segment: npt.NDArray[np.int64], n_articles: int, n_segments: int
) -> npt.NDArray[np.float32]:
    known = segment >= 0
    counts = np.bincount(
        article[known] * n_segments + segment[known], minlength=n_articles * n_segments
    ).reshape(n_articles, n_segments)
    shares = counts.sum(axis=0) / max(counts.sum(), 1)
    expected = counts.sum(axis=1, keepdims=True) * shares
    prior = _PRIOR_BUYERS * np.maximum(shares, 1e-6)
    lift = np.log((counts + prior) / (expected + prior))
    return np.hstack([lift, np.zeros((n_articles, 1))]).astype(np.float32)
