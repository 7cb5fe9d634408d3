"""The conditional VAE learns the two tastes, uses its condition, and says when it has collapsed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from hemline.data.histories import UNKNOWN_SEGMENT, Histories
from hemline.errors import BadInput
from hemline.models.cvae.collapse import refuse_collapse
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.cvae_training import Epoch, fit_cvae, fit_cvae_for
from hemline.models.cvae.losses import cosine_recall, kl_to_standard_normal, multinomial
from hemline.models.cvae.network import SparseRows
from hemline.models.cvae.row_adagrad import RowAdagrad
from hemline.models.cvae.sampled_softmax import draw, inclusion

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


def test_cold_customers_get_what_their_cluster_buys(trained: Cvae, shop: Histories) -> None:
    lists = trained.recommend(shop.rows(np.array([78, 79])), 6).articles
    assert share_of_own_taste(lists, np.array([0, 1])) > 0.8
    assert set(lists[0]) != set(lists[1])


@pytest.mark.parametrize("known", ["clusters", "age_bands"])
def test_swapping_what_is_known_of_customers_swaps_their_lists(known: str, shop: Histories) -> None:
    nothing = np.full(shop.n_customers, UNKNOWN_SEGMENT, np.int8)
    labels = getattr(shop, known)
    only = replace(shop, clusters=nothing, age_bands=nothing)
    model = train_cvae(replace(only, **{known: labels}))
    cold = only.rows(np.array([78, 79]))
    as_themselves = model.recommend(replace(cold, **{known: labels[78:]}), 6).articles
    as_the_others = model.recommend(replace(cold, **{known: 1 - labels[78:]}), 6).articles
    assert share_of_own_taste(as_themselves, np.array([0, 1])) > 0.8
    assert share_of_own_taste(as_the_others, np.array([0, 1])) < 0.2


def test_swapping_the_condition_moves_a_warm_customers_logits_towards_the_other_cluster(
    trained: Cvae, shop: Histories
) -> None:
    even = shop.rows(np.arange(0, 78, 2))
    others = replace(even, clusters=1 - even.clusters, age_bands=1 - even.age_bands)
    as_themselves, as_the_others = trained.logits(even), trained.logits(others)
    is_odd = (trained.articles.offered % 2 == 1) & (trained.articles.offered != HIT)
    moved = as_the_others - as_themselves
    assert moved[:, is_odd].mean() > moved[:, ~is_odd].mean()


@pytest.mark.parametrize("n_conditions", [0, 1])
def test_any_interaction_matrix_will_do_without_clusters_ages_or_days(
    n_conditions: int, shop: Histories
) -> None:
    plain = Histories.from_interactions(shop.units)
    model = fit_cvae_for(plain, CVAE, n_conditions=n_conditions, n_epochs=40)
    warm = np.flatnonzero(~plain.is_cold())
    lists = model.recommend(plain.rows(warm), 6).articles
    assert share_of_own_taste(lists, warm % 2) > 0.9


def test_training_for_so_many_epochs_is_training_until_validation_stopped_there(
    shop: Histories,
) -> None:
    scores = iter([0.1, 0.2, 0.3, 0.0, 0.0])
    stopped = fit_cvae(
        shop,
        shop,
        CVAE.model_copy(update={"patience": 2}),
        n_conditions=2,
        validate=lambda _: next(scores),
    )
    counted = fit_cvae_for(shop, CVAE, n_conditions=2, n_epochs=stopped.shape.n_epochs)
    assert stopped.shape.n_epochs == 3
    weights = counted.network.state_dict()
    for name, expected in stopped.network.state_dict().items():
        assert torch.equal(weights[name], expected), name


def test_a_sampled_softmax_learns_both_tastes_too(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"softmax_samples": 8}))
    warm = np.flatnonzero(~shop.is_cold())
    assert share_of_own_taste(model.recommend(shop.rows(warm), 6).articles, warm % 2) > 0.9


def test_a_sample_estimates_the_normaliser_without_bias() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
    included = inclusion(shares, 3)
    mass = np.array([6.0, 1.0, 4.0, 2.0, 3.0, 1.0])
    samples = [draw(included, rng) for _ in range(4000)]
    estimates = [(mass[sample] / included[sample]).sum() for sample in samples]
    assert {len(sample) for sample in samples} == {3}
    assert np.mean(estimates) == pytest.approx(mass.sum(), rel=0.02)


def test_a_sample_as_large_as_the_catalogue_is_the_catalogue() -> None:
    included = inclusion(np.array([0.7, 0.2, 0.1]), 3)
    assert included.tolist() == [1, 1, 1]
    assert draw(included, np.random.default_rng(0)).tolist() == [0, 1, 2]


def test_only_borrowed_rows_move_each_by_its_own_history() -> None:
    table = torch.zeros(3, 2)
    rows = RowAdagrad(table, learning_rate=0.1)
    for _ in range(2):
        borrowed = rows.borrow(torch.tensor([2, 0]))
        (borrowed * torch.tensor([[3.0, 4.0], [0.0, 1.0]])).sum().backward()
        rows.step()
    both = 1 / np.sqrt(1) + 1 / np.sqrt(2)
    size = np.sqrt((3**2 + 4**2) / 2)
    assert np.allclose(table[2], [-0.1 * 3 / size * both, -0.1 * 4 / size * both])
    assert np.allclose(table[0], [0, -0.1 / np.sqrt(1 / 2) * both])
    assert table[1].tolist() == [0, 0]


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
            best.append(model.network.bias_out.detach().clone())
        return scores[len(seen)]

    params = CVAE.model_copy(update={"patience": 2})
    fitted = fit_cvae(shop, shop, params, n_conditions=2, validate=validate, on_epoch=seen.append)
    assert [epoch.validation_map_at_12 for epoch in seen] == [0.1, 0.5, 0.4, 0.3]
    assert torch.equal(fitted.network.bias_out, best[0])


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
    targets = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    loss = multinomial(logits, (targets * logits).sum(dim=1), targets.sum(dim=1))
    assert np.allclose(loss, [-2 * np.log(3 / 4), -2 * np.log(1 / 2)])


def test_the_posters_loss_is_one_minus_cosine_plus_one_minus_recall() -> None:
    logits = torch.logit(torch.tensor([[0.6, 0.8]]))
    targets = SparseRows.of(
        sparse.csr_matrix(np.array([[0.0, 1.0]], np.float32)), device=torch.device("cpu")
    )
    assert np.allclose(cosine_recall(logits, targets), (1 - 0.8) + (1 - 0.8))


def test_the_kl_term_is_zero_at_the_prior_and_known_elsewhere() -> None:
    zero = torch.zeros(1, 3)
    assert kl_to_standard_normal(zero, zero).item() == 0
    assert kl_to_standard_normal(zero + 2, zero).item() == pytest.approx(3 * 2**2 / 2)


def test_a_flat_network_is_refused(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"max_epochs": 1}))
    torch.nn.init.zeros_(model.network.articles_out)
    torch.nn.init.zeros_(model.network.bias_out)
    with pytest.raises(BadInput, match="flat output"):
        refuse_collapse(model, shop)


def test_one_list_for_everybody_is_refused(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"max_epochs": 1}))
    torch.nn.init.zeros_(model.network.articles_out)
    model.network.bias_out.data = torch.arange(21.0)
    with pytest.raises(BadInput, match="one list of 12 articles for all"):
        refuse_collapse(model, shop)


def test_a_trained_network_is_not_refused(trained: Cvae, shop: Histories) -> None:
    refuse_collapse(trained, shop)


def test_an_article_not_sold_lately_is_read_but_not_offered(shop: Histories) -> None:
    old = shop.days_ago.copy()
    old.data = np.where(old.indices == 4, 200, old.data).astype(np.float32)
    aged = Histories.from_matrices(shop.units, old, shop.clusters, shop.age_bands)
    model = train_cvae(aged, CVAE.model_copy(update={"max_epochs": 1}))
    assert 4 in model.articles.read
    assert 4 not in model.recommend(aged, 21).articles


def test_a_loss_nobody_wrote_is_refused() -> None:
    with pytest.raises(ValueError, match="loss"):
        CvaeParams.model_validate({**CVAE.model_dump(), "loss": "hinge"})
