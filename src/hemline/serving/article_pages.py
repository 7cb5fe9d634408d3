"""The lists beside one article: similar by text, bought by the same customers, its other colours.

The article itself counts as listed, so with one article of a product the first two show no other
colour of it.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.lists import NO_ARTICLE
from hemline.serving.article_table import ArticleTable, first_of_each_product
from hemline.serving.list_rules import ListRules, is_permitted
from hemline.serving.listed import Answer, Listed, answer_of
from hemline.serving.reasons import Reason
from hemline.serving.shop_order import shown_order
from hemline.serving.version_models import VersionModels

SAME_PRODUCT: Final = "same_product"
"""Source of the other colours of an article."""


class ArticlePages:
    """Lists beside the articles of a version."""

    def __init__(
        self,
        articles: ArticleTable,
        models: VersionModels,
        *,
        is_discreet: npt.NDArray[np.bool_],
        in_stock: npt.NDArray[np.bool_] | None,
        min_support: int,
    ) -> None:
        """Take the version's parts; the arrays are bool by article key."""
        self._articles = articles
        self._models = models
        self._is_discreet = is_discreet
        self._in_stock = in_stock
        self._min_support = min_support

    def similar(self, article: int, rules: ListRules) -> Answer:
        """Return the articles with the most similar texts.

        The model saves the nearest of each article, and the nearest of other products. After them
        come their own nearest, ordered by the product of both similarities.
        """
        alike = self._models.alike
        near, how_near = alike.similar_to(article)
        around, how_alike = alike.around(near)
        further, how_far = around.ravel(), (how_alike * how_near[:, None]).ravel()
        is_new = (further != NO_ARTICLE) & (further != article) & ~np.isin(further, near)
        further, how_far = further[is_new], how_far[is_new]
        further = further[np.lexsort((further, -how_far))]
        _, first = np.unique(further, return_index=True)
        keys = np.concatenate([near, further[np.sort(first)]])
        cosine = dict(zip(near.tolist(), how_near.tolist(), strict=True))
        listed = [
            Listed(key, alike.name, Reason("similar_text", article), cosine.get(key))
            for key in self._permitted(keys, rules, beside=article).tolist()
        ]
        return self._answer(article, listed)

    def also_bought(self, article: int, rules: ListRules) -> Answer:
        """Return what the buyers of an article bought: at least `answers.min_support` of them.

        The most similar first; of equally similar ones that of more common buyers, then the lower
        key.
        """
        together = self._models.together
        keys, support = together.articles[article], self._models.support[article]
        enough = (keys != NO_ARTICLE) & (support >= self._min_support)
        keys, support, cosines = (
            part[enough] for part in (keys, support, together.scores[article])
        )
        order = np.lexsort((keys, -support, -cosines))
        evidence = {
            key: (n_buyers, cosine)
            for key, n_buyers, cosine in zip(
                keys.tolist(), support.tolist(), cosines.tolist(), strict=True
            )
        }
        listed = []
        for key in self._permitted(keys[order], rules, beside=article).tolist():
            n_buyers, cosine = evidence[key]
            reason = Reason("bought_together", article, n_buyers)
            listed.append(Listed(key, together.name, reason, cosine))
        return self._answer(article, listed)

    def other_colours(self, article: int, rules: ListRules) -> Answer:
        """Return the other articles of the article's product, best-selling first.

        Of equally often sold ones the lower key first. `rules.per_product` does not apply.
        """
        rules.require_valid(self._articles)
        keys = np.flatnonzero(self._articles.products == self._articles.products[article])
        keys = keys[keys != article].astype(np.int32)
        keys = keys[np.argsort(-self._articles.sold[keys], kind="stable")]
        keys = keys[is_permitted(keys, rules, self._articles, self._in_stock)][: rules.k]
        reason = Reason("same_product", article)
        return answer_of(tuple(Listed(key, SAME_PRODUCT, reason) for key in keys.tolist()))

    def _answer(self, article: int, listed: list[Listed]) -> Answer:
        """Return the list with no discreet article first, unless beside one."""
        if not listed or self._is_discreet[article]:
            return answer_of(tuple(listed))
        discreet = self._is_discreet[[one.article for one in listed]]
        order = shown_order(np.zeros((1, len(listed)), np.int64), discreet[None])[0]
        return answer_of(tuple(listed[place] for place in order))

    def _permitted(
        self, keys: npt.NDArray[np.int32], rules: ListRules, *, beside: int
    ) -> npt.NDArray[np.int32]:
        """Return the first k that the rules permit; the article beside them counts as listed."""
        rules.require_valid(self._articles)
        keys = keys[is_permitted(keys, rules, self._articles, self._in_stock)]
        products = self._articles.products[np.concatenate([[beside], keys]).astype(np.int64)]
        return keys[first_of_each_product(products, rules.most_of_a_product(1))[1:]][: rules.k]
