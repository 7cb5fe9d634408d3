"""Calibrated lists: the model's own at strength 0, the customer's mix at strength 1."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.calibrated import (
    SMOOTHING,
    ArticleGroups,
    Calibrated,
    miscalibration,
    target_mixes,
)
from hemline.models.recommender import Recommendations

# Articles 0 to 5 are dresses, 6 to 11 socks.
GROUPS = ArticleGroups(np.repeat([0, 1], 6), np.array([0.5, 0.5]), prior_articles=1e-9)


@dataclass(frozen=True)
class InOrder:
    """Lists the first n articles by key; the even ones come from "left", the odd ones "right"."""

    n: int = 12
    name: str = "in order"
    source_names: tuple[str, ...] = ("left", "right")

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        row = np.where(np.arange(k) < self.n, np.arange(k), NO_ARTICLE).astype(np.int32)
        articles = np.tile(row, (histories.n_customers, 1))
        scores = np.where(articles == NO_ARTICLE, -np.inf, 12.0 - articles).astype(np.float32)
        sources = np.where(articles == NO_ARTICLE, 0, articles % 2).astype(np.int16)
        return Recommendations(articles, scores, sources, ("left", "right"))


def bought(*rows: list[int]) -> Histories:
    units = np.zeros((len(rows), 12), np.float32)
    for row, articles in enumerate(rows):
        units[row, articles] = 1
    return Histories.from_interactions(sparse.csr_matrix(units))


def listed(rows: list[list[int]]) -> sparse.csr_matrix:
    return bought(*rows).units


def test_strength_0_is_the_models_own_list() -> None:
    lists = Calibrated(InOrder(), GROUPS, 0.0, 12).recommend(bought([0], [6, 7]), 5)
    assert lists.articles.tolist() == [[0, 1, 2, 3, 4]] * 2


def test_strength_1_fills_the_list_in_the_proportions_of_the_history() -> None:
    customers = bought([0, 6], [6, 7, 8, 9], [0, 6, 7, 8])
    lists = Calibrated(InOrder(), GROUPS, 1.0, 12).recommend(customers, 4).articles
    n_socks = (lists >= 6).sum(axis=1)
    assert n_socks.tolist() == [4 * 1 / 2, 4, 4 * 3 / 4]


def test_within_a_group_the_models_order_stays() -> None:
    lists = Calibrated(InOrder(), GROUPS, 0.7, 12).recommend(bought([0, 6]), 8).articles[0]
    assert lists[lists < 6].tolist() == sorted(lists[lists < 6])
    assert lists[lists >= 6].tolist() == sorted(lists[lists >= 6])


def test_a_cold_customers_target_is_everybodys_mix() -> None:
    everybody = ArticleGroups(GROUPS.group_of, np.array([0.25, 0.75]), prior_articles=5)
    assert target_mixes(bought([]).units, everybody).tolist() == [[0.25, 0.75]]
    lists = Calibrated(InOrder(), everybody, 1.0, 12).recommend(bought([]), 4).articles
    assert (lists >= 6).sum() == 3


def test_the_prior_counts_as_so_many_purchases() -> None:
    everybody = ArticleGroups(GROUPS.group_of, np.array([0.25, 0.75]), prior_articles=2)
    target = target_mixes(bought([0, 1]).units, everybody)
    assert target == pytest.approx(np.array([[(2 + 2 * 0.25) / 4, 2 * 0.75 / 4]]))


def test_miscalibration_is_the_divergence_from_the_target_mix() -> None:
    target = np.array([[0.5, 0.5], [0.5, 0.5]])
    departure = miscalibration(listed([[0, 6], [0, 1]]), target, GROUPS)
    present, absent = (1 - SMOOTHING) + SMOOTHING / 2, SMOOTHING / 2
    expected = 0.5 * np.log(0.5 / present) + 0.5 * np.log(0.5 / absent)
    assert departure == pytest.approx([0, expected])


def test_fewer_candidates_than_places_end_in_nothing_and_nothing_comes_twice() -> None:
    lists = Calibrated(InOrder(n=3), GROUPS, 0.5, 12).recommend(bought([0, 6]), 6)
    assert sorted(lists.articles[0].tolist()) == [NO_ARTICLE] * 3 + [0, 1, 2]
    assert lists.articles[0, 3:].tolist() == [NO_ARTICLE] * 3
    assert np.array_equal(np.isneginf(lists.scores), lists.articles == NO_ARTICLE)


def test_an_article_keeps_its_source() -> None:
    lists = Calibrated(InOrder(), GROUPS, 0.9, 12).recommend(bought([0, 6]), 6)
    assert np.array_equal(lists.sources, lists.articles % 2)
    assert lists.source_names == ("left", "right")


def test_every_pick_is_the_best_next_one() -> None:
    rng = np.random.default_rng(4)
    groups = ArticleGroups(rng.integers(3, size=12), np.array([0.2, 0.3, 0.5]), prior_articles=1)
    customers = bought(*(rng.choice(12, 5, replace=False).tolist() for _ in range(20)))
    target = target_mixes(customers.units, groups)
    lists = Calibrated(InOrder(), groups, 0.4, 12).recommend(customers, 6).articles
    for row, picked in enumerate(lists.tolist()):
        for place, article in enumerate(picked):
            left = [one for one in range(12) if one not in picked[:place]]
            values = [
                _objective([*picked[:place], one], one, target[[row]], groups) for one in left
            ]
            assert article == left[int(np.argmax(values))]


def _objective(picks: list[int], newest: int, target: np.ndarray, groups: ArticleGroups) -> float:
    departure = float(miscalibration(listed([picks]), target, groups)[0])
    return 0.6 / np.log2(newest + 2) - 0.4 * departure
