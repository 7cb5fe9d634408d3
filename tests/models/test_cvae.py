"""The conditional VAE learns the two tastes, uses its condition, and says when it has collapsed."""

import numpy as np
import pytest
import torch
from scipy import sparse

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.cvae.collapse import refuse_collapse
from hemline.models.cvae.losses import kl_to_standard_normal, reconstruction
from hemline.models.cvae.model import Cvae
from hemline.models.cvae.network import SparseRows
from hemline.models.cvae.training import CvaeParams, Epoch, fit_cvae

from .recommenders import CVAE, train_cvae

HIT = 20


@pytest.fixture(scope="module")
def trained(shop: Histories) -> Cvae:
    return train_cvae(shop)


def share_of_own_taste(lists: np.ndarray, parity: np.ndarray) -> float:
    """Return the share of listed articles (HIT aside) that have the customer's parity."""
    own = (lists % 2 == parity[:, None]) & (lists != HIT)
    return float(own.sum() / (lists != HIT).sum())


def test_it_learns_both_tastes(trained: Cvae, shop: Histories) -> None:
    warm = np.flatnonzero(~shop.is_cold())
    lists = trained.recommend(shop.rows(warm), 6).articles
    assert share_of_own_taste(lists, warm % 2) > 0.95


def test_strangers_get_what_their_cluster_buys(trained: Cvae, shop: Histories) -> None:
    lists = trained.recommend(shop.rows(np.array([78, 79])), 6).articles
    assert share_of_own_taste(lists, np.array([0, 1])) > 0.8
    assert set(lists[0]) != set(lists[1])


def test_swapping_the_condition_moves_the_logits_towards_the_other_cluster(
    trained: Cvae, shop: Histories
) -> None:
    even = shop.rows(np.arange(0, 78, 2))
    inputs = trained.inputs(even)
    as_themselves = trained.logits(inputs, even.clusters)
    as_the_others = trained.logits(inputs, 1 - even.clusters)
    is_odd = (trained.shelf.offered % 2 == 1) & (trained.shelf.offered != HIT)
    moved = as_the_others - as_themselves
    assert moved[:, is_odd].mean() > moved[:, ~is_odd].mean()


def test_training_twice_gives_the_same_weights(shop: Histories) -> None:
    few = CVAE.model_copy(update={"max_epochs": 3})
    first, second = (train_cvae(shop, few).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_caller_keeps_its_own_random_stream(shop: Histories) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train_cvae(shop, CVAE.model_copy(update={"max_epochs": 1}))
    assert torch.equal(torch.rand(1), expected)


def test_training_stops_when_validation_does_and_keeps_the_best_epoch(shop: Histories) -> None:
    scores = [0.1, 0.5, 0.4, 0.3, 0.9]
    seen: list[Epoch] = []
    best = []

    def validate(model: Cvae) -> float:
        if len(seen) == 1:
            best.append(model.network.articles_out.bias.detach().clone())
        return scores[len(seen)]

    params = CVAE.model_copy(update={"patience": 2})
    fitted = fit_cvae(shop, shop, params, n_conditions=2, validate=validate, on_epoch=seen.append)
    assert [epoch.validation_map_at_12 for epoch in seen] == [0.1, 0.5, 0.4, 0.3]
    assert torch.equal(fitted.network.articles_out.bias, best[0])


def test_the_posters_loss_can_be_chosen_and_trains(shop: Histories) -> None:
    losses: list[float] = []
    params = CVAE.model_copy(update={"loss": "cosine_recall", "max_epochs": 15})
    fit_cvae(
        shop,
        shop,
        params,
        n_conditions=2,
        validate=lambda _: 0.0,
        on_epoch=lambda epoch: losses.append(epoch.reconstruction),
    )
    assert losses[-1] < 0.9 * losses[0]


def test_the_multinomial_loss_is_minus_the_weighted_log_likelihood() -> None:
    logits = torch.tensor([[0.0, np.log(3.0)], [0.0, 0.0]], dtype=torch.float32)
    targets = SparseRows.of(sparse.csr_matrix(np.array([[0.0, 2.0], [1.0, 1.0]], np.float32)))
    loss = reconstruction("multinomial", logits, targets)
    assert np.allclose(loss, [-2 * np.log(3 / 4), -2 * np.log(1 / 2)])


def test_the_posters_loss_is_one_minus_cosine_plus_one_minus_recall() -> None:
    logits = torch.logit(torch.tensor([[0.6, 0.8]]))
    targets = SparseRows.of(sparse.csr_matrix(np.array([[0.0, 1.0]], np.float32)))
    assert np.allclose(reconstruction("cosine_recall", logits, targets), (1 - 0.8) + (1 - 0.8))


def test_the_kl_term_is_zero_at_the_prior_and_known_elsewhere() -> None:
    zero = torch.zeros(1, 3)
    assert kl_to_standard_normal(zero, zero).item() == 0
    assert kl_to_standard_normal(zero + 2, zero).item() == pytest.approx(3 * 2**2 / 2)


def test_a_flat_network_is_refused(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"max_epochs": 1}))
    torch.nn.init.zeros_(model.network.articles_out.weight)
    torch.nn.init.zeros_(model.network.articles_out.bias)
    with pytest.raises(BadInput, match="flat output"):
        refuse_collapse(model, shop)


def test_one_list_for_everybody_is_refused(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"max_epochs": 1}))
    torch.nn.init.zeros_(model.network.articles_out.weight)
    model.network.articles_out.bias.data = torch.arange(21.0)
    with pytest.raises(BadInput, match="one list of 12 articles for all"):
        refuse_collapse(model, shop)


def test_a_trained_network_is_not_refused(trained: Cvae, shop: Histories) -> None:
    refuse_collapse(trained, shop)


def test_an_article_not_sold_lately_is_read_but_not_offered(shop: Histories) -> None:
    old = shop.days_ago.copy()
    old.data = np.where(old.indices == 4, 200, old.data).astype(np.float32)
    aged = Histories(shop.units, old, shop.clusters, shop.age_bands)
    model = train_cvae(aged, CVAE.model_copy(update={"max_epochs": 1}))
    assert 4 in model.shelf.read
    assert 4 not in model.recommend(aged, 21).articles


def test_a_loss_nobody_wrote_is_refused() -> None:
    with pytest.raises(ValueError, match="loss"):
        CvaeParams.model_validate({**CVAE.model_dump(), "loss": "hinge"})
