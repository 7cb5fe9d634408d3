"""TIFU-kNN on shops so small that every score can be written down."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.tifu_knn import TifuKnnParams, fit_tifu_knn, own_weights

ALIKE = TifuKnnParams(group_decay=1, week_decay=1, own_share=0.5, neighbours=2)


def bought(*rows: list[int], days: list[list[int]] | None = None) -> Histories:
    """Return the histories of customers who bought these of five articles, by default yesterday."""
    units, ago = np.zeros((2, len(rows), 5), np.float32)
    for customer, articles in enumerate(rows):
        units[customer, articles] = 1
        ago[customer, articles] = 1 if days is None else days[customer]
    both = (sparse.csr_matrix(part) for part in (units, ago))
    return Histories.from_interactions(next(both), days_ago=next(both))


def scores_of(shop: Histories, params: TifuKnnParams, customer: Histories) -> dict[int, float]:
    lists = fit_tifu_knn(shop, params).recommend(customer, 5)
    pairs = zip(lists.articles[0].tolist(), lists.scores[0].tolist(), strict=True)
    return {article: score for article, score in pairs if article != NO_ARTICLE}


SHOP = bought([0, 1], [0, 2], [3])


def test_a_score_is_the_own_share_and_the_mean_vote_of_the_neighbours() -> None:
    scores = scores_of(SHOP, ALIKE, bought([0]))
    assert scores == pytest.approx({0: 0.5 + 0.5, 1: 0.5 / 2, 2: 0.5 / 2})


def test_of_equally_similar_customers_the_first_is_the_neighbour() -> None:
    one = ALIKE.model_copy(update={"neighbours": 1})
    assert scores_of(SHOP, one, bought([0])) == pytest.approx({0: 1.0, 1: 0.5})


def test_the_more_similar_neighbour_counts_more() -> None:
    shop = bought([0, 1, 2, 4], [0, 3])
    near, far = 2 / np.sqrt(2 * 4), 1 / np.sqrt(2 * 2)
    scores = scores_of(shop, ALIKE, bought([0, 1]))
    assert scores[2] == pytest.approx(0.5 * near / (near + far))
    assert scores[3] == pytest.approx(0.5 * far / (near + far))


def test_a_past_that_equals_the_own_one_is_no_neighbour() -> None:
    assert scores_of(SHOP, ALIKE, bought([3])) == pytest.approx({3: 0.5})


def test_neighbours_vote_for_articles_on_sale_and_own_articles_need_not_be() -> None:
    shop = bought([0, 1], [0, 2], days=[[3, 3], [3, 40]])
    scores = scores_of(shop, ALIKE.model_copy(update={"on_sale_days": 28}), bought([0, 4]))
    assert scores.keys() == {0, 1, 4}


def test_a_customer_who_bought_nothing_that_is_on_sale_is_not_stored() -> None:
    shop = bought([0, 1], [2, 4], days=[[3, 3], [40, 40]])
    model = fit_tifu_knn(shop, ALIKE.model_copy(update={"on_sale_days": 28}))
    assert len(model.offers.indptr) - 1 == 1


def test_of_many_customers_an_even_sample_is_stored() -> None:
    shop = bought(*[[customer % 5] for customer in range(50)])
    model = fit_tifu_knn(shop, ALIKE.model_copy(update={"max_customers": 5}))
    assert len(model.offers.indptr) - 1 == 5


def test_purchases_decay_within_a_group_and_from_group_to_group() -> None:
    params = TifuKnnParams(group_days=14, group_decay=0.5, week_decay=0.8)
    days = [[1, 8, 15, 22, 29]]
    weights = own_weights(bought([0, 1, 2, 3, 4], days=days), params)
    assert weights.tolist() == pytest.approx([1, 0.8, 0.5, 0.5 * 0.8, 0.5**2])


def test_units_count_as_the_params_say() -> None:
    four = replace(SHOP, counts=np.full(len(SHOP.indices), 4, np.float32))
    assert own_weights(four, TifuKnnParams(units_power=0)).tolist() == [1.0] * 5
    assert own_weights(four, TifuKnnParams(units_power=0.5)).tolist() == [2.0] * 5
