"""New articles are offered to the buyers of what they look like."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.article_weights import ArticleWeights
from hemline.models.cascade import CascadeWithNewArticle, served_by
from hemline.models.new_articles import NewArticlesParams, fit_new_articles
from hemline.models.recommender import OneSource, Recommendations, recommendations_from
from hemline.models.served_orders import ServedOrders
from hemline.models.tfidf import TEXT_COLUMNS

OLD, SIBLING, OTHER, NEW = range(4)
"""SIBLING and NEW are red dresses; buyers of OLD buy SIBLING; NEW was sold once, to a stranger."""
CUSTOMER = 0


def shop() -> Histories:
    days = np.zeros((12, 4), np.float32)
    days[0:6, OLD] = 20
    days[1:6, SIBLING] = 12
    days[6:11, OTHER] = 15
    days[11, NEW] = 2
    days_ago = sparse.csr_matrix(days)
    return Histories.from_interactions(sparse.csr_matrix((days > 0) * 1.0), days_ago=days_ago)


def articles() -> pd.DataFrame:
    described = pd.DataFrame("", index=range(4), columns=list(TEXT_COLUMNS))
    described["prod_name"] = ["blue jeans", "red dress", "white socks", "red dress"]
    return described


def fitted(weight: float, *embeddings: np.ndarray, new_days: int = 7) -> ArticleWeights:
    params = NewArticlesParams(new_days=new_days, weight=weight, alpha=1, beta=0)
    return fit_new_articles(shop(), articles(), params, embeddings)


def listed(model: ArticleWeights) -> list[int]:
    query = shop().rows(np.array([CUSTOMER]))
    found = model.recommend(query, 4).articles[0]
    return [int(one) for one in found if one >= 0]


def test_a_buyer_of_what_leads_to_its_look_alike_is_offered_a_new_article() -> None:
    assert listed(fitted(1.0)) == [NEW]
    assert listed(fitted(0.0)) == []  # nobody bought both


def test_the_score_is_the_mean_of_the_look_alikes_columns() -> None:
    # Of the six buyers of OLD, five bought two articles and went on to SIBLING with chance 1 / 2.
    query = shop().rows(np.array([CUSTOMER]))
    score = fitted(2.0).recommend(query, 1).scores[0, 0]
    assert np.isclose(score, 2.0 * 5 / 6 * 1 / 2, atol=1e-4)


def test_embeddings_take_the_place_of_texts() -> None:
    # In these pictures NEW looks like OTHER, whose buyers bought nothing else.
    pictures = np.eye(4, dtype=np.float32)
    pictures[NEW] = pictures[OTHER]
    assert listed(fitted(1.0, pictures)) == []
    pictures[NEW] = pictures[SIBLING]
    assert listed(fitted(1.0, pictures, np.zeros((4, 0), np.float32))) == [NEW]


def test_only_articles_in_their_first_days_are_listed() -> None:
    assert fitted(1.0).offered.tolist() == [NEW]
    assert fitted(1.0, new_days=12).offered.tolist() == [SIBLING, NEW]
    assert listed(fitted(1.0, new_days=1)) == []


def test_a_shop_without_anything_like_it_has_its_own_column_only() -> None:
    every = fit_new_articles(shop(), articles(), NewArticlesParams(new_days=100))
    assert every.offered.tolist() == [OLD, SIBLING, OTHER, NEW]
    assert (every.recommend(shop(), 2).articles[CUSTOMER] >= 0).any()


def test_a_list_has_a_place_for_the_best_new_article() -> None:
    # Of 0 to 9 in order of popularity, 7 and 3 are new, for everybody in this order.
    known = Histories.from_interactions(sparse.csr_matrix(np.ones((2, 10), np.float32)))
    order = Fixed("order", (0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
    new = Fixed("new_articles", (7, 3))

    def listed_at(place: int, k: int, first: Fixed = order) -> list[int]:
        cascade = CascadeWithNewArticle("with", [first], new, place)
        lists = cascade.recommend(known, k)
        assert (lists.articles[0] == lists.articles[1]).all()
        return [int(article) for article in lists.articles[0]]

    assert listed_at(1, 4) == [7, 0, 1, 2]
    assert listed_at(3, 5) == [0, 1, 7, 2, 3]
    assert listed_at(3, 10) == [0, 1, 7, 2, 3, 4, 5, 6, 8, 9]
    assert listed_at(5, 4) == [0, 1, 2, 3]
    assert listed_at(9, 9) == [0, 1, 2, 3, 4, 5, 6, 7, 8]  # both stand earlier
    assert listed_at(3, 4, Fixed("short", (5,))) == [5, -1, -1, -1]  # no place after a gap


def test_what_is_served_has_the_place_that_is_set_for_customers_with_a_history() -> None:
    orders = ServedOrders(("order",), ("order",), 0, new_article_place=2)
    assert orders.models == {"order", "new_articles"}
    models = {"order": Fixed("order", (0, 1, 2)), "new_articles": Fixed("new_articles", (3,))}
    bought = sparse.csr_matrix(np.array([[1, 0, 0, 0], [0, 0, 0, 0]], np.float32))
    served = served_by(orders, models, np.arange(4, dtype=np.int32))
    lists = served.recommend(Histories.from_interactions(bought), 3)
    assert lists.articles.tolist() == [[0, 3, 1], [0, 1, 2]]
    names = [[lists.source_names[source] for source in row] for row in lists.sources]
    assert names == [["order", "new_articles", "order"], ["order"] * 3]
    without = replace(orders, new_article_place=0)
    assert served_by(without, models, np.arange(4, dtype=np.int32)).warm.models == (
        models["order"],
    )


@dataclass(frozen=True)
class Fixed(OneSource):
    """The same list for everybody."""

    name: str
    articles: tuple[int, ...]

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        row = np.full((1, k), -1, np.int32)
        row[0, : len(self.articles)] = self.articles[:k]
        every = np.repeat(row, histories.n_customers, axis=0)
        return recommendations_from(self.name, every, np.where(every < 0, -np.inf, 1.0))
