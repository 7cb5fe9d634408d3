import numpy as np
import pytest
from scipy import sparse

from benchmarks.poster.correlation import fit_correlation
from benchmarks.poster.holdout import Holdout, HoldoutParams, generated, hold_out
from benchmarks.poster.success import RATES, ceilings, success_rates, table
from benchmarks.poster.traindy import TrainDy, TrainDyParams, fit_traindy
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.recommender import Recommender

HOLDOUT = HoldoutParams(
    known_share=0.7,
    validation_share=0.1,
    cold_share=0.2,
    min_articles=10,
    max_customers=1000,
    n_clusters=2,
    n_init=2,
    seed=7,
)
TRAINDY = TrainDyParams(
    latent=8,
    kl_weight=0.05,
    learning_rate=0.03,
    batch_size=20,
    max_epochs=60,
    patience=60,
    cold_samples=16,
    seed=7,
)


@pytest.fixture(scope="module")
def shop() -> tuple[Holdout, int]:
    customers, transactions = generated("tiny", 7)
    pairs = transactions[["customer", "article"]].drop_duplicates()
    n_enough = int((pairs["customer"].value_counts() >= HOLDOUT.min_articles).sum())
    return hold_out(customers, transactions, HOLDOUT), n_enough


@pytest.fixture(scope="module")
def checkerboard() -> Histories:
    """Forty customers; even ones bought three of four even articles, odd ones of odd articles."""
    rows = np.zeros((40, 8), np.float32)
    for row in range(40):
        rows[row, row % 2 :: 2] = 1
        rows[row, row % 2 + 2 * (row // 2 % 4)] = 0
    clusters = (np.arange(40) % 2).astype(np.int8)
    return Histories.from_interactions(sparse.csr_matrix(rows), clusters=clusters)


@pytest.fixture(scope="module")
def traindy(checkerboard: Histories) -> TrainDy:
    return fit_traindy(checkerboard, TRAINDY, n_conditions=2, validate=None, n_epochs=40)


def test_seventy_percent_is_known_and_nothing_is_both_known_and_held_out(
    shop: tuple[Holdout, int],
) -> None:
    holdout, n_enough = shop
    known, held_out = holdout.known.units, holdout.held_out
    assert known.shape[0] == n_enough
    assert known.multiply(held_out).nnz == 0
    assert holdout.fit.units.multiply(holdout.validation).nnz == 0
    assert (holdout.fit.units + holdout.validation - known).nnz == 0
    warm = ~holdout.known.is_cold()
    share = known[warm].nnz / (known[warm].nnz + held_out[warm].nnz)
    assert share == pytest.approx(0.7, abs=0.02)


def test_nothing_is_known_of_cold_customers(shop: tuple[Holdout, int]) -> None:
    holdout, _ = shop
    cold = np.flatnonzero(holdout.known.is_cold())
    assert 0 < len(cold) < holdout.known.n_customers / 2
    assert holdout.known.units[cold].nnz == holdout.fit.units[cold].nnz == 0
    assert np.diff(holdout.held_out[cold].indptr).min() > 0


def test_a_shop_of_occasional_customers_is_refused() -> None:
    customers, transactions = generated("tiny", 7)
    with pytest.raises(BadInput, match=r"lower holdout\.min_articles"):
        hold_out(customers, transactions, HOLDOUT.model_copy(update={"min_articles": 10_000}))


def test_six_hits_of_twenty_are_recall_30_and_five_are_not() -> None:
    held_out = sparse.csr_matrix(np.ones((2, 30), np.float32))
    lists = np.full((2, 20), -1, np.int32)
    lists[0, :6], lists[1, :5] = np.arange(6), np.arange(5)
    rates = success_rates(lists, held_out)
    assert rates["recall_1"].tolist() == [1, 1]
    assert rates["recall_30"].tolist() == [1, 0]
    assert rates["recall_30 of held out"].tolist() == [0, 0]
    assert rates["recall@20"].tolist() == [6 / 30, 5 / 30]


def test_with_five_articles_held_out_recall_30_cannot_be_reached() -> None:
    held_out = sparse.csr_matrix(np.repeat([[5], [6]], 40, axis=1) > np.arange(40))
    best = ceilings(held_out)
    assert best["recall_30"].tolist() == [0, 1]
    assert best["recall_1"].tolist() == best["recall_30 of held out"].tolist() == [1, 1]


def test_a_paired_difference_of_equal_models_has_no_spread() -> None:
    rng = np.random.default_rng(7)
    rates = {rate: rng.integers(0, 2, 50).astype(np.float64) for rate in RATES}
    rows = table("case", {"base": rates, "same": rates}, baseline="base", n_samples=100, rng=rng)
    gains = [row for row in rows if row.case == "case, minus base"]
    assert [(row.model, row.value, row.stderr) for row in gains] == [("same", 0.0, 0.0)] * 4
    binomial = np.sqrt(rates["recall_1"].var() / 50)
    assert rows[0].stderr == pytest.approx(binomial, rel=0.3)


def test_correlation_lists_what_goes_with_the_latest_purchase() -> None:
    bought = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    days = np.array([[1, 9, 0, 0], [1, 9, 0, 0], [0, 0, 1, 9], [0, 0, 1, 9]], np.float32)
    histories = Histories.from_interactions(
        sparse.csr_matrix(bought), days_ago=sparse.csr_matrix(days)
    )
    lists = fit_correlation(histories).recommend(histories, 3).articles
    assert lists.tolist() == [[1, -1, -1], [1, -1, -1], [3, -1, -1], [3, -1, -1]]


def test_the_posters_network_learns_a_checkerboard(
    traindy: TrainDy, checkerboard: Histories
) -> None:
    lists = traindy.recommend(checkerboard, 4).articles
    assert (lists % 2 == (np.arange(40) % 2)[:, None]).mean() > 0.95


def test_the_posters_network_lists_for_a_cold_customer_by_cluster(traindy: TrainDy) -> None:
    cold = Histories.from_interactions(
        sparse.csr_matrix((2, 8), dtype=np.float32), clusters=np.array([0, 1], np.int8)
    )
    lists = traindy.recommend(cold, 4).articles
    assert np.sort(lists, axis=1).tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_the_posters_network_stops_at_its_best_epoch(checkerboard: Histories) -> None:
    scores = iter([0.1, 0.5, 0.2, 0.3, 0.4])

    def validate(_: Recommender) -> float:
        return next(scores)

    patient = TRAINDY.model_copy(update={"patience": 3})
    assert fit_traindy(checkerboard, patient, n_conditions=2, validate=validate).n_epochs == 2
