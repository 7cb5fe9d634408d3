import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from benchmarks.peers import implicit_models, our_models
from benchmarks.peers.__main__ import Peer, run_peer
from benchmarks.peers.exchange import LIST_LENGTH, Task
from benchmarks.peers.interactions import Parts, draw_parts, split_rows
from benchmarks.ranking_measures import measure
from hemline.errors import BadInput

SETTINGS = {
    "hidden": 16,
    "latent": 8,
    "batch_size": 10,
    "max_epochs": 3,
    "patience": 3,
    "seed": 7,
    "cvae": {
        "loss": "multinomial",
        "dropout": 0.5,
        "learning_rate": 0.001,
        "row_learning_rate": 0.1,
        "softmax_samples": 100,
        "kl_cap": 0.005,
        "kl_anneal_epochs": 1,
        "final_epochs": 0,
        "n_epochs": None,
    },
    "item_knn": {"neighbours": 40, "shrinkage": 0.0},
    "implicit-cosine": {"K": 40},
}


@pytest.fixture(scope="module")
def parts() -> Parts:
    """Sixty customers buying ten of forty articles of their own half of eighty."""
    rng = np.random.default_rng(7)
    bought = np.zeros((60, 80), np.float32)
    for row in range(60):
        bought[row, 40 * (row % 2) + rng.permutation(40)[:10]] = 1
    return split_rows(sparse.csr_matrix(bought), rng)


@pytest.fixture(scope="module")
def task(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    Task(parts.train, parts.validation, SETTINGS).save(folder)
    return folder


def test_parts_share_no_purchase_and_every_article_has_a_buyer_in_train(parts: Parts) -> None:
    together = parts.train + parts.validation + parts.test
    assert together.max() == 1
    assert together.nnz == 60 * 10
    assert np.bincount(parts.train.indices, minlength=80).min() >= 1
    assert parts.test.nnz == pytest.approx(60, abs=5)


def test_an_article_without_a_buyer_is_refused() -> None:
    without_buyers_of_the_last = sparse.csr_matrix(np.array([[1, 1, 1, 0]], np.float32))
    with pytest.raises(BadInput, match="1 without one"):
        split_rows(without_buyers_of_the_last, np.random.default_rng(7))


def test_a_generated_matrix_has_exactly_the_given_size() -> None:
    drawn = draw_parts(100, 120, min_articles=5, seed=7)
    assert drawn.train.shape == drawn.test.shape == (100, 120)


@pytest.mark.parametrize("name", ["item_knn", "cvae"])
def test_our_models_write_lists_without_bought_articles_and_seconds(
    name: str, task: Path, parts: Parts
) -> None:
    our_models.main(task, name)
    lists = np.load(task / f"hemline-{name}" / "lists.npy")
    timing = json.loads((task / f"hemline-{name}" / "timing.json").read_text())
    assert lists.shape == (60, LIST_LENGTH)
    assert measure(lists, parts.train, LIST_LENGTH)["hit@20"].sum() == 0
    assert timing["fit_seconds"] > 0
    assert len(timing["epoch_seconds"]) == (3 if name == "cvae" else 0)


# implicit 0.7.3 hands itself the wrong format, and warns about it.
@pytest.mark.filterwarnings("ignore:Method expects CSR input")
def test_implicits_neighbours_list_the_right_half(task: Path, parts: Parts) -> None:
    implicit_models.main(task, "cosine")
    lists = np.load(task / "implicit-cosine" / "lists.npy")
    assert (lists // 40 == (np.arange(60) % 2)[:, None]).mean() > 0.95
    assert measure(lists, parts.train, LIST_LENGTH)["hit@20"].sum() == 0


def test_a_peer_that_cannot_run_returns_its_error(task: Path) -> None:
    absent = Peer("absent", "benchmarks.peers.our_models", (), task / "no" / "python")
    assert "environment does not exist" in run_peer(absent, task)
    broken = Peer("broken", "benchmarks.peers.no_such_module", (), Path(sys.executable))
    assert "no_such_module" in run_peer(broken, task)
