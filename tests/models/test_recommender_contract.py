"""What every recommender promises, whatever it learned."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.cascade import MODELS
from hemline.models.recommender import Recommendations, Recommender

from .recommenders import fit_all

NAMES = [*MODELS, "rank", "cascade"]
KNOW_STRANGERS = {"popularity", "segment_popularity", "cvae", "rank", "cascade"}


@pytest.fixture(scope="module")
def fitted(shop: Histories) -> dict[str, Recommender]:
    return fit_all(shop)


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


def test_more_than_the_catalogue_may_be_asked_for(model: Recommender, shop: Histories) -> None:
    lists = model.recommend(shop, 50).articles
    assert lists.shape == (80, 50)
    assert (lists[:, 21:] == NO_ARTICLE).all()


def test_a_longer_list_begins_with_the_shorter_one(model: Recommender, shop: Histories) -> None:
    assert np.array_equal(
        model.recommend(shop, 9).articles[:, :4], model.recommend(shop, 4).articles
    )


def test_a_customer_nobody_knows_gets_an_answer_or_an_empty_list(
    model: Recommender, shop: Histories
) -> None:
    stranger = Histories.from_interactions(sparse.csr_matrix((1, shop.n_articles)))
    lists = model.recommend(stranger, 5)
    assert lists.articles.shape == (1, 5)
    knows_strangers = model.name in KNOW_STRANGERS
    assert (lists.articles != NO_ARTICLE).all() == knows_strangers


def test_nobody_asking_is_answered_with_no_rows(model: Recommender, shop: Histories) -> None:
    assert model.recommend(shop.rows(np.array([], np.int64)), 5).articles.shape == (0, 5)


def test_the_same_question_has_the_same_answer(model: Recommender, shop: Histories) -> None:
    assert same(model.recommend(shop, 10), model.recommend(shop, 10))


def test_a_customer_is_answered_alone_as_in_a_crowd(model: Recommender, shop: Histories) -> None:
    crowd = model.recommend(shop, 6).articles
    alone = [model.recommend(shop.rows(np.array([row])), 6).articles[0] for row in (0, 33, 79)]
    assert np.array_equal(crowd[[0, 33, 79]], alone)


@pytest.mark.parametrize("name", list(MODELS))
def test_a_saved_model_answers_as_before_and_saves_the_same_bytes(
    name: str, fitted: dict[str, Recommender], shop: Histories, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    fitted[name].save(first)
    loaded = MODELS[name].load(first)
    assert loaded.name == name
    assert same(fitted[name].recommend(shop, 8), loaded.recommend(shop, 8))
    loaded.save(second)
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_any_interaction_matrix_will_do(fitted: dict[str, Recommender], shop: Histories) -> None:
    plain = Histories.from_interactions(shop.units)
    for model in fitted.values():
        assert model.recommend(plain, 3).articles.shape == (80, 3)
