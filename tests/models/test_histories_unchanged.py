"""No model changes the histories it is given.

Fitting gets read-only arrays. Recommending does not: numba would compile every loop a second time.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import top_k_sparse
from hemline.models.calibrated import ArticleGroups, Calibrated
from hemline.models.cascade import Cascade, Served
from hemline.models.catalogue import CATALOGUE
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommender
from hemline.models.repurchase import Repurchase

from .recommenders import fit_all

NAMES = [*CATALOGUE, "rank", "cascade", "served", "calibrated", "exclude_bought", "two years"]
ON_A_BORDER = (0, 1, 27, 28, 29, 60, 61, 729, 730, 731, 732)


def arrays_of(histories: Histories) -> Iterator[npt.NDArray[np.generic]]:
    for matrix in (histories.units, histories.days_ago):
        yield from (matrix.indptr, matrix.indices, matrix.data)
    yield from (histories.clusters, histories.age_bands)


def read_only(histories: Histories) -> Histories:
    for array in arrays_of(histories):
        array.setflags(write=False)
    return histories


def on_borders(seed: int, n_articles: int) -> Histories:
    """Rows of any length, some empty; days on the borders of windows, and stored zeros of units."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, n_articles + 1, 40) * (rng.random(40) < 0.8)
    articles = [np.sort(rng.permutation(n_articles)[:length]) for length in lengths]
    indices = np.concatenate(articles).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    days = rng.choice(ON_A_BORDER, len(indices)).astype(np.float32)
    units = rng.integers(0, 4, len(indices)).astype(np.float32)
    return Histories.from_matrices(
        sparse.csr_matrix((units, indices, indptr), shape=(40, n_articles)),
        sparse.csr_matrix((days, indices, indptr), shape=(40, n_articles)),  # one structure
        rng.integers(-1, 2, 40).astype(np.int8),
        rng.integers(-1, 2, 40).astype(np.int8),
    )


@pytest.fixture(scope="module")
def fitted(shop: Histories) -> dict[str, Recommender]:
    """Fit every model on histories that nobody can write to."""
    matrices = shop.units.copy(), shop.days_ago.copy()
    copy = Histories.from_matrices(*matrices, shop.clusters, shop.age_bands)
    before = [array.copy() for array in arrays_of(copy)]
    models = fit_all(
        read_only(replace(copy, clusters=shop.clusters.copy(), age_bands=shop.age_bands.copy()))
    )
    assert all(map(np.array_equal, before, arrays_of(copy)))
    popular, own = models["popularity"], models["repurchase"]
    mix = ArticleGroups(np.arange(shop.n_articles) % 2, np.array([0.5, 0.5]), 5.0)
    return models | {
        "served": Served(Cascade("warm", [own, popular]), Cascade("cold", [popular])),
        "calibrated": Calibrated(popular, mix, 0.5, 15),
        "exclude_bought": ExcludeBought(popular),
        "two years": Repurchase(max_days=730, units_weight=0.5),
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_model_changes_the_histories_it_is_given(
    name: str, fitted: dict[str, Recommender], shop: Histories
) -> None:
    for seed in range(20):
        histories = on_borders(seed, shop.n_articles)
        before = [array.copy() for array in arrays_of(histories)]
        once = fitted[name].recommend(histories, 6)
        assert all(map(np.array_equal, before, arrays_of(histories)))
        again = fitted[name].recommend(on_borders(seed, shop.n_articles), 6)
        assert np.array_equal(once.articles, again.articles)
        assert not np.isnan(once.scores).any()
        assert not np.isposinf(once.scores).any()


def test_what_is_not_to_be_listed_leaves_the_matrix_as_it_is() -> None:
    scores = sparse.csr_matrix(np.array([[3, 1, 2]], np.float32))
    scores.data[2] = -np.inf
    for array in (scores.indptr, scores.indices, scores.data):
        array.setflags(write=False)
    assert top_k_sparse(scores, 3)[0].tolist() == [[0, 1, -1]]


def test_a_purchase_a_day_too_old_is_not_offered_and_remains_in_the_history() -> None:
    units = sparse.csr_matrix(np.ones((1, 3), np.float32))
    days = sparse.csr_matrix(np.array([[731, 730, 1]], np.float32))
    histories = Histories.from_interactions(units, days_ago=days)
    lists = Repurchase(max_days=730, units_weight=0.5).recommend(histories, 3)
    assert lists.articles[0].tolist() == [2, 1, -1]
    assert np.diff(histories.units.indptr).tolist() == [3]
