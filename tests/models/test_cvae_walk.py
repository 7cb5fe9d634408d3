"""The walk beside the network: it knows which rare articles belong together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.cvae.collapse import refuse_collapse
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_training import fit_cvae, fit_cvae_for
from hemline.models.exclude_bought import ExcludeBought

from .recommenders import CVAE, WALKING, train_cvae

N_PAIRS = 300
TOLD = 100


@pytest.fixture(scope="module")
def pairs() -> Histories:
    """Articles 2 i and 2 i + 1 are bought by the same four customers, who buy another pair too.

    After the 600 buyers, 100 customers bought one article of a pair each.
    """
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(N_PAIRS) for _ in range(4)]
    of_buyers = np.stack([np.concatenate(drawn[:2]), np.concatenate(drawn[2:])], axis=1)
    bought = (2 * of_buyers[:, :, None] + np.arange(2)).reshape(len(of_buyers), -1)
    rows = np.repeat(np.arange(len(bought)), bought.shape[1])
    told = len(bought) + np.arange(TOLD)
    columns = np.concatenate([bought.ravel(), 2 * np.arange(TOLD)])
    entries = np.ones(len(columns), np.float32), (np.concatenate([rows, told]), columns)
    return Histories.from_interactions(sparse.csr_matrix(entries, (told[-1] + 1, 2 * N_PAIRS)))


def share_of_partners(model: Cvae, pairs: Histories) -> float:
    """Return for how many who bought one article the first other one listed is its partner."""
    told = pairs.rows(np.arange(pairs.n_customers - TOLD, pairs.n_customers))
    first = ExcludeBought(model).recommend(told, 1).articles[:, 0]
    return float((first == 2 * np.arange(TOLD) + 1).mean())


@pytest.fixture(scope="module")
def paired(pairs: Histories) -> Cvae:
    return fit_cvae_for(pairs, WALKING, n_conditions=0, n_epochs=20)


def test_it_knows_pairs_that_the_network_has_no_room_for(paired: Cvae, pairs: Histories) -> None:
    assert share_of_partners(paired.network_only, pairs) < 0.5
    assert share_of_partners(paired, pairs) > 0.95


def test_its_weight_is_the_one_that_is_best_on_the_validation_week(pairs: Histories) -> None:
    seen: list[float] = []

    def validate(model: Cvae) -> float:
        seen.append(model.shape.walk_weight)
        return -abs(model.shape.walk_weight - 4)

    free = CVAE.model_copy(update={"walk_weight": None, "max_epochs": 1})
    model = fit_cvae(pairs, pairs, free, n_conditions=0, validate=validate)
    assert model.shape.walk_weight == 4
    assert seen == [0, 0, 0.5, 1, 2, 4, 8]  # the first one is the epoch's


def test_a_walk_that_does_not_help_is_left_out(pairs: Histories) -> None:
    free = CVAE.model_copy(update={"walk_weight": None, "max_epochs": 1})
    model = fit_cvae(
        pairs, pairs, free, n_conditions=0, validate=lambda model: -model.shape.walk_weight
    )
    assert model.shape.walk_weight == 0
    assert model.walk is None


def test_the_network_is_the_same_with_a_walk_and_without(shop: Histories) -> None:
    few = {"max_epochs": 3}
    with_walk, without = (train_cvae(shop, each.model_copy(update=few)) for each in (WALKING, CVAE))
    assert all(np.array_equal(with_walk.weights[name], without.weights[name])
               for name in without.weights)  # fmt: skip
    lists = with_walk.network_only.recommend(shop, 6)
    assert np.array_equal(lists.articles, without.recommend(shop, 6).articles)


def test_cold_customers_get_what_they_get_without_a_walk(shop: Histories) -> None:
    model = train_cvae(shop, WALKING)
    cold = shop.rows(np.array([78, 79]))
    lists, without = (each.recommend(cold, 6) for each in (model, model.network_only))
    assert np.array_equal(lists.articles, without.articles)
    assert np.array_equal(lists.scores, without.scores)


def test_the_condition_still_moves_lists(shop: Histories) -> None:
    model = train_cvae(shop, WALKING)
    even = shop.rows(np.arange(0, 78, 2))
    others = replace(even, clusters=1 - even.clusters, age_bands=1 - even.age_bands)
    own, of_others = (model.recommend(each, 21) for each in (even, others))
    is_even = own.articles % 2 == 0, of_others.articles % 2 == 0
    assert own.scores[is_even[0]].mean() > of_others.scores[is_even[1]].mean()


def test_a_saved_model_lists_the_same(paired: Cvae, pairs: Histories, tmp_path: Path) -> None:
    paired.save(tmp_path)
    loaded = Cvae.load(tmp_path)
    expected, lists = (each.recommend(pairs, 12) for each in (paired, loaded))
    assert np.array_equal(expected.articles, lists.articles)
    assert np.array_equal(expected.scores, lists.scores)


def test_a_version_that_was_saved_before_there_was_a_walk_is_loaded_without_one(
    shop: Histories, tmp_path: Path
) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"max_epochs": 1}))
    model.save(tmp_path)
    shape = (tmp_path / "shape.json").read_text().splitlines()
    before = [line for line in shape if "walk" not in line]
    (tmp_path / "shape.json").write_text("\n".join(before).replace(",\n}", "\n}"))
    assert not (tmp_path / "walk.npz").exists()
    loaded = Cvae.load(tmp_path)
    assert loaded.walk is None
    assert np.array_equal(loaded.recommend(shop, 6).articles, model.recommend(shop, 6).articles)


def test_a_device_raises_what_the_processor_raises(
    paired: Cvae, pairs: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = paired.recommend(pairs, 6)
    monkeypatch.setattr(Cvae, "_is_elsewhere", True)
    lists = paired.recommend(pairs, 6)
    assert np.array_equal(lists.articles, expected.articles)
    assert np.allclose(lists.scores, expected.scores, atol=1e-5)


def test_a_network_that_tells_nobody_apart_is_refused_though_the_walk_does(
    pairs: Histories,
) -> None:
    model = fit_cvae_for(pairs, WALKING, n_conditions=0, n_epochs=1)
    model.network.articles_out.zero_()
    model.network.bias_out.data.zero_()
    with pytest.raises(Exception, match="flat output"):
        refuse_collapse(Cvae(model.shape, model.articles, model.network, None), pairs)
    with pytest.raises(Exception, match="flat output"):
        refuse_collapse(model, pairs)


def test_articles_that_only_the_fitted_histories_hold_are_left_out_of_the_walk(
    shop: Histories,
) -> None:
    """Known histories begin earlier than the latest ones, so an article may be gone by then."""
    is_left = shop.units.indices != 4
    gone = sparse.csr_matrix(
        (shop.units.data * is_left, shop.units.indices, shop.units.indptr), shop.units.shape
    )
    later = replace(Histories.from_interactions(gone), clusters=shop.clusters)
    params = CVAE.model_copy(update={"walk_weight": None, "max_epochs": 1})
    model = fit_cvae(shop, later, params, n_conditions=2, validate=lambda m: m.shape.walk_weight)
    assert 4 not in model.articles.read
    assert model.shape.walk_weight == 8
    assert 4 not in model.recommend(shop, 21).articles
