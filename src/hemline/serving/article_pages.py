"""The two lists beside one article: similar by text, and bought by the same customers.

The article itself counts as listed, so with one article of a product these lists show no other
colour of it.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hemline.kernels.lists import NO_ARTICLE
from hemline.serving.article_table import ArticleTable
from hemline.serving.list_rules import ListRules, first_of_each_product, is_permitted
from hemline.serving.listed import Answer, Listed, answer_of
from hemline.serving.reasons import Reason
from hemline.serving.shop_order import shown_order
from hemline.serving.version_models import VersionModels


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
        """Return the articles with the most similar texts."""
        near, how_near = self._two_steps(article)
        order = np.lexsort((near, -how_near))
        sequence = self._permitted(near[order], rules, beside=article)
        return self._beside(article, sequence, "tfidf", lambda _: Reason("similar_text", article))

    def also_bought(self, article: int, rules: ListRules) -> Answer:
        """Return what the buyers of an article bought: at least `answers.min_support` of them.

        The most similar first; of equally similar ones that of more common buyers, then the lower
        key.
        """
        together = self._models.together
        keys, support = together.articles[article], self._models.support[article]
        enough = (keys != NO_ARTICLE) & (support >= self._min_support)
        cosines = together.scores[article][enough]
        keys, support = keys[enough], support[enough]
        order = np.lexsort((keys, -support, -cosines))
        count = dict(zip(keys.tolist(), support.tolist(), strict=True))
        sequence = self._permitted(keys[order], rules, beside=article)
        return self._beside(
            article,
            sequence,
            "copurchase",
            lambda key: Reason("bought_together", article, count[key]),
        )

    def _beside(
        self,
        article: int,
        keys: npt.NDArray[np.int32],
        model: str,
        reason: Callable[[int], Reason],
    ) -> Answer:
        discreet = self._is_discreet[keys] & ~self._is_discreet[article]
        if len(keys):
            keys = keys[shown_order(np.zeros((1, len(keys)), np.int64), discreet[None])[0]]
        listed = tuple(Listed(key, model, reason(key)) for key in keys.tolist())
        return answer_of(listed)

    def _two_steps(self, article: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the neighbours of an article and theirs, by text, and how similar they are.

        The model saves only the nearest of each article. How similar a neighbour's neighbour is
        can therefore not be known; the product of both similarities orders them.
        """
        alike = self._models.alike
        near = alike.articles[article]
        is_near = near != NO_ARTICLE
        near, how_near = near[is_near], alike.scores[article][is_near]
        further = alike.articles[near].ravel()
        how_far = (alike.scores[near] * how_near[:, None]).ravel()
        keys, scores = np.concatenate([near, further]), np.concatenate([how_near, how_far])
        is_other = (keys != NO_ARTICLE) & (keys != article)
        keys, scores = keys[is_other], scores[is_other]
        order = np.lexsort((keys, -scores))
        _, first = np.unique(keys[order], return_index=True)
        # A direct neighbour stands before all others, as in the model's own list.
        first = np.sort(first)
        keys, scores = keys[order][first], scores[order][first]
        return keys, scores + np.isin(keys, near)

    def _permitted(
        self, keys: npt.NDArray[np.int32], rules: ListRules, *, beside: int
    ) -> npt.NDArray[np.int32]:
        """Return the first k that the rules permit; the article beside them counts as listed."""
        rules.require_valid(self._articles)
        keys = keys[is_permitted(keys, rules, self._articles, self._in_stock)]
        products = self._articles.products[np.concatenate([[beside], keys]).astype(np.int64)]
        return keys[first_of_each_product(products, rules.per_product)[1:]][: rules.k]
