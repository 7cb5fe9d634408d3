"""What every recommender promises, whatever it learned."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.blocks import BLOCK
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.cascade import Cascade, CascadeWithNewArticle, Served
from hemline.models.catalogue import CATALOGUE, TrainingData, entry_of
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.ranker.feature_groups import SCORING
from hemline.models.recommender import Recommendations, Recommender, ScoresPairs

from .recommenders import fit_all

NAMES = [*CATALOGUE, "rank", "cascade", "served", "with_new_article", "exclude_bought"]
SERVE_COLD_CUSTOMERS = {
    *("popularity", "segment_popularity", "cvae", "rank", "cascade", "served"),
    "with_new_article",
}


@runtime_checkable
class Saved(Protocol):
    """A model, or the ranker, which is loaded with others."""

    def save(self, folder: Path) -> None: ...


@pytest.fixture(scope="module")
def fitted(shop: Histories) -> dict[str, Recommender]:
    models = fit_all(shop)
    warm = Cascade("warm", [models["rank"], models["popularity"]])
    cold = Cascade("cold", [models["cvae"], models["popularity"]])
    products = np.arange(shop.n_articles, dtype=np.int32) // 2
    return models | {
        "served": Served(warm, cold, per_product=1, product_of=products),
        "with_new_article": CascadeWithNewArticle(
            "with_new_article", warm.models, models["new_articles"], 3
        ),
        "exclude_bought": ExcludeBought(models["popularity"]),
    }


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, fitted: dict[str, Recommender]) -> Recommender:
    return fitted[request.param]


def same(left: Recommendations, right: Recommendations) -> bool:
    return all(
        np.array_equal(getattr(left, field.name), getattr(right, field.name))
        for field in dataclasses.fields(Recommendations)
    )


def test_lists_have_one_row_per_customer_and_k_columns(model: Recommender, shop: Histories) -> None:
    lists = model.recommend(shop, 7)
    assert lists.articles.shape == lists.scores.shape == lists.sources.shape == (80, 7)
    assert (lists.articles.dtype, lists.scores.dtype) == (np.int32, np.float32)
    assert lists.sources.dtype == np.int16
    assert 0 <= lists.sources.min() <= lists.sources.max() < len(lists.source_names)


def test_scores_fall_along_a_list_and_end_in_nothing(model: Recommender, shop: Histories) -> None:
    lists = model.recommend(shop, 12)
    assert (lists.scores[:, :-1] >= lists.scores[:, 1:]).all()
    assert np.array_equal(lists.articles == NO_ARTICLE, np.isneginf(lists.scores))


def test_no_article_is_listed_twice(model: Recommender, shop: Histories) -> None:
    for row in model.recommend(shop, 21).articles:
        listed = row[row != NO_ARTICLE]
        assert len(set(listed)) == len(listed)
        assert ((listed >= 0) & (listed < shop.n_articles)).all()


def test_more_than_the_catalogue_may_be_requested(model: Recommender, shop: Histories) -> None:
    lists = model.recommend(shop, 50).articles
    assert lists.shape == (80, 50)
    assert (lists[:, 21:] == NO_ARTICLE).all()


def test_a_longer_list_begins_with_the_shorter_one(model: Recommender, shop: Histories) -> None:
    assert np.array_equal(
        model.recommend(shop, 9).articles[:, :4], model.recommend(shop, 4).articles
    )


def test_a_cold_customer_gets_a_full_list_or_an_empty_one(
    model: Recommender, shop: Histories
) -> None:
    cold = Histories.from_interactions(sparse.csr_matrix((1, shop.n_articles)))
    lists = model.recommend(cold, 5)
    assert lists.articles.shape == (1, 5)
    serves_cold_customers = model.name in SERVE_COLD_CUSTOMERS
    assert (lists.articles != NO_ARTICLE).all() == serves_cold_customers


def test_no_histories_give_no_rows(model: Recommender, shop: Histories) -> None:
    assert model.recommend(shop.rows(np.array([], np.int64)), 5).articles.shape == (0, 5)


def test_the_same_request_gives_the_same_lists(model: Recommender, shop: Histories) -> None:
    assert same(model.recommend(shop, 10), model.recommend(shop, 10))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_one_customer_and_a_crowd_get_the_same_bits(
    model: Recommender, shop: Histories, n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: n_threads)
    many = crowd(shop.n_articles, seed=n_threads)
    together = model.recommend(many, 6)
    for row in (*range(0, many.n_customers, 19), many.n_customers - 1):
        alone = model.recommend(many.rows(np.array([row])), 6)
        assert np.array_equal(alone.articles[0], together.articles[row])
        assert np.array_equal(alone.scores[0], together.scores[row])
        assert np.array_equal(alone.sources[0], together.sources[row])
        assert alone.source_names == together.source_names == model.source_names
    some = np.random.default_rng(3).permutation(many.n_customers)[:300]
    parted = model.recommend(many.rows(some), 6)
    assert np.array_equal(parted.articles, together.articles[some])
    assert np.array_equal(parted.scores, together.scores[some])


@pytest.mark.parametrize("name", SCORING)
def test_a_pair_has_the_score_that_a_list_has_alone_and_among_others(
    name: str, fitted: dict[str, Recommender], shop: Histories
) -> None:
    model, many = fitted[name], crowd(shop.n_articles, seed=5)
    assert isinstance(model, ScoresPairs)
    lists, opened = model.recommend(many, shop.n_articles), model.open(many)
    shape = many.n_customers, shop.n_articles
    rows, articles = (axis.ravel() for axis in np.mgrid[: shape[0], : shape[1]])
    scores = opened.scores(rows, articles.astype(np.int32)).reshape(shape)
    listed = lists.articles != NO_ARTICLE
    row, _ = np.nonzero(listed)
    assert np.array_equal(scores[row, lists.articles[listed]], lists.scores[listed])
    assert same(opened.recommend(6), model.recommend(many, 6))
    every = np.arange(shop.n_articles, dtype=np.int32)
    for chosen in range(0, many.n_customers, 41):
        alone = model.open(many.rows(np.array([chosen]))).scores(
            np.zeros_like(rows[: shape[1]]), every
        )
        assert np.array_equal(alone, scores[chosen], equal_nan=True)


def test_models_that_the_ranker_asks_score_any_pair(
    fitted: dict[str, Recommender],
) -> None:
    assert set(SCORING) <= {name for name in CATALOGUE if isinstance(fitted[name], ScoresPairs)}


def crowd(n_articles: int, seed: int) -> Histories:
    """More customers than a block of rows has, a fifth of them cold, some of unknown segments."""
    rng, n_customers = np.random.default_rng(seed), 2 * BLOCK + 7
    bought = rng.random((n_customers, n_articles)) < rng.random((n_customers, 1))
    bought[rng.random(n_customers) < 0.2] = False
    days = sparse.csr_matrix(bought * rng.integers(1, 90, bought.shape), dtype=np.float32)
    units = sparse.csr_matrix(bought * rng.integers(1, 4, bought.shape), dtype=np.float32)
    clusters, bands = rng.integers(-1, 3, (2, n_customers)).astype(np.int8)
    return dataclasses.replace(
        Histories.from_interactions(units, days_ago=days, clusters=clusters), age_bands=bands
    )


def test_no_library_for_training_is_needed_to_recommend(
    fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    for name in [*CATALOGUE, "rank"]:
        model = fitted[name]
        assert isinstance(model, Saved)
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    code = f"""
import sys
from pathlib import Path
import numpy as np
from hemline.data.histories import Histories
from hemline.models.cascade import load_models, served_by
from hemline.models.served_orders import ServedOrders
models = load_models(Path({str(tmp_path)!r}))
serve = ServedOrders(("rank", "popularity"), ("cvae", "popularity"), 1)
served = served_by(serve, models, np.arange(21, dtype=np.int32))
bought, once = np.array([3, 5], np.int32), np.ones(2, np.float32)
for n in (0, 2):
    one = Histories.of_one(bought[:n], once[:n], once[:n], cluster=0, age_band=1, n_articles=21)
    for model in (served, *models.values()):
        model.recommend(one, 5)
    assert (served.recommend(one, 5).articles >= 0).all()
