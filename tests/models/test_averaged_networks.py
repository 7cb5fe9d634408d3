"""Several networks as one: their mean, in every way that a network recommends."""

from pathlib import Path

import numpy as np
import pytest

from hemline.data.histories import Histories
from hemline.models.cvae.averaged_networks import averaged
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_training import Epoch, fit_cvae, fit_cvae_for

from .recommenders import CVAE

N_EPOCHS = 12


def of_seed(shop: Histories, seed: int) -> Cvae:
    params = CVAE.model_copy(update={"seed": seed, "walk_weight": 0.0})
    return fit_cvae_for(shop, params, n_conditions=2, n_epochs=N_EPOCHS)


@pytest.fixture(scope="module")
def both(shop: Histories) -> Cvae:
    params = CVAE.model_copy(update={"networks": 2, "walk_weight": 0.0})
    return fit_cvae_for(shop, params, n_conditions=2, n_epochs=N_EPOCHS)


def test_the_logits_are_the_mean_of_those_of_each_seed(shop: Histories, both: Cvae) -> None:
    first, second = of_seed(shop, CVAE.seed), of_seed(shop, CVAE.seed + 1)
    logits = [model.logits(shop) for model in (first, second)]
    assert np.abs(logits[0] - logits[1]).max() > 0.1
    np.testing.assert_allclose(both.logits(shop), np.mean(logits, axis=0), atol=1e-5)
    assert (both.shape.hidden, both.shape.latent) == (2 * CVAE.hidden, 2 * CVAE.latent)
    assert averaged([first]) is first


def test_torch_computes_the_same(shop: Histories, both: Cvae) -> None:
    from hemline.models.cvae.torch_inference import decoded  # noqa: PLC0415  (torch)

    by_torch = both.network.logits(decoded(both, shop)).detach().numpy()
    np.testing.assert_allclose(by_torch + both.articles.log_shift, both.logits(shop), atol=1e-4)


def test_it_is_stored_as_one_network_is(shop: Histories, both: Cvae, tmp_path: Path) -> None:
    both.save(tmp_path)
    lists, again = both.recommend(shop, 6), Cvae.load(tmp_path).recommend(shop, 6)
    np.testing.assert_array_equal(again.articles, lists.articles)
    np.testing.assert_array_equal(again.scores, lists.scores)


def test_each_network_stops_by_itself_and_the_mean_is_of_what_they_ended_as(
    shop: Histories,
) -> None:
    params = CVAE.model_copy(update={"networks": 2, "max_epochs": 3, "final_epochs": 2})
    epochs: list[Epoch] = []
    best = iter([0.1, 0.3, 0.2, 0.3, 0.2, 0.1])
    model = fit_cvae(
        shop,
        shop,
        params.model_copy(update={"walk_weight": 0.0}),
        n_conditions=2,
        validate=lambda _: next(best),
        on_epoch=epochs.append,
    )
    assert [one.epoch for one in epochs] == [1, 2, 3, 4, 5, 6]
    assert model.shape.n_epochs == 2  # 2 and 1
    early = fit_cvae(
        shop,
        shop,
        params.model_copy(update={"walk_weight": 0.0, "final_epochs": 0}),
        n_conditions=2,
        validate=lambda _: 0.0,
    )
    assert not np.array_equal(early.weights["articles_out"], model.weights["articles_out"])
