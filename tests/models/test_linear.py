"""Linear models and factors against answers worked out by hand or by another route."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.als import Als, fit_als
from hemline.models.article_weights import ArticleWeights, decayed_since_yesterday, weighted
from hemline.models.cascade import Cascade
from hemline.models.ease import EaseParams, fit_ease
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.item_knn import fit_item_knn, fit_rp3beta
from hemline.models.popularity import fit_popularity
from hemline.models.repurchase import Repurchase

from .recommenders import ALS, EASE, ITEM_KNN, POPULARITY, RP3BETA


def histories_of(rows: list[list[int]], days: list[list[int]] | None = None) -> Histories:
    """Units are 1; days default to one day ago."""
    bought = np.array(rows, np.float32)
    days_ago = np.array(days or np.ones(bought.shape), np.float32) * (bought > 0)
    return Histories.from_interactions(
        sparse.csr_matrix(bought), days_ago=sparse.csr_matrix(days_ago)
    )


def random_shop(*, n_customers: int = 300, n_articles: int = 40, least: float = 0.01) -> Histories:
    """Purchases of up to 60 days ago, some articles bought far more often than others."""
    rng = np.random.default_rng(5)
    bought = rng.random((n_customers, n_articles)) < rng.beta(1, 8, n_articles) + least
    days = rng.integers(1, 60, bought.shape) * bought
    return Histories.from_interactions(
        sparse.csr_matrix(bought, dtype=np.float32),
        days_ago=sparse.csr_matrix(days, dtype=np.float32),
    )


def dense(model: ArticleWeights) -> np.ndarray:
    weights = model.weights
    if isinstance(weights, np.ndarray):
        return weights
    entries = weights.data, weights.indices, weights.indptr
    shape = len(model.read), len(model.offered)
    return np.asarray(sparse.csr_matrix(entries, shape=shape).toarray())


FOUR = [[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]]


def test_item_knn_is_the_shrunk_cosine_and_never_leads_to_itself() -> None:
    weights = dense(fit_item_knn(histories_of(FOUR), ITEM_KNN))
    pair, other = 2 / (3 + 1), 1 / (6**0.5 + 1)
    assert np.allclose(weights, [[0, pair, other], [pair, 0, other], [other, other, 0]])


def test_item_knn_cuts_the_list_of_the_article_that_is_offered() -> None:
    only_one = ITEM_KNN.model_copy(update={"neighbours": 1})
    weights = dense(fit_item_knn(histories_of(FOUR), only_one))
    assert np.count_nonzero(weights, axis=0).tolist() == [1, 1, 1]
    assert weights[1, 0] == weights[0, 1] == np.float32(2 / (3 + 1))


def test_rp3beta_walks_to_a_buyer_and_on_to_another_purchase() -> None:
    walk = RP3BETA.model_copy(update={"alpha": 1, "beta": 1})
    weights = dense(fit_rp3beta(histories_of([[1, 1, 0], [1, 1, 1]]), walk))
    to_first = 1 / 2 * 1 / 2 + 1 / 2 * 1 / 3
    assert np.isclose(weights[0, 1], to_first / 2)
    assert np.isclose(weights[0, 2], 1 / 2 * 1 / 3 / 1)
    assert np.isclose(weights[2, 0], 1 * 1 / 3 / 2)
    assert np.allclose(np.diag(weights), 0)


def test_normalised_rp3beta_leads_from_each_article_with_weight_one() -> None:
    every = RP3BETA.model_copy(update={"normalise": True, "neighbours": 40})
    weights = dense(fit_rp3beta(random_shop(), every))
    scale = weighted(random_shop(), every).scale
    assert np.allclose((weights / scale).sum(axis=1), 1, atol=1e-5)


def test_ease_solves_its_regression_with_no_weight_on_itself() -> None:
    shop = random_shop()
    data, weights = weighted(shop, EASE), dense(fit_ease(shop, EASE))
    inputs, targets = data.inputs.toarray(), data.targets.toarray()
    gradient = inputs.T @ (inputs @ weights - targets) + EASE.l2 * weights
    gradient[data.own, np.arange(len(data.own))] = 0
    assert np.abs(gradient).max() < 1e-3
    assert np.abs(weights[data.own, np.arange(len(data.own))]).max() < 1e-6


def test_sparse_ease_with_every_neighbour_is_exact_ease() -> None:
    shop = random_shop(n_customers=1000, least=0.1)
    assert (shop.units.T @ shop.units).nnz == 40 * 40  # any two articles share a buyer
    everything = EaseParams(**(EASE.model_dump() | {"max_articles": 0, "neighbours": 40}))
    exact, approximate = fit_ease(shop, EASE), fit_ease(shop, everything)
    assert np.abs(dense(exact) - dense(approximate)).max() < 1e-4
    # Equal to rounding, so articles that are all but equally good may change places.
    lists = exact.recommend(shop, 10), approximate.recommend(shop, 10)
    assert np.allclose(lists[0].scores, lists[1].scores, atol=1e-4)


def test_sparse_ease_regresses_an_article_on_its_best_neighbours_alone() -> None:
    shop = random_shop()
    few = EASE.model_copy(update={"max_articles": 0, "neighbours": 4})
    data, weights = weighted(shop, few), dense(fit_ease(shop, few))
    inputs, targets = data.inputs.toarray(), data.targets.toarray()
    for offered, own in enumerate(data.own):
        together = inputs.T @ targets[:, offered]
        gain = together**2 / ((inputs**2).sum(axis=0) + few.l2)
        near = np.sort([near for near in np.argsort(-gain) if near != own][:4])
        gram = inputs[:, near].T @ inputs[:, near] + few.l2 * np.eye(4)
        assert np.flatnonzero(weights[:, offered]).tolist() == near.tolist()
        assert np.allclose(weights[near, offered], np.linalg.solve(gram, together[near]), atol=1e-5)


def test_ease_says_in_its_name_which_form_answers() -> None:
    few = EASE.model_copy(update={"max_articles": 39})
    assert fit_ease(random_shop(), EASE).name == "ease"
    sparse_form = fit_ease(random_shop(), few)
    assert sparse_form.name == "sparse_ease"
    assert (np.count_nonzero(dense(sparse_form), axis=0) <= few.neighbours).all()


@pytest.mark.parametrize("fit", [fit_item_knn, fit_rp3beta, fit_ease, fit_als])
def test_an_article_no_longer_sold_is_not_offered_but_still_counts(fit: object) -> None:
    params = {fit_item_knn: ITEM_KNN, fit_rp3beta: RP3BETA, fit_ease: EASE, fit_als: ALS}[fit]
    shop = histories_of([[1, 1, 0]] * 5 + [[0, 0, 1]] * 5, [[40, 1, 0]] * 5 + [[0, 0, 1]] * 5)
    query = histories_of([[1, 0, 0]], [[40, 0, 0]])
    lists = fit(shop, params).recommend(query, 3).articles[0]
    assert lists[0] == 1
    assert 0 not in lists


def test_a_purchase_is_halved_for_every_half_life_and_yesterdays_counts_one() -> None:
    shop = histories_of([[1, 1, 1]], [[1, 8, 15]])
    assert np.allclose(decayed_since_yesterday(shop, 7).toarray(), [[1, 1 / 2, 1 / 4]])


def test_the_shift_moves_weights_by_the_ratio_of_recent_and_learned_shares() -> None:
    shop = histories_of([[1, 1, 1], [1, 1, 0]], [[1, 1, 15], [1, 15, 0]])
    shifted = ITEM_KNN.model_copy(update={"shift": 1, "target_half_life_days": 14})
    still = shifted.model_copy(update={"shift": 0})
    recent = np.array([2, 1 + 1 / 4, 1 / 4]) + 0.5
    learned = np.array([2, 1 + 1 / 2, 1 / 2]) + 0.5
    ratio = (recent / recent.sum()) / (learned / learned.sum())
    moved, plain = dense(fit_item_knn(shop, shifted)), dense(fit_item_knn(shop, still))
    assert np.allclose(moved, plain * ratio, rtol=1e-5)


def test_an_article_that_speaks_against_another_does_not_list_it() -> None:
    against = np.array([[0, -0.5], [1, 0]], np.float32)
    model = ArticleWeights(
        "x", 60, np.arange(2, dtype=np.int32), np.arange(2, dtype=np.int32), against
    )
    lists = model.recommend(histories_of([[1, 0], [0, 1]]), 2)
    assert lists.articles.tolist() == [[NO_ARTICLE, NO_ARTICLE], [0, NO_ARTICLE]]


def test_factors_find_the_two_taste_groups(shop: Histories) -> None:
    lists = fit_als(shop, ALS).recommend(shop.rows(np.arange(20, 78)), 5).articles
    assert (lists % 2 == np.arange(20, 78)[:, None] % 2).all()


def test_the_same_seed_gives_the_same_factors(shop: Histories) -> None:
    again = fit_als(shop, ALS.model_copy(update={"seed": 2})).vectors
    assert np.array_equal(fit_als(shop, ALS).vectors, fit_als(shop, ALS).vectors)
    assert not np.array_equal(fit_als(shop, ALS).vectors, again)


def test_a_customer_is_folded_in_by_weighted_least_squares(shop: Histories) -> None:
    model = fit_als(shop, ALS)
    query = shop.rows(np.array([7]))
    bought = decayed_since_yesterday(query, ALS.input_half_life_days).toarray()[0]
    confidence = np.where(bought > 0, 1 + ALS.alpha * bought, 1)
    weighed = model.vectors.T * confidence
    left = weighed @ model.vectors + ALS.regularisation * np.eye(ALS.factors)
    expected = np.linalg.solve(left, weighed @ (bought > 0))
    assert np.allclose(model.customer_vectors(query)[0], expected, rtol=1e-3)


def test_exclude_bought_is_the_models_list_without_what_was_bought(shop: Histories) -> None:
    both = Cascade(
        "both", [Repurchase(max_days=60, units_weight=0.5), fit_popularity(shop, POPULARITY)]
    )
    everything, lists = both.recommend(shop, 21), ExcludeBought(both).recommend(shop, 4)
    for row in range(shop.n_customers):
        bought = shop.units[row].indices
        expected = [each for each in everything.articles[row] if each not in {*bought, NO_ARTICLE}]
        assert lists.articles[row].tolist() == expected[:4]
        assert {lists.source_names[source] for source in lists.sources[row]} == {"popularity"}
    assert (lists.scores[:, :-1] >= lists.scores[:, 1:]).all()


def test_exclude_bought_ends_a_list_in_nothing_when_all_was_bought() -> None:
    shop = histories_of([[1, 1, 1], [1, 0, 0]])
    lists = ExcludeBought(fit_popularity(shop, POPULARITY)).recommend(shop, 2)
    assert lists.articles.tolist() == [[NO_ARTICLE, NO_ARTICLE], [1, 2]]
    assert np.isneginf(lists.scores[0]).all()


def test_units_count_as_confidence_where_they_are_to(shop: Histories, tmp_path: Path) -> None:
    alone = replace(shop, counts=np.ones_like(shop.counts))
    twice = replace(shop, counts=np.full_like(shop.counts, 2))
    counting = ALS.model_copy(update={"counts": True})
    doubled = ALS.model_copy(update={"alpha": 2 * ALS.alpha})
    assert np.array_equal(fit_als(twice, ALS).vectors, fit_als(alone, ALS).vectors)
    model = fit_als(twice, counting)
    assert np.array_equal(model.vectors, fit_als(alone, doubled).vectors)
    query = twice.rows(np.arange(5))
    expected = fit_als(alone, doubled).customer_vectors(alone.rows(np.arange(5)))
    assert np.array_equal(model.customer_vectors(query), expected)
    model.save(tmp_path)
    assert np.array_equal(Als.load(tmp_path).customer_vectors(query), expected)
