"""What a caller may require of a list, and which articles then stay in it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.serving.article_table import ArticleTable

LONGEST_LIST: Final = 500


@dataclass(frozen=True)
class ListRules:
    """What the caller requires of a list.

    Attributes:
        k: length of the list, at most.
        exclude: article keys that are not listed.
        product_groups: names, of which every article has one; none: of any group.
        min_price: in Kaggle's unit; an article without a price is not listed then.
        max_price: likewise.
        in_stock: whether only articles in stock are listed.
        per_product: how many articles of one product code are listed at most; 0: any number; None:
            as many as the version serves (serve.per_product), and one beside an article.
    """

    k: int = 12
    exclude: frozenset[int] = frozenset()
    product_groups: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None
    in_stock: bool = False
    per_product: int | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether the list is restricted to a part of the assortment."""
        bounds = (self.min_price, self.max_price)
        return bool(self.product_groups) or bounds != (None, None) or self.in_stock

    def most_of_a_product(self, otherwise: int) -> int:
        """Return how many articles of one product are listed, unless the caller says it."""
        return otherwise if self.per_product is None else self.per_product

    def require_valid(self, articles: ArticleTable) -> None:
        """Raise BadInput if no list can follow the rules."""
        if not 1 <= self.k <= LONGEST_LIST:
            raise BadInput(
                f"k lies between 1 and {LONGEST_LIST}", found=str(self.k), fix="change k"
            )
        if self.per_product is not None and self.per_product < 0:
            raise BadInput(
                "per_product is the number of articles of one product, 0 for any number",
                found=str(self.per_product),
                fix="change per_product",
            )
        bounds = [bound for bound in (self.min_price, self.max_price) if bound is not None]
        if not np.isfinite(bounds).all() or bounds != sorted(bounds):
            raise BadInput(
                "a price range is two numbers, the lower one first",
                found=f"{self.min_price} to {self.max_price}",
                fix="correct min_price and max_price",
            )
        articles.require_groups(self.product_groups)


def is_permitted(
    keys: npt.NDArray[np.int32],
    rules: ListRules,
    articles: ArticleTable,
    in_stock: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.bool_]:
    """Return whether each article may be listed, the number per product aside.

    Args:
        keys: of articles.
        rules: of the list.
        articles: of the version.
        in_stock: by article key; None where everything is.
    """
    permitted = np.ones(len(keys), bool)
    if rules.exclude:
        permitted &= ~np.isin(keys, np.fromiter(rules.exclude, np.int64))
    if rules.product_groups:
        permitted &= articles.groups.in_product_groups(rules.product_groups)[keys]
    if rules.min_price is not None:
        permitted &= articles.prices[keys] >= rules.min_price
    if rules.max_price is not None:
        permitted &= articles.prices[keys] <= rules.max_price
    if rules.in_stock and in_stock is not None:
        permitted &= in_stock[keys]
    return permitted
