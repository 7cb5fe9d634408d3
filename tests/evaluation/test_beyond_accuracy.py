"""Six articles and four customers, so that every share can be counted on the fingers."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories
from hemline.evaluation.beyond_accuracy import (
    ATTRIBUTES,
    Assortment,
    as_matrix,
    assortment_at,
    gini,
    of_lists,
    score_beyond,
)

CUT = date(2020, 9, 16)
NEITHER = sparse.csr_matrix((1, 6), dtype=np.float32)


def known() -> Histories:
    """Customers 0, 1 and 2 bought lately (article 0 all, article 1 one of them); 3 long ago."""
    bought = [(0, 0, 1), (1, 0, 2), (2, 0, 3), (0, 1, 5), (0, 2, 20), (3, 2, 100), (3, 4, 29)]
    purchases = pd.DataFrame(bought, columns=[columns.CUSTOMER, columns.ARTICLE, "days_ago"])
    purchases[columns.DAY] = pd.Timestamp(CUT) - pd.to_timedelta(purchases["days_ago"], unit="D")
    purchases[columns.UNITS] = 1
    return build_histories(purchases, cut=CUT, n_customers=4, n_articles=6)


def described() -> pd.DataFrame:
    """Articles 0 and 1 differ in the colour only; the others have nothing in common."""
    articles = pd.DataFrame({name: [f"{name}{i}" for i in range(6)] for name in ATTRIBUTES})
    alike = [name for name in ATTRIBUTES if name != "colour_group_name"]
    articles.loc[1, alike] = articles.loc[0, alike]
    return articles


def assortment() -> Assortment:
    return assortment_at(known(), described(), recent_days=28, new_article_days=14)


def scores(
    listed: list[int], *, baseline: list[int] | None = None, bought: sparse.csr_matrix = NEITHER
) -> pd.Series:
    articles = np.array([listed], np.int32)
    base = np.array([baseline or [-1]], np.int32)
    return score_beyond(articles, base, known().rows(np.array([0])), bought, assortment()).iloc[0]


def test_popularity_is_the_share_of_recent_buyers() -> None:
    assert assortment().shares.tolist() == pytest.approx([3 / 3, 1 / 3, 1 / 3, 0, 0, 0])


def test_an_article_is_new_until_somebody_bought_it_longer_ago_than_the_limit() -> None:
    assert assortment().is_new.tolist() == [True, True, False, True, False, True]


def test_at_least_one_sold_article_is_the_head() -> None:
    assert assortment().is_head.tolist() == [True, False, False, False, False, False]


def test_novelty_is_self_information_and_an_unsold_article_is_as_rare_as_one_buyer() -> None:
    assert scores([0])["novelty@12"] == 0
    assert scores([0, 1])["novelty@12"] == pytest.approx((0 + np.log2(3)) / 2)
    assert scores([5])["novelty@12"] == pytest.approx(np.log2(3))


def test_diversity_is_the_mean_share_of_attributes_in_which_two_articles_differ() -> None:
    assert scores([0, 1])["diversity@12"] == pytest.approx(1 / 5)
    assert scores([0, 1, 3])["diversity@12"] == pytest.approx((1 / 5 + 1 + 1) / 3)
    assert scores([0, -1])["diversity@12"] == 0


def test_popularity_head_and_repeats_are_shares_of_what_is_listed() -> None:
    values = scores([0, 3, -1])
    assert values["popularity@12"] == pytest.approx((1 + 0) / 2)
    assert values["head_share@12"] == pytest.approx(1 / 2)
    assert values["repeat_share@12"] == pytest.approx(1 / 2)


def test_an_empty_list_counts_as_zero() -> None:
    assert scores([-1, -1]).tolist() == [0] * 6


def test_places_after_the_twelfth_are_another_list() -> None:
    listed = np.array([[5] + [-1] * 11 + [0]], np.int32)
    values = score_beyond(listed, listed, known().rows(np.array([0])), NEITHER, assortment()).iloc[
        0
    ]
    assert values["popularity@12"] == 0


def test_serendipity_counts_what_was_bought_and_not_obvious() -> None:
    bought = sparse.csr_matrix(np.array([[1, 1, 0, 0, 0, 0]], np.float32))
    values = scores([0, 1, 2, 3], baseline=[0, 2], bought=bought)
    assert values["serendipity@12"] == pytest.approx(1 / 4)


def test_personalisation_is_that_of_every_pair_compared() -> None:
    rng = np.random.default_rng(3)
    lists = np.stack([rng.permutation(30)[:12] for _ in range(9)]).astype(np.int32)
    lists[3, 7:] = -1
    lists[5] = -1
    unit = as_matrix(lists, 30).toarray()
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1)
    pairs = [unit[i] @ unit[j] for i in range(9) for j in range(9) if i != j]
    assert of_lists(lists, 30)["personalisation@12"] == pytest.approx(1 - np.mean(pairs))


def test_one_list_for_all_is_not_personal_and_lists_without_overlap_are() -> None:
    same = np.array([[0, 1], [0, 1]], np.int32)
    assert of_lists(same, 6)["personalisation@12"] == pytest.approx(0)
    assert of_lists(np.array([[0, 1], [2, 3]], np.int32), 6)["personalisation@12"] == 1


def test_coverage_counts_articles_once_and_no_empty_place() -> None:
    assert of_lists(np.array([[1, 2], [2, -1]], np.int32), 8)["coverage"] == 2 / 8


def test_gini_is_zero_for_equal_shares_and_grows_with_concentration() -> None:
    assert gini(np.full(5, 3.0)) == pytest.approx(0)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(1 / 4)
    assert gini(np.zeros(3)) == 0
    assert of_lists(np.array([[0], [0]], np.int32), 6)["gini@12"] == pytest.approx(5 / 6)
