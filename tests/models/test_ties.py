"""Equal scores are listed by article key, whatever the last bit of a power or of a sum says."""

import os
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.sparse_topk import best_of_product
from hemline.models.calibrated import ArticleGroups, calibrate
from hemline.models.item_knn import ItemKnnParams, fit_item_knn
from hemline.models.label_shift import decay_weights
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.models.recommender import recommendations_from
from hemline.models.tfidf import fit_tfidf

from .recommenders import TFIDF, described

WEEKLY = PopularityParams(window_days=28, half_life_days=7, segment_prior_buyers=1, list_length=15)


def bought(days: list[list[float]], clusters: list[int] | None = None) -> Histories:
    """Customers in rows, articles in columns; 0 is not bought."""
    days_ago = sparse.csr_matrix(np.array(days, np.float32))
    units = days_ago.copy()
    units.data[:] = 1
    return Histories.from_interactions(
        units,
        days_ago=days_ago,
        clusters=None if clusters is None else np.array(clusters, np.int8),
    )


def test_two_purchases_of_last_week_equal_one_a_half_life_later_and_the_key_decides() -> None:
    assert pytest.approx(0.5 ** (1 / 7), rel=1e-15) == 2 * 0.5 ** (8 / 7)
    for days in ([[8, 1, 0], [8, 1, 0], [0, 0, 1]], [[1, 8, 1], [0, 8, 1], [0, 0, 0]]):
        shop = bought(days, clusters=[0, 0, 0])
        counted = [
            sum(0.5 ** (day / 7) for day in column if day) for column in zip(*days, strict=True)
        ]
        first = int(np.argmax(counted))
        tied = [article for article in range(3) if article != first]
        for model in (
            fit_popularity(shop, WEEKLY),
            fit_segment_popularity(shop, WEEKLY, n_bands=1),
        ):
            assert model.articles[0].tolist() == [first, *tied]
            assert model.scores[0, 1] == model.scores[0, 2]


@pytest.mark.parametrize("half_life", [3, 7, 10, 40, 365])
def test_a_half_life_earlier_counts_exactly_half(half_life: int) -> None:
    days = np.arange(1, 20 * half_life, dtype=np.float32)
    weights = decay_weights(days, half_life)
    assert np.array_equal(weights[half_life:], weights[:-half_life] / 2)
    assert weights.dtype == np.float32


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_customers_decides_no_popularity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days = rng.integers(1, 29, (200, 1)) * np.ones((1, 4))
    for article in range(4):
        days[:, article] = rng.permutation(days[:, article])
    listed = fit_popularity(bought(days.tolist()), WEEKLY)
    assert listed.articles[0].tolist() == [0, 1, 2, 3]
    assert len(set(listed.scores[0])) == 1


@pytest.mark.parametrize("seed", range(5))
def test_terms_in_another_order_are_the_same_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random(300).astype(np.float32)
    columns = np.stack([rng.permutation(values) for _ in range(6)], axis=1)
    both = best_of_product(
        sparse.csr_matrix(np.ones((1, 300), np.float32)), sparse.csr_matrix(columns), 6
    )
    assert both[0].tolist() == [list(range(6))]
    assert len(set(both[1][0])) == 1


def test_neighbours_with_the_same_buyers_on_other_days_stand_by_key() -> None:
    rng = np.random.default_rng(1)
    days = np.zeros((400, 4))
    days[:, 0] = 1
    for article in (1, 2, 3):
        days[rng.permutation(400)[:300], article] = np.arange(1, 301)
    model = fit_item_knn(
        bought(days.tolist()), ItemKnnParams(target_half_life_days=40, shrinkage=1)
    )
    asked = bought([[1, 0, 0, 0]])
    lists = model.recommend(asked, 3)
    assert lists.articles[0].tolist() == [1, 2, 3]
    assert len(set(lists.scores[0])) == 1


def test_equal_texts_in_another_order_of_words_stand_by_key() -> None:
    articles = described(8)
    words = ["navy wool knit soft", "soft navy wool knit", "knit soft navy wool"]
    articles["detail_desc"] = [words[article % 3] for article in range(8)]
    articles["prod_name"] = "same"
    neighbours = fit_tfidf(pd.DataFrame(articles), TFIDF)
    assert neighbours.articles[0, :3].tolist() == [2, 4, 6]


def test_calibrated_picks_of_equal_value_are_in_the_order_of_the_model() -> None:
    groups = ArticleGroups(np.arange(6) % 3, np.full(3, 1 / 3), 5.0)
    articles = np.arange(6, dtype=np.int32)[None]
    model = recommendations_from("m", articles, -articles.astype(np.float32))
    target: npt.NDArray[np.float64] = np.array([[1 / 3, 1 / 3, 1 - 2 / 3]])
    picked = calibrate(model, target, groups, strength=1.0, k=6)
    assert picked.articles[0].tolist() == [0, 1, 2, 3, 4, 5]


def test_other_instructions_of_the_processor_give_the_same_lists() -> None:
    code = """
import hashlib, numpy as np
from scipy import sparse
from hemline.data.histories import Histories
from hemline.models.label_shift import decay_weights
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.models.repurchase import Repurchase
rng = np.random.default_rng(0)
days = rng.integers(1, 700, (300, 60)) * (rng.random((300, 60)) < 0.4)
days = sparse.csr_matrix(days, dtype=np.float32)
units = days.copy()
units.data = rng.integers(1, 9, days.nnz).astype(np.float32)
shop = Histories.from_interactions(units, days_ago=days)
popular = fit_popularity(shop, PopularityParams(half_life_days=7))
own = Repurchase(730, 0.5).recommend(shop, 12)
weights = decay_weights(days.data, 40)
parts = popular.articles, popular.scores, own.articles, own.scores, weights
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("", "X86_V4 AVX512_ICL AVX512_SPR", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR")
    }
    assert len(printed) == 1
