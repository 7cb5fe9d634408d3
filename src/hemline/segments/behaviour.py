"""What customers do as attributes, for shops that know little else of them.

Where fewer than two attributes of the customers vary, clusters are also built on what customers
mostly buy, on how many days they bought, and at what price level. All three follow from histories
at a cut and from numbers per article that are fitted on the purchases before the same cut, so
nothing of a later day enters. A customer without a purchase has "none yet".

The price: such a cluster moves when a customer buys, so segments are fitted again at every cut that
models are fitted at (training.Shop.segments_at), where attributes of the person would be the same.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.arrays import load_arrays, save_arrays
from hemline.data.article_attributes import as_categories, categories
from hemline.data.histories import Histories

if TYPE_CHECKING:
    import pandas as pd

FAVOURITE: Final = "mostly_bought"
PURCHASE_DAYS: Final = "purchase_days"
PRICE_LEVEL: Final = "price_level"
BEHAVIOURS: Final = (FAVOURITE, PURCHASE_DAYS, PRICE_LEVEL)
NONE_YET: Final = "none yet"

_GROUP_COLUMNS: Final = ("product_group_name", "index_group_name", "product_type_name")
_MOST_GROUPS: Final = 12
_OTHER: Final = "other"
_DAYS: Final = ("1 day", "2 to 3 days", "4 to 9 days", "10 days or more")
_DAY_STARTS: Final = np.array([2, 4, 10])
_LEVELS: Final = ("cheapest quarter", "second quarter", "third quarter", "dearest quarter")
_TIERS: Final = ("best sellers", "other articles", "rare articles")

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Behaviour:
    """What is known of the articles to describe customers by their histories.

    Attributes:
        groups: names, the most bought first.
        group_of: int32 of shape (articles,); index into groups.
        log_prices: float32 of the same shape; NaN where nobody paid.
        edges: rising; between the price levels of customers.
    """

    groups: tuple[str, ...]
    group_of: Codes
    log_prices: npt.NDArray[np.float32]
    edges: tuple[float, ...]

    def attributes(self, histories: Histories) -> "pd.DataFrame":
        """Return BEHAVIOURS of each customer as text."""
        import pandas as pd  # noqa: PLC0415  (the online service reads no frames)

        rows = np.repeat(np.arange(histories.n_customers), np.diff(histories.indptr))
        values = (
            self._favourites(rows, histories),
            _purchase_days(rows, histories),
            self._price_levels(rows, histories),
        )
        return pd.DataFrame(dict(zip(BEHAVIOURS, values, strict=True)))

    def _favourites(self, rows: npt.NDArray[np.int64], histories: Histories) -> npt.NDArray[Any]:
        """Return the group of most bought articles; of equal ones the one that all buy most."""
        n_groups = len(self.groups)
        cells, n_bought = np.unique(
            rows * n_groups + self.group_of[histories.indices], return_counts=True
        )
        customers, groups = np.divmod(cells, n_groups)
        order = np.lexsort((groups, -n_bought, customers))
        buyers, first = np.unique(customers[order], return_index=True)
        favourites = np.full(histories.n_customers, NONE_YET, object)
        favourites[buyers] = np.array(self.groups, object)[groups[order][first]]
        return favourites

    def _price_levels(self, rows: npt.NDArray[np.int64], histories: Histories) -> npt.NDArray[Any]:
        means = mean_log_prices(rows, histories, self.log_prices)
        levels = np.searchsorted(np.array(self.edges), means, side="right")
        names = np.array(_LEVELS, object)[levels]
        names[np.isnan(means)] = NONE_YET
        return names

    def save(self, folder: Path) -> None:
        """Write arrays as npz and names as json."""
        save_arrays(
            folder / "behaviour.npz", {"group_of": self.group_of, "log_prices": self.log_prices}
        )
        content = {"groups": self.groups, "edges": self.edges}
        (folder / "behaviour.json").write_text(json.dumps(content) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Return what was saved in folder, or None where clusters are built on attributes alone."""
        if not (folder / "behaviour.json").exists():
            return None
        content = json.loads((folder / "behaviour.json").read_text(encoding="utf-8"))
        arrays = load_arrays(folder / "behaviour.npz")
        return cls(
            tuple(content["groups"]),
            arrays["group_of"],
            arrays["log_prices"],
            tuple(content["edges"]),
        )


