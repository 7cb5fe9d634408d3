"""The small shop has answers one can work out by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.cascade import Cascade, Served, cascade_of
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.label_shift import on_sale
from hemline.models.neighbours import Neighbours
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.models.repurchase import Repurchase
from hemline.models.tfidf import TEXT_COLUMNS, TfidfParams, fit_tfidf

from .recommenders import POPULARITY, TFIDF, described


def histories_of(rows: list[list[int]], days: list[list[int]] | None = None) -> Histories:
    """Units are 1; days default to one day ago."""
    shape = (len(rows), len(rows[0]))
    bought = np.array(rows, np.float32)
    days_ago = np.array(days or np.ones(shape), np.float32) * (bought > 0)
    return Histories.from_interactions(
        sparse.csr_matrix(bought), days_ago=sparse.csr_matrix(days_ago)
    )


def test_the_freshest_of_equal_favourites_is_most_popular() -> None:
    shop = histories_of([[1, 1, 0], [1, 1, 0], [0, 0, 1]], [[9, 1, 0], [9, 1, 0], [0, 0, 1]])
    model = fit_popularity(shop, POPULARITY)
    assert model.articles[0].tolist() == [1, 2, 0]
    weights = np.array([2 * 0.5 ** (1 / 7), 0.5 ** (1 / 7), 2 * 0.5 ** (9 / 7)])
    assert np.allclose(model.scores[0], weights / weights.sum())


def test_an_article_outside_the_window_is_not_popular() -> None:
    shop = histories_of([[1, 1]], [[29, 28]])
    assert fit_popularity(shop, POPULARITY).articles[0].tolist() == [1, NO_ARTICLE]


def test_segments_have_their_own_favourites(shop: Histories) -> None:
    params = PopularityParams(
        window_days=28, half_life_days=7, segment_prior_buyers=0, list_length=10
    )
    lists = fit_segment_popularity(shop, params, n_bands=2).recommend(shop, 10).articles
    even, odd = lists[78], lists[79]
    assert all(article % 2 == 0 for article in even)
    assert all(article % 2 == 1 for article in odd)


def test_a_large_prior_gives_every_segment_everybodys_list(shop: Histories) -> None:
    params = PopularityParams(
        window_days=28, half_life_days=7, segment_prior_buyers=1e9, list_length=10
    )
    by_segment = fit_segment_popularity(shop, params, n_bands=2).recommend(shop, 10).articles
    assert np.array_equal(by_segment, fit_popularity(shop, params).recommend(shop, 10).articles)


def test_repurchase_lists_the_latest_first_and_forgets_the_oldest() -> None:
    shop = histories_of([[1, 1, 1, 0]], [[30, 2, 61, 0]])
    model = Repurchase(max_days=60, units_weight=0.5)
    assert model.recommend(shop, 4).articles[0].tolist() == [1, 0, NO_ARTICLE, NO_ARTICLE]


def test_among_articles_of_one_day_the_one_bought_more_often_leads() -> None:
    units = sparse.csr_matrix(np.array([[1.0, 3.0, 2.0]], np.float32))
    lists = Repurchase(max_days=60, units_weight=0.5).recommend(
        Histories.from_interactions(units), 3
    )
    assert lists.articles[0].tolist() == [1, 2, 0]


def copurchase(*, shrinkage: float = 0, latest_articles: int = 1) -> CopurchaseParams:
    return CopurchaseParams(
        offered_days=28, shrinkage=shrinkage, neighbours=3, latest_articles=latest_articles
    )


def test_copurchase_is_the_shrunk_cosine_of_the_buyers() -> None:
    shop = histories_of([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]])
    neighbours = fit_copurchase(shop, copurchase(shrinkage=2))
    assert neighbours.articles[0].tolist() == [1, 2, NO_ARTICLE]
    assert np.allclose(neighbours.scores[0, :2], [2 / (3 + 2), 1 / (6**0.5 + 2)])


def test_an_article_no_longer_sold_is_not_also_bought_but_may_ask() -> None:
    shop = histories_of([[1, 1], [1, 1]], [[40, 1], [40, 1]])
    neighbours = fit_copurchase(shop, copurchase())
    assert neighbours.articles[:, 0].tolist() == [1, NO_ARTICLE]


def test_only_late_buyers_count_for_what_is_offered() -> None:
    shop = histories_of([[1, 1, 1], [1, 1, 1], [1, 1, 0]], [[1, 90, 1], [1, 90, 1], [1, 1, 0]])
    neighbours = fit_copurchase(shop, copurchase())
    assert neighbours.articles[0].tolist() == [2, 1, NO_ARTICLE]
    assert np.allclose(neighbours.scores[0, :2], [2 / 6**0.5, 1 / 3**0.5])


def test_only_the_latest_articles_vote_and_their_votes_add_up() -> None:
    others = [[1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1]]
    shop = histories_of([*others, [1, 1, 0, 0]], [*([[1] * 4] * 3), [9, 2, 0, 0]])
    query = shop.rows(np.array([3]))
    one = fit_copurchase(shop, copurchase(latest_articles=1)).recommend(query, 4)
    assert one.articles[0].tolist() == [3, 0, NO_ARTICLE, NO_ARTICLE]
    both = fit_copurchase(shop, copurchase(latest_articles=2)).recommend(query, 4)
    assert both.articles[0].tolist() == [3, 2, 0, 1]
    assert np.allclose(both.scores[0, :2], [2 / 6**0.5, 1 / 2**0.5])


def test_similar_articles_share_words_and_never_name_themselves() -> None:
    neighbours = fit_tfidf(described(12), TFIDF)
    for article in range(12):
        similar, cosine = neighbours.similar_to(article, 5)
        assert article not in similar
        assert (similar % 2 == article % 2).all()
        assert ((cosine > 0) & (cosine <= 1)).all()


def test_a_product_of_many_colours_has_similar_articles_of_other_products(tmp_path: Path) -> None:
    # Product p has 12 colours, words of its own and one that it shares with product p + 2.
    numbers = np.arange(48)
    articles = pd.DataFrame("", index=numbers, columns=list(TEXT_COLUMNS))
    articles["prod_name"] = [f"name{p} cut{p} fit{p} shape{p % 2}" for p in numbers // 12]
    articles["colour_group_name"] = [f"colour{article % 12}" for article in numbers]
    articles[columns.PRODUCT_CODE] = [f"p{article // 12}" for article in numbers]
    fitted = fit_tfidf(articles, TfidfParams(neighbours=5))
    fitted.save(tmp_path)
    for neighbours in (fitted, Neighbours.load(tmp_path)):
        assert (neighbours.articles // 12 == numbers[:, None] // 12).all()  # colours alone
        for article in range(48):
            similar, cosine = neighbours.similar_to(article)
            others = similar[similar // 12 != article // 12]
            same_colour = article % 12 + 12 * np.array([(article // 12 + 2) % 4])
            assert others[:1].tolist() == same_colour.tolist()
            assert len(set(others // 12)) == len(others) == 3
            assert (np.diff(cosine) <= 0).all()


def test_many_articles_with_equal_words_still_leave_out_the_article_itself() -> None:
    twins = described(20)
    twins["prod_name"] = "same"
    neighbours = fit_tfidf(twins, TFIDF)
    assert all(article not in neighbours.articles[article] for article in range(20))


@pytest.mark.parametrize(
    "texts",
    [
        [f"word{number}" for number in range(30)],
        ["black cotton socks"] * 30,
        ["a"] * 30,
        [""] * 30,
        ["-- ,"] * 30,
        ["black cotton socks"],
        ["black cotton", "black cotton"],
        ["", "black"],
    ],
    ids=["no word in two", "all equal", "one letter", "empty", "no word", "one", "two", "short"],
)
def test_texts_of_which_no_word_counts_have_no_neighbours(texts: list[str]) -> None:
    rare = TfidfParams(min_document_count=2, max_document_share=0.2)
    articles = pd.DataFrame("", index=range(len(texts)), columns=list(TEXT_COLUMNS))
    articles["detail_desc"] = texts
    neighbours = fit_tfidf(articles, rare)
    assert neighbours.articles.shape == (len(texts), rare.neighbours)
    assert (neighbours.articles == NO_ARTICLE).all()
    shop = Histories.from_interactions(sparse.csr_matrix(np.ones((1, len(texts)), np.float32)))
    assert (neighbours.recommend(shop, 3).articles == NO_ARTICLE).all()


def test_equal_texts_are_neighbours_where_a_word_of_every_text_counts() -> None:
    articles = pd.DataFrame("black socks", index=range(3), columns=list(TEXT_COLUMNS))
    neighbours = fit_tfidf(articles, TfidfParams(neighbours=10))
    assert neighbours.articles[0].tolist() == [1, 2, *[NO_ARTICLE] * 8]
    assert np.allclose(neighbours.scores[0, :2], 1.0)


def test_a_cascade_fills_up_and_says_who_answered(shop: Histories) -> None:
    own, popular = Repurchase(max_days=60, units_weight=0.5), fit_popularity(shop, POPULARITY)
    lists = Cascade("both", [own, popular]).recommend(shop, 10)
    bought = np.diff(shop.units.indptr)
    assert lists.source_names == ("repurchase", "popularity")
    for row in (0, 41, 79):
        assert (lists.sources[row] == 0).sum() == bought[row]
        assert lists.articles[row, : bought[row]].tolist() == (
            own.recommend(shop, 10).articles[row, : bought[row]].tolist()
        )
    assert len(set(lists.articles[0])) == 10


def test_cold_and_warm_customers_are_served_by_different_cascades(shop: Histories) -> None:
    own, popular = Repurchase(max_days=60, units_weight=0.5), fit_popularity(shop, POPULARITY)
    lists = Served(Cascade("warm", [own]), Cascade("cold", [popular])).recommend(shop, 3)
    answered = [lists.source_names[source] for source in lists.sources[[0, 77, 78, 79], 0]]
    assert answered == ["repurchase", "repurchase", "popularity", "popularity"]


@pytest.mark.parametrize("k", [1, 3, 7, 12])
@pytest.mark.parametrize("per_product", [1, 2])
def test_of_a_product_only_so_many_are_served_and_what_follows_takes_their_places(
    shop: Histories, k: int, per_product: int
) -> None:
    own, popular = Repurchase(max_days=60, units_weight=0.5), fit_popularity(shop, POPULARITY)
    both, cold = Cascade("warm", [own, popular]), Cascade("cold", [popular])
    product_of = np.arange(shop.n_articles, dtype=np.int32) // 6
    lists = Served(both, cold, per_product, product_of).recommend(shop, k)
    everything = Served(both, cold).recommend(shop, shop.n_articles)
    for row in range(shop.n_customers):
        expected: list[int] = []
        for article in everything.articles[row]:
            of_product = [one for one in expected if one // 6 == article // 6]
            if article != NO_ARTICLE and len(of_product) < per_product:
                expected.append(article)
        expected = expected[:k] + [NO_ARTICLE] * (k - len(expected))
        assert lists.articles[row].tolist() == expected
        source_of = dict(zip(everything.articles[row], everything.sources[row], strict=True))
        sources = [source_of[one] if one != NO_ARTICLE else 0 for one in expected]
        assert lists.sources[row].tolist() == sources


def test_what_is_served_to_one_can_be_read_as_deep_as_wanted(shop: Histories) -> None:
    own, popular = Repurchase(max_days=60, units_weight=0.5), fit_popularity(shop, POPULARITY)
    product_of = np.zeros(shop.n_articles, np.int32)
    served = Served(Cascade("warm", [own, popular]), Cascade("cold", [popular]), 1, product_of)
    assert (served.recommend(shop, 5).articles[:, 1:] == NO_ARTICLE).all(), "all one product"
    for row in (0, 79):
        customer = shop.rows(np.array([row]))
        ranked = served.ranked(customer, 9)
        plain = (served.cold if row == 79 else served.warm).recommend(customer, 9)
        n_listed = int((plain.articles[0] != NO_ARTICLE).sum())
        assert ranked.articles.tolist() == plain.articles[0, :n_listed].tolist()
        names = [plain.source_names[source] for source in plain.sources[0, :n_listed]]
        assert ranked.sources == tuple(names)
    assert served.ranked(shop.rows(np.array([79])), 9).sources[0] == "popularity"


def test_a_cascade_of_an_unfitted_model_is_refused(shop: Histories) -> None:
    with pytest.raises(BadInput, match="ranker"):
        cascade_of("served", ["ranker"], {"popularity": fit_popularity(shop, POPULARITY)})


def test_after_a_lockdown_the_shop_offers_what_it_sold_before_it() -> None:
    units = sparse.csr_matrix(np.array([[1, 1, 0], [0, 1, 1]], np.float32))
    days = sparse.csr_matrix(np.array([[40, 60, 0], [0, 41, 80]], np.float32))
    histories = Histories.from_interactions(units, days_ago=days)
    assert on_sale(histories, 28).tolist() == [0, 1]
    popular = fit_popularity(histories, PopularityParams(window_days=28, list_length=3))
    assert popular.recommend(histories, 3).articles[0].tolist() == [1, 0, NO_ARTICLE]
