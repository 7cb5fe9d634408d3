"""Sequence models: loops against torch, examples and losses written down, and a chain to learn."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import no_unlikes
from hemline.data.past_weeks import PurchaseLog
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.kernels.sequence_rows import Latest, latest_purchases
from hemline.models.recommender import Recommender
from hemline.models.sequence.batch_scores import BatchScores, SequenceNetwork
from hemline.models.sequence.encoders import EncoderName, GruEncoder
from hemline.models.sequence.layer_arrays import layers_of
from hemline.models.sequence.sequence import SequenceArrays, SequenceModel, SequenceShape
from hemline.models.sequence.sequence_training import SequenceParams, SequenceTrainer, fit_sequence
from hemline.models.sequence.training_baskets import (
    N_AGES,
    OfferedWeek,
    TrainingBaskets,
    age_of,
    offered_at,
)

CUT = date(2020, 9, 16)
ENCODERS: tuple[EncoderName, ...] = ("pool", "gru", "attention")
N_ARTICLES = 12
WIDTH = 8


def log_of(*rows: tuple[int, int, int], n_articles: int = N_ARTICLES) -> PurchaseLog:
    """Return a log of (customer, article, days ago)."""
    frame = pd.DataFrame(rows, columns=[columns.CUSTOMER, columns.ARTICLE, "ago"])
    frame[columns.DAY] = pd.Timestamp(CUT) - pd.to_timedelta(frame["ago"], unit="D")
    frame[columns.UNITS] = 1
    order = [columns.DAY, columns.CUSTOMER, columns.ARTICLE]
    ordered = frame.sort_values(order, ignore_index=True)
    return PurchaseLog(ordered, no_unlikes(), CUT, n_articles, 7)


def described(n_articles: int = N_ARTICLES) -> pd.DataFrame:
    return pd.DataFrame({"department_name": [f"d{article % 3}" for article in range(n_articles)]})


def network_of(encoder: EncoderName) -> SequenceNetwork:
    torch.manual_seed(3)
    network = SequenceNetwork(encoder, WIDTH, 3)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape) * 0.4)
    return network.eval()


def model_of(network: SequenceNetwork, encoder: EncoderName) -> SequenceModel:
    rng, everything = np.random.default_rng(2), np.arange(N_ARTICLES, dtype=np.int32)
    vectors = rng.normal(size=(N_ARTICLES, WIDTH)).astype(np.float32)
    nothing = np.zeros(N_ARTICLES, np.float32)
    ages = network.ages.detach().numpy()
    raised = np.zeros(N_AGES, np.float32)
    arrays = SequenceArrays(everything, vectors, ages, raised, everything, nothing)
    shape = SequenceShape(encoder, 6, N_ARTICLES, 1)
    return SequenceModel(shape, arrays, layers_of(network.encoder))


def crowd(n_customers: int = 30) -> Histories:
    rng = np.random.default_rng(4)
    bought = rng.random((n_customers, N_ARTICLES)) < rng.random((n_customers, 1))
    bought[:, 0] = True
    days = bought * rng.choice([1, 2, 5, 5, 40, 900], bought.shape)
    return Histories.from_interactions(
        sparse.csr_matrix(bought.astype(np.float32)),
        days_ago=sparse.csr_matrix(days.astype(np.float32)),
    )


def by_torch(network: SequenceNetwork, model: SequenceModel, latest: Latest) -> np.ndarray:
    vectors = torch.tensor(model.arrays.vectors[np.maximum(latest.rows, 0)])
    with torch.inference_mode():
        return network.encode(vectors, torch.tensor(latest.ages), torch.tensor(latest.days)).numpy()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_loops_compute_what_torch_does(encoder: EncoderName) -> None:
    network = network_of(encoder)
    model = model_of(network, encoder)
    latest = model.latest(crowd())
    expected = by_torch(network, model, latest)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(model.encoded(latest), expected, rtol=1e-4, atol=1e-5)


def test_one_day_is_one_step_of_torchs_gru_cell() -> None:
    network = network_of("gru")
    assert isinstance(network.encoder, GruEncoder)
    model = model_of(network, "gru")
    two = np.array([2, 5], np.int32)
    latest = Latest(two[None], np.array([[3, 3]], np.int32), np.array([[1, 1]]))
    gru, out = network.encoder.gru, network.encoder.out
    mean = torch.tensor(model.arrays.vectors[two].mean(axis=0)) + network.ages[1]
    cell = torch.nn.GRUCell(WIDTH, WIDTH)
    cell.load_state_dict({name[: -len("_l0")]: part for name, part in gru.state_dict().items()})
    expected = out(cell(mean[None])).detach().numpy()
    np.testing.assert_allclose(model.encoded(latest), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_order_within_a_day_does_not_matter(encoder: EncoderName) -> None:
    model = model_of(network_of(encoder), encoder)
    rows, days = np.array([[4, 1, 7, 2], [4, 7, 1, 2]], np.int32), np.array([[9, 3, 3, 1]] * 2)
    latest = Latest(rows, days.astype(np.int32), age_of(days))
    first, second = model.encoded(latest)
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


def test_only_the_gru_and_attention_know_what_came_first() -> None:
    rows, days = np.array([[4, 1], [1, 4]], np.int32), np.array([[6, 5]] * 2, np.int32)
    latest = Latest(rows, days, age_of(days))
    differs = {}
    for encoder in ENCODERS:
        first, second = model_of(network_of(encoder), encoder).encoded(latest)
        differs[encoder] = bool(np.abs(first - second).max() > 1e-3)
    assert differs == {"pool": False, "gru": True, "attention": False}


def test_the_latest_articles_are_read_oldest_first_and_unread_ones_do_not_count() -> None:
    articles, days = np.array([1, 3, 5, 7, 9], np.int32), np.array([4, 2, 8, 2, 1], np.float32)
    indptr, read = np.array([0, 5, 5], np.int32), np.array([1, 3, 5, 7], np.int32)
    rows, ago = latest_purchases(indptr, articles, days, read, 3)
    assert rows.tolist() == [[0, 1, 3], [-1, -1, -1]]
    assert ago.tolist() == [[4, 2, 2], [0, 0, 0]]


LOG = log_of((0, 5, 30), (0, 1, 20), (0, 2, 9), (0, 1, 9), (0, 3, 3), (1, 3, 2), (2, 4, 9))


def test_an_example_is_a_week_and_what_was_bought_before_it() -> None:
    baskets = TrainingBaskets.of(LOG, 1, 100, 28, 7.0)
    (examples,) = baskets.epoch(100, 100, 4, np.random.default_rng(1))
    assert examples.articles.tolist() == [[5, 1, 2, NO_ARTICLE]]  # 1 counts by its last purchase
    assert examples.days.tolist() == [[23, 2, 2, 0]]
    assert examples.ages.tolist() == [[4, 1, 1, 0]]
    assert len(examples.targets) == 0  # nobody bought 3 before the week: it was not on sale


def test_targets_are_the_weeks_articles_that_were_on_sale_before() -> None:
    log = log_of((0, 1, 9), (0, 3, 3), (0, 4, 3), (0, 4, 2), (1, 4, 8))
    (examples,) = TrainingBaskets.of(log, 1, 100, 28, 7.0).epoch(9, 9, 4, np.random.default_rng(1))
    assert (examples.target_row.tolist(), examples.targets.tolist()) == ([0], [4])


def test_a_window_shorter_than_the_past_reads_the_latest_articles() -> None:
    baskets = TrainingBaskets.of(LOG, 1, 100, 28, 7.0)
    (examples,) = baskets.epoch(100, 100, 1, np.random.default_rng(1))
    assert examples.articles.tolist() == [[2]]


def test_the_catalogue_of_a_day_knows_only_what_was_sold_before_it() -> None:
    offered = offered_at(log_of((0, 1, 40), (0, 2, 14), (1, 3, 7), (1, 4, 1)), CUT, 28, 7.0)
    assert offered.articles.tolist() == [2, 3, 4]
    week_before = offered_at(log_of((0, 2, 14), (1, 3, 7), (1, 4, 1)), date(2020, 9, 9), 28, 7.0)
    assert week_before.articles.tolist() == [2]
    mass = np.array([0.25, 0.5, 0.5 ** (1 / 7)]) + 0.5
    np.testing.assert_allclose(offered.share, mass / mass.sum())


def test_after_a_lockdown_the_shop_offers_what_it_sold_before() -> None:
    offered = offered_at(log_of((0, 1, 60), (0, 2, 45), (1, 3, 40)), CUT, 14, 7.0)
    assert offered.articles.tolist() == [2, 3]  # within 14 days of the last purchase


def test_the_latest_week_is_kept_for_validation() -> None:
    baskets = TrainingBaskets.of(LOG, 4, 100, 28, 7.0)
    assert sorted(baskets.week.tolist()) == [0, 1, 2]
    assert sorted(baskets.before_latest().week.tolist()) == [1, 2]


SMALL = SequenceParams(
    width=16,
    window=6,
    dropout=0,
    training_weeks=8,
    batch_size=40,
    learning_rate=0.01,
    row_learning_rate=0.1,
    max_epochs=25,
    patience=25,
    final_epochs=0,
    on_sale_days=100,
    seed=1,
)


@pytest.mark.parametrize("samples", [1_000, 5])
def test_a_loss_is_that_of_the_softmax_over_the_models_own_scores(samples: int) -> None:
    log = chain_log(40)
    trainer = SequenceTrainer(log, described(), SMALL)
    with torch.no_grad():
        trainer.own.table.normal_()
    baskets = TrainingBaskets.of(log, 1, 100, 100, 7.0)
    batch = next(baskets.epoch(100, 100, SMALL.window, np.random.default_rng(1)))
    week = baskets.offered[0]
    vectors = torch.tensor(trainer.model(week, 1).arrays.vectors)
    scores = BatchScores(trainer.network.eval(), vectors, trainer.read, batch, week, dropout=0.0)
    exact = scores.normaliser(np.arange(len(week.articles)), np.ones(len(week.articles)))
    model_scores = as_served(trainer, week, batch.articles, batch.days)
    expected = torch.logsumexp(torch.tensor(model_scores), dim=1)
    np.testing.assert_allclose(exact.detach(), expected, rtol=1e-4)
    rows, targets = batch.target_row, np.searchsorted(week.articles, batch.targets)
    of_targets = scores.of_targets().detach()
    np.testing.assert_allclose(of_targets, model_scores[rows, targets], rtol=1e-4, atol=1e-5)
    assert np.isfinite(
        SequenceTrainer(log, described(), replace_samples(samples)).run_epoch(baskets)
    )


def replace_samples(samples: int) -> SequenceParams:
    return SMALL.model_copy(update={"softmax_samples": samples})


def as_served(
    trainer: SequenceTrainer, week: OfferedWeek, articles: np.ndarray, days: np.ndarray
) -> np.ndarray:
    """Return the scores of all the week's articles as the model lists them, by position."""
    model, scores = trainer.model(week, 1), []
    for latest, ago in zip(articles, days, strict=True):
        bought = latest[latest != NO_ARTICLE]
        order = np.argsort(bought)
        one = Histories.of_one(
            bought[order],
            np.ones(len(bought), np.float32),
            ago[: len(bought)][order].astype(np.float32),
            cluster=-1,
            age_band=-1,
            n_articles=N_ARTICLES,
        )
        lists = model.recommend(one, len(week.articles))
        by_article = np.argsort(lists.articles[0])
        scores.append(lists.scores[0][by_article])
    return np.stack(scores).astype(np.float64)


