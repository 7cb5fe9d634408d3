"""What is known of each article at a cut: how it sells, to whom, for how much, and what it is.

Everything is counted anew for every cut from the purchases before it. Counted once over the whole
period it would leak the future into the ranker's training weeks.
"""

from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.arrays import load_arrays, save_arrays
from hemline.data.article_attributes import as_categories, categories
from hemline.models.label_shift import open_window

if TYPE_CHECKING:
    import pandas as pd

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
"""The product and the usual attributes that a customer's purchases are compared by."""

Numbers = npt.NDArray[np.float64]

WINDOWS_DAYS: Final = (1, 3, 7, 14, 28, 91)
"""Not in params.yaml: each is a feature of its own, known to saved trees by its name."""
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


PRODUCT_NAMES: Final = (
    "product_sold_28d",
    "product_sold_ever",
    "product_trend_7d",
    "product_colours",
    "product_share_28d",
)
"""What is known of an article's product in all its colours; not saved, since it follows."""


@dataclass(frozen=True)
class ArticleFeatures:
    """One row per article, as of a cut.

    Attributes:
        state: float32 of shape (articles, len(STATE_NAMES)); NaN where nothing is known, never
            infinite. Prices are means over the purchases that were paid for.
        codes: int32 of shape (articles, attributes); equal where the attribute is equal. The first
            is the product, the others are those of `compared_attributes`.
        band_lift: float32 of shape (articles, age bands + 1); log of how much more often the age
            band buys the article than everybody does; the last column, for unknown bands, is 0.
        cluster_lift: the same by cluster.
    """

    state: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int32]
    band_lift: npt.NDArray[np.float32]
    cluster_lift: npt.NDArray[np.float32]

    def is_on_sale(self, days: int) -> npt.NDArray[np.bool_]:
        """Return whether somebody bought each article in the last days."""
        if days not in self._on_sale:
            since = self.column("days_since_last_sale")
            sold = since[np.isfinite(since)]  # the others were never sold
            self._on_sale[days] = np.asarray(since <= open_window(sold, days))
        return self._on_sale[days]

    def of_products(self, on_sale_days: int) -> npt.NDArray[np.float32]:
        """Return PRODUCT_NAMES of each article, float32 of shape (articles, names).

        The trend is the logarithm of the product's sales of this week against those of the last,
        one more each. Its colours are those on sale. The share is the article's of its product's.
        """
        if on_sale_days not in self._of_products:
            self._of_products[on_sale_days] = _of_products(self, on_sale_days)
        return self._of_products[on_sale_days]

    @cached_property
    def starts_of_values(self) -> npt.NDArray[np.int64]:
        """The first row of each attribute in a table with a row per value, nulls included.

        The product has no rows. The last number is that of all rows.
        """
        n_values = self.codes.max(axis=0, initial=-1).astype(np.int64) + 2
        n_values[0] = 0
        return np.concatenate([[0], np.cumsum(n_values)])

    @cached_property
    def _on_sale(self) -> dict[int, npt.NDArray[np.bool_]]:
        return {}

    @cached_property
    def _of_products(self) -> dict[int, npt.NDArray[np.float32]]:
        return {}

    def column(self, name: str) -> npt.NDArray[np.float32]:
        """Return one column of the state, float32 of shape (articles,)."""
        return self.state[:, STATE_NAMES.index(name)]

    def save(self, path: Path) -> None:
        """Write all arrays as one npz."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the features saved at path."""
        stored = load_arrays(path)
        return cls(**{field.name: stored[field.name] for field in fields(cls)})


def compared_attributes(articles: "pd.DataFrame") -> tuple[str, ...]:
    """Return the columns of `codes`: the product, and the attributes that vary."""
    return (ATTRIBUTES[0], *categories(articles, ATTRIBUTES[1:]))


def compute_article_features(
    purchases: "pd.DataFrame",
    cut: date,
    articles: "pd.DataFrame",
    segments: "pd.DataFrame",
    *,
    recent_days: int,
    prior_buyers: float,
) -> ArticleFeatures:
    """Return the features at the cut.

    Args:
        purchases: tables.PURCHASES, all before the cut.
        cut: the first day not known yet.
        articles: as tables.read_described returns them.
        segments: tables.SEGMENTS.
        recent_days: how far back price, channel and buyers are looked up.
        prior_buyers: how many average buyers an article is given beside its own.

    Raises:
        ValueError: a purchase lies on or after the cut.
    """
    days = purchases[columns.DAY].to_numpy("datetime64[D]")
    days_ago = (np.datetime64(cut, "D") - days).astype(np.int64)
    if len(days_ago) and days_ago.min() < 1:
        raise ValueError(f"article features at {cut} were given purchases up to {days.max()}")
    article = purchases[columns.ARTICLE].to_numpy(np.int64)
    customer = purchases[columns.CUSTOMER].to_numpy(np.int64)
    names = compared_attributes(articles)
    codes = np.stack([_codes(articles[name]) for name in names], axis=1)
    recent = days_ago <= open_window(days_ago.astype(np.float32), recent_days)

    def lift(column: str) -> npt.NDArray[np.float32]:
        segment = segments[column].to_numpy(np.int64)
        shape = len(articles), int(segment.max()) + 1
        return _lift(article[recent], segment[customer[recent]], shape, prior_buyers)

    band = segments[columns.AGE_BAND].to_numpy(np.int64)[customer]
    return ArticleFeatures(
        _state(purchases, days_ago, recent, band, codes[:, 0], prior_buyers),
        codes.astype(np.int32),
        lift(columns.AGE_BAND),
        lift(columns.CLUSTER),
    )


