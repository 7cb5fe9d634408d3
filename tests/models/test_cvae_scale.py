"""The CVAE in large shops and on other devices: the same training, in less memory or on a GPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.evaluation.validation_week import ValidationWeek
from hemline.kernels.lists import top_k
from hemline.models import label_shift
from hemline.models.cvae.batches import TrainingBatches
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.cvae_training import Trainer
from hemline.models.cvae.losses import LossName, products
from hemline.models.cvae.network import reindexed
from hemline.models.cvae.sampled_softmax import inclusion
from hemline.models.cvae.torch_inference import chosen_device
from hemline.models.label_shift import decayed

from .recommenders import CVAE, train_cvae

META = torch.device("meta")


@pytest.fixture(scope="module")
def trained(shop: Histories) -> Cvae:
    return train_cvae(shop, CVAE.model_copy(update={"max_epochs": 10}))


def batches_of(shop: Histories, half_life_days: float = 60.0) -> TrainingBatches:
    return TrainingBatches.of(shop, np.arange(0, 20, dtype=np.int32), half_life_days)


def test_renumbering_columns_is_taking_them(shop: Histories) -> None:
    columns = np.array([1, 4, 17], np.int32)
    position_of = np.full(18, -1, np.int32)
    position_of[columns[:2]] = [0, 1]
    few = reindexed(shop.units, position_of, 2)
    assert np.array_equal(few.toarray(), shop.units[:, columns[:2]].toarray())


def test_masses_summed_in_blocks_are_the_sums_of_the_decayed_purchases(
    shop: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_shift, "_BLOCK", 7)
    offered = np.arange(3, 12, dtype=np.int32)
    expected = decayed(shop.days_ago, 30)[:, offered]
    by_customer, by_article = label_shift.masses(shop.days_ago, offered, 30)
    assert np.allclose(by_customer, expected.sum(axis=1).ravel())
    assert np.allclose(by_article, expected.sum(axis=0).ravel())


def test_an_epoch_passes_over_every_customer_with_targets_where_they_are_few(
    shop: Histories,
) -> None:
    training = batches_of(shop)
    batches = [*training.epoch(1000, 16, np.random.default_rng(0))]
    targets = sparse.vstack([batch.targets for batch in batches])
    expected = decayed(shop.days_ago, 60)[:, training.offered]
    assert targets.shape[0] == np.count_nonzero(training.weights)
    assert np.allclose(targets.sum(axis=0), expected.sum(axis=0))


def test_a_short_epoch_expects_the_gradient_of_a_whole_one(shop: Histories) -> None:
    aged = shop.days_ago.copy()
    aged.data = aged.data + np.repeat(np.arange(aged.shape[0]) * 3, np.diff(aged.indptr))
    training = batches_of(replace(shop, days=aged.data))
    rng = np.random.default_rng(0)
    epochs = [
        sparse.vstack([batch.targets for batch in training.epoch(20, 8, rng)]) for _ in range(800)
    ]
    expected = decayed(training.histories.days_ago, 60)[:, training.offered].sum(axis=0)
    assert {epoch.shape[0] for epoch in epochs} == {20}
    assert np.allclose(np.mean([e.sum(axis=0) for e in epochs], axis=0), expected, rtol=0.1)


def test_short_epochs_train_the_same_way_every_time(shop: Histories) -> None:
    few = CVAE.model_copy(update={"max_epochs": 3, "epoch_customers": 20})
    first, second = (train_cvae(shop, few).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_short_epochs_learn_both_tastes_too(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"epoch_customers": 40}))
    warm = np.flatnonzero(~shop.is_cold())
    lists = model.recommend(shop.rows(warm), 6).articles
    own = (lists % 2 == (warm % 2)[:, None]) & (lists != 20)
    assert own.sum() > 0.9 * (lists != 20).sum()


def test_a_softmax_in_bfloat16_learns_what_one_in_float32_does(shop: Histories) -> None:
    model = train_cvae(shop, CVAE.model_copy(update={"precision": "bfloat16"}))
    warm = np.flatnonzero(~shop.is_cold())
    lists = model.recommend(shop.rows(warm), 6).articles
    own = (lists % 2 == (warm % 2)[:, None]) & (lists != 20)
    assert own.sum() > 0.9 * (lists != 20).sum()


def test_products_in_bfloat16_differ_by_its_rounding_alone() -> None:
    rows, table, bias = torch.rand(4, 8), torch.rand(5, 8), torch.rand(5)
    exact = products(rows, table, bias, "float32")
    assert torch.allclose(products(rows, table, bias, "bfloat16"), exact, rtol=2**-6)
    assert torch.allclose(exact, rows @ table.T + bias)


def test_hidden_layer_times_table_plus_bias_are_the_logits(trained: Cvae, shop: Histories) -> None:
    table = trained.network.articles_out.numpy()
    logits = trained.hidden(shop) @ table.T + trained.bias
    assert np.allclose(logits, trained.logits(shop), atol=1e-5)


def test_lists_are_those_of_the_logits(trained: Cvae, shop: Histories) -> None:
    position, _ = top_k(trained.logits(shop), 5)
    assert np.array_equal(trained.recommend(shop, 5).articles, trained.articles.offered[position])


def test_a_device_lists_what_the_processor_lists(trained: Cvae, shop: Histories) -> None:
    scores, position = trained.best_on_device(shop, 5)
    expected = trained.recommend(shop, 5)
    assert np.array_equal(trained.articles.offered[position.numpy()], expected.articles)
    assert np.allclose(scores.numpy(), expected.scores, atol=1e-5)


@pytest.mark.parametrize("loss", ["multinomial", "cosine_recall"])
@pytest.mark.parametrize("n_clusters", [0, 2])
def test_a_step_leaves_no_tensor_behind_on_the_processor(
    loss: LossName, n_clusters: int, trained: Cvae, shop: Histories
) -> None:
    """On meta, torch refuses any product of a tensor there with one here."""
    shape = replace(trained.shape, n_clusters=n_clusters, n_bands=n_clusters)
    away = Cvae(shape, trained.articles, network_like(trained, shape.n_clusters * 2).to(META))
    trainer = Trainer(away, CVAE.model_copy(update={"loss": loss, "softmax_samples": 8}))
    training = trainer.batches(shop)
    trainer.start_from(training.shares)
    n_samples = 8 if loss == "multinomial" else len(training.offered)
    included = inclusion(training.shares, n_samples)
    batch = next(training.epoch(1000, 16, trainer.rng))
    result = trainer.step(batch, included, 0.1)
    held = [*away.network.state_dict().values(), trainer.rows_in.squares, trainer.rows_out.squares]
    assert result.shape == (3,)
    assert {tensor.device for tensor in [result, *held]} == {META}


def test_scoring_leaves_no_tensor_behind_on_the_processor(trained: Cvae, shop: Histories) -> None:
    scores, position = trained.on(META).best_on_device(shop, 5)
    assert scores.shape == position.shape == (shop.n_customers, 5)
    assert {scores.device, position.device} == {META}
    assert trained.device == torch.device("cpu")


def network_like(model: Cvae, n_conditions: int) -> torch.nn.Module:
    """Return an untrained network of the model's size, but for its conditions."""
    network = type(model.network)
    n_read, n_offered = len(model.articles.read), len(model.articles.offered)
    size = {"hidden": model.shape.hidden, "latent": model.shape.latent}
    return network(n_read, n_offered, n_conditions, **size)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_gpu_that_is_not_there_is_refused_and_auto_does_without() -> None:
    assert chosen_device("auto") == chosen_device("cpu") == torch.device("cpu")
    with pytest.raises(BadInput, match=r"cvae\.device"):
        chosen_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_ends_within_rounding_of_the_processor(shop: Histories) -> None:
    few = CVAE.model_copy(update={"max_epochs": 3})
    here = train_cvae(shop, few)
    there = train_cvae(shop, few.model_copy(update={"device": "cuda"}))
    assert np.allclose(there.logits(shop), here.logits(shop), atol=1e-3)


def test_the_validation_week_scores_an_even_sample_of_its_buyers(shop: Histories) -> None:
    everyone = ValidationWeek(shop, shop)
    some = ValidationWeek(shop, shop, max_buyers=10)
    assert some.known.n_customers == some.bought.shape[0] == 10
    assert ValidationWeek(shop, shop, max_buyers=1000).bought.shape == everyone.bought.shape


def test_an_epoch_over_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="epoch_customers"):
        CvaeParams.model_validate({**CVAE.model_dump(), "epoch_customers": 0})