def fit_behaviour(
    histories: Histories, purchases: "pd.DataFrame", articles: "pd.DataFrame"
) -> Behaviour:
    """Return the behaviour as it shows in the purchases before a cut.

    Args:
        histories: at the cut.
        purchases: tables.PURCHASES, the ones that the histories hold.
        articles: as tables.read_described returns them.
    """
    prices = _article_log_prices(purchases, histories.n_articles)
    groups, group_of = _article_groups(articles, histories)
    rows = np.repeat(np.arange(histories.n_customers), np.diff(histories.indptr))
    means = mean_log_prices(rows, histories, prices)
    known = means[np.isfinite(means)]
    edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if len(known) else np.empty(0)
    return Behaviour(groups, group_of, prices, tuple(float(edge) for edge in edges))


def mean_log_prices(
    rows: npt.NDArray[np.int64], histories: Histories, log_prices: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the mean log price of each customer's articles; NaN where none has a price."""
    price = log_prices[histories.indices].astype(np.float64)
    has_price = np.isfinite(price)
    n_customers = histories.n_customers
    totals = np.bincount(rows[has_price], price[has_price], minlength=n_customers)
    counts = np.bincount(rows[has_price], minlength=n_customers)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def _purchase_days(rows: npt.NDArray[np.int64], histories: Histories) -> npt.NDArray[Any]:
    """Return on how many days something was bought last, in words."""
    days = histories.days.astype(np.int64)
    cells = np.unique(rows * (int(days.max(initial=0)) + 1) + days)
    customers = cells // (int(days.max(initial=0)) + 1)
    n_days = np.bincount(customers, minlength=histories.n_customers)
    names = np.array(_DAYS, object)[np.searchsorted(_DAY_STARTS, n_days, side="right")]
    names[n_days == 0] = NONE_YET
    return names


def _article_log_prices(purchases: "pd.DataFrame", n_articles: int) -> npt.NDArray[np.float32]:
    price = purchases[columns.PRICE].to_numpy(np.float64)
    has_price = np.isfinite(price) & (price > 0)
    article = purchases[columns.ARTICLE].to_numpy(np.int64)[has_price]
    totals = np.bincount(article, np.log(price[has_price]), minlength=n_articles)
    counts = np.bincount(article, minlength=n_articles)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan).astype(np.float32)


def _article_groups(
    articles: "pd.DataFrame", histories: Histories
) -> tuple[tuple[str, ...], Codes]:
    """Return the groups of the first attribute that varies; tiers of sales where none does."""
    n_buyers = np.bincount(histories.indices, minlength=histories.n_articles)
    named = categories(articles, _GROUP_COLUMNS)
    if not named:
        return _TIERS, _sales_tiers(n_buyers)
    values = as_categories(articles[named[0]])
    names, codes = np.unique(values.astype(str), return_inverse=True)
    sold = np.bincount(codes, n_buyers, minlength=len(names))
    order = np.lexsort((names, -sold))
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(len(names))
    groups = [str(name) for name in names[order]]
    if len(groups) > _MOST_GROUPS:
        groups = [*groups[: _MOST_GROUPS - 1], _OTHER]
    return tuple(groups), np.minimum(place[codes], len(groups) - 1).astype(np.int32)


def _sales_tiers(n_buyers: npt.NDArray[np.int64]) -> Codes:
    """Return thirds of the sales: 0 are the few articles that sell most."""
    order = np.argsort(-n_buyers, kind="stable")
    before = np.cumsum(n_buyers[order]) - n_buyers[order]
    tiers = np.empty(len(n_buyers), np.int32)
    tiers[order] = np.minimum(before * 3 // max(int(n_buyers.sum()), 1), 2)
    return tiers