print({{"torch", "pandas", "lightgbm", "implicit", "sklearn"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_saved_model_recommends_as_before_and_saves_the_same_bytes(
    name: str, fitted: dict[str, Recommender], shop: Histories, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    fitted[name].save(first)
    loaded = entry_of(name).load(first)
    assert loaded.name == name
    assert same(fitted[name].recommend(shop, 8), loaded.recommend(shop, 8))
    loaded.save(second)
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_any_interaction_matrix_will_do(fitted: dict[str, Recommender], shop: Histories) -> None:
    plain = Histories.from_interactions(shop.units)
    for model in fitted.values():
        assert model.recommend(plain, 3).articles.shape == (80, 3)


def test_the_catalogue_brings_in_no_library_that_is_slow_to_import() -> None:
    slow = {"torch", "numba", "lightgbm", "implicit", "sklearn"}
    code = f"import sys, hemline.models.catalogue; print({slow} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_name_that_is_not_in_the_catalogue_is_refused() -> None:
    with pytest.raises(BadInput, match="a model of the catalogue"):
        entry_of("prophecy")


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_model_without_what_it_is_fitted_from_is_refused(name: str) -> None:
    entry = entry_of(name)
    with pytest.raises(BadInput, match="the training data hold what the model reads"):
        entry.fit(TrainingData(), entry.params())


@pytest.mark.parametrize("more", [-1, 1])
def test_histories_of_other_articles_are_refused(
    model: Recommender, shop: Histories, more: int
) -> None:
    units = sparse.csr_matrix((2, shop.n_articles + more), dtype=np.float32)
    with pytest.raises(BadInput, match="one column per article") as refusal:
        model.recommend(Histories.from_interactions(units), 3)
    assert refusal.value.found == f"{shop.n_articles + more} columns"