def _state(
    purchases: "pd.DataFrame",
    days_ago: npt.NDArray[np.int64],
    recent: npt.NDArray[np.bool_],
    band: npt.NDArray[np.int64],
    product: npt.NDArray[np.int64],
    prior_buyers: float,
) -> npt.NDArray[np.float32]:
    article = purchases[columns.ARTICLE].to_numpy(np.int64)
    price = purchases[columns.PRICE].to_numpy(np.float64)
    has_price = np.isfinite(price) & (price > 0)  # a free article has none
    channel = purchases[columns.CHANNEL].to_numpy(np.float64, na_value=np.nan)
    is_online = channel == _ONLINE
    n_articles = len(product)

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
    mean_price = mean(price, has_price)
    price_now = mean(price, has_price & recent)
    product_sold = np.bincount(product, sold[7], minlength=int(product.max(initial=0)) + 1)
    with np.errstate(invalid="ignore"):
        table = [
            *sold.values(),
            ever,
            np.log((sold[7] + 1) / (sold[14] - sold[7] + 1)),
            np.log((sold[28] + 1) / ((sold[91] - sold[28]) / 2.25 + 1)),
            first,
            last,
            np.log(np.where(np.isnan(price_now), mean_price, price_now)),
            np.log(price_now / mean_price),
            mean(is_online.astype(np.float64), recent & ~np.isnan(channel)),
            mean(band.astype(np.float64), recent & (band >= 0)),
            _rebought_share(purchases, ever, prior_buyers),
            product_sold[product],
        ]
    return np.stack(table, axis=1).astype(np.float32)


def _of_products(features: ArticleFeatures, on_sale_days: int) -> npt.NDArray[np.float32]:
    product = features.codes[:, 0].astype(np.int64)
    n_products = int(product.max(initial=0)) + 1

    def total(values: Numbers) -> Numbers:
        return np.asarray(np.bincount(product, values, minlength=n_products)[product], np.float64)

    week, fortnight, month, ever = (
        features.column(f"sold_{days}").astype(np.float64) for days in ("7d", "14d", "28d", "ever")
    )
    sold_7d, sold_28d = total(week), total(month)
    table = [
        sold_28d,
        total(ever),
        np.log((sold_7d + 1) / (total(fortnight) - sold_7d + 1)),
        total(features.is_on_sale(on_sale_days).astype(np.float64)),
        month / np.maximum(sold_28d, 1),
    ]
    return np.stack(table, axis=1).astype(np.float32)


def _rebought_share(purchases: "pd.DataFrame", sold_ever: Numbers, prior_buyers: float) -> Numbers:
    """Return the share of an article's purchases that were not the customer's first of it."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    ones = np.ones(len(purchases), np.float32)
    pairs = sparse.coo_matrix(
        (ones, (purchases[columns.ARTICLE].to_numpy(), purchases[columns.CUSTOMER].to_numpy())),
        shape=(len(sold_ever), int(purchases[columns.CUSTOMER].to_numpy().max(initial=-1)) + 1),
    ).tocsr()
    n_buyers = np.diff(pairs.indptr)
    return np.asarray((sold_ever - n_buyers) / (sold_ever + prior_buyers))


def _codes(column: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    """Return a number for each value; a number's intervals are the values."""
    import pandas as pd  # noqa: PLC0415  (the online service reads no frames)

    is_measured = column.dtype.kind in "iuf"
    values = pd.Series(as_categories(column)) if is_measured else column
    return np.asarray(pd.factorize(values)[0], np.int64)


def _lift(
    article: npt.NDArray[np.int64],
    segment: npt.NDArray[np.int64],
    shape: tuple[int, int],
    prior_buyers: float,
) -> npt.NDArray[np.float32]:
    known = segment >= 0
    place = article[known] * shape[1] + segment[known]
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    shares = counts.sum(axis=0) / max(counts.sum(), 1)
    expected = counts.sum(axis=1, keepdims=True) * shares
    prior = prior_buyers * np.maximum(shares, 1e-6)
    lift = np.log((counts + prior) / (expected + prior))
    return np.hstack([lift, np.zeros((shape[0], 1))]).astype(np.float32)