def chain_log(n_customers: int) -> PurchaseLog:
    """Return a log in which whoever bought an article buys the next one a week later."""
    rows = [
        (customer, (customer + 9 - back) % N_ARTICLES, 7 * back + 3)
        for customer in range(n_customers)
        for back in range(10)
    ]
    return log_of(*rows)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_chain_of_purchases_is_learnt(encoder: EncoderName) -> None:
    params = SMALL.model_copy(update={"encoder": encoder})
    scores = iter(range(100))
    model = fit_sequence(chain_log(60), described(), params, validate=lambda _: next(scores))
    assert model.shape.n_epochs == 25
    units, days = np.zeros((2, N_ARTICLES, N_ARTICLES), np.float32)
    for customer in range(N_ARTICLES):
        for back in range(3):
            units[customer, (customer - back) % N_ARTICLES] = 1
            days[customer, (customer - back) % N_ARTICLES] = 3 + 7 * back
    histories = Histories.from_interactions(
        sparse.csr_matrix(units), days_ago=sparse.csr_matrix(days)
    )
    first = model.recommend(histories, 1).articles[:, 0]
    assert (first == (np.arange(N_ARTICLES) + 1) % N_ARTICLES).mean() >= 0.9


def test_a_network_that_learnt_nothing_recommends_by_popularity() -> None:
    log = log_of((0, 1, 9), (0, 2, 3), (1, 2, 3), (1, 3, 2), (2, 3, 2), (3, 3, 2))
    trainer = SequenceTrainer(log, described(), SMALL)
    with torch.no_grad():
        trainer.network.attributes.zero_()
    once = np.ones(1, np.float32)
    bought = np.array([1], np.int32)
    history = Histories.of_one(
        bought, once, once, cluster=-1, age_band=-1, n_articles=log.n_articles
    )
    model = trainer.model(offered_at(log, CUT, 28, 7.0), 0)
    model.arrays = replace(model.arrays, raised_by_age=np.zeros(N_AGES, np.float32))
    assert model.recommend(history, 3).articles[0].tolist() == [3, 2, 1]


def test_the_best_epoch_is_kept() -> None:
    scores = iter([1.0, 3.0, 2.0, 1.0])
    params = SMALL.model_copy(update={"max_epochs": 9, "patience": 2})
    seen: list[Recommender] = []

    def validate(model: Recommender) -> float:
        seen.append(model)
        return next(scores)

    model = fit_sequence(chain_log(30), described(), params, validate=validate)
    best = seen[1]
    assert isinstance(best, SequenceModel)
    assert (model.shape.n_epochs, len(seen)) == (2, 4)
    assert np.array_equal(model.arrays.vectors, best.arrays.vectors)
    assert np.array_equal(model.layers["from_state"], best.layers["from_state"])


def test_training_twice_gives_the_same_arrays() -> None:
    params = SMALL.model_copy(update={"max_epochs": 2})
    first, second = (
        fit_sequence(chain_log(30), described(), params, validate=lambda _: 1.0) for _ in range(2)
    )
    assert np.array_equal(first.arrays.vectors, second.arrays.vectors)


def test_a_shop_without_a_second_purchase_is_refused() -> None:
    with pytest.raises(BadInput, match="who had bought before"):
        fit_sequence(log_of((0, 1, 3)), described(), SMALL, validate=lambda _: 1.0)
