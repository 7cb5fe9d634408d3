import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from benchmarks.peers import implicit_models, our_models
from benchmarks.peers.exchange import LIST_LENGTH, Task
from benchmarks.peers.interactions import Parts, draw_parts, split_rows
from benchmarks.peers.peer_process import Peer, peer_of, run_peer, run_peers
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
    "implicit als": {"factors": 4},
    "implicit bm25": {"K": 40},
    "implicit tfidf defaults": None,
    "rectools cosine": {"K": 40},
    "recbole multivae": {"max_epochs": 40, "patience": 40},
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


@pytest.fixture(scope="module")
def unseen(parts: Parts) -> Task:
    """Fit on forty customers, stop on ten others, and list for the last ten."""
    train = parts.train
    return Task(
        sparse.csr_matrix(train[:50]),
        sparse.csr_matrix(parts.validation[40:50]),
        SETTINGS,
        known=sparse.csr_matrix(train[50:]),
        validation_known=sparse.csr_matrix(train[40:50]),
        before_validation=sparse.csr_matrix(train[:40]),
        list_length=30,
        chosen_at=10,
    )


def test_a_task_is_loaded_as_it_was_saved(unseen: Task, task: Path, tmp_path: Path) -> None:
    unseen.save(tmp_path)
    again = Task.load(tmp_path)
    for name in ("train", "validation", "known", "validation_known", "before_validation"):
        assert (getattr(again, name) != getattr(unseen, name)).nnz == 0
        assert getattr(again, name).shape == getattr(unseen, name).shape
    assert (again.settings, again.list_length, again.chosen_at) == (SETTINGS, 30, 10)
    plain = Task.load(task)
    assert (plain.known, plain.validation_known, plain.before_validation) == (None, None, None)
    assert plain.list_length == LIST_LENGTH


def test_numbers_are_a_peers_own_and_defaults_where_there_are_none(unseen: Task) -> None:
    assert unseen.numbers_of("implicit bm25") == {"K": 40}
    assert unseen.numbers_of("implicit tfidf defaults") == unseen.numbers_of("no such peer") == {}


def test_networks_stop_on_what_the_validation_customers_were_known_by(
    unseen: Task, task: Path, parts: Parts
) -> None:
    known, wanted = unseen.stopped_on()
    with_validation = np.flatnonzero(np.diff(parts.validation.indptr)[40:50]) + 40
    assert (known != parts.train[with_validation]).nnz == 0
    assert (wanted != parts.validation[with_validation]).nnz == 0
    known, _ = Task.load(task).stopped_on()
    assert (known != parts.train[np.flatnonzero(np.diff(parts.validation.indptr))]).nnz == 0


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


def test_implicits_neighbours_list_the_right_half(task: Path, parts: Parts) -> None:
    implicit_models.main(task, "implicit-cosine")
    lists = np.load(task / "implicit-cosine" / "lists.npy")
    assert (lists // 40 == (np.arange(60) % 2)[:, None]).mean() > 0.95
    assert measure(lists, parts.train, LIST_LENGTH)["hit@20"].sum() == 0


@pytest.mark.parametrize(
    "name",
    [
        "implicit als",
        "implicit bm25",
        "implicit-cosine",
        "implicit tfidf defaults",
        "rectools ease",
        "rectools cosine",
        "recbole multivae",
    ],
)
def test_a_peer_lists_the_right_half_for_customers_whom_it_has_not_seen(
    name: str, unseen: Task
) -> None:
    peer = peer_of(name)
    if not peer.python.exists():
        pytest.skip(f"the environment of {name} is not built")
    [outcome] = run_peers([peer], unseen)
    assert outcome.lists is not None, outcome.note
    assert outcome.lists.shape == (10, 30)
    listed = outcome.lists >= 0
    is_right = outcome.lists // 40 == (np.arange(10) % 2)[:, None]
    assert is_right[listed].mean() > 0.8
    assert listed.sum(axis=1).min() >= 20
    assert measure(outcome.lists, unseen.listed_for(), 30)["hit@30"].sum() == 0
    assert outcome.cpu_seconds > 0
    assert outcome.note.startswith(f"{name}: {name.replace('-', ' ').split()[0]} ")


@pytest.mark.parametrize("name", ["implicit bpr", "rectools svd"])
def test_a_peer_that_knows_no_other_customers_is_missing_and_says_why(
    name: str, unseen: Task
) -> None:
    peer = peer_of(name)
    if not peer.python.exists():
        pytest.skip(f"the environment of {name} is not built")
    [outcome] = run_peers([peer], unseen)
    assert outcome.lists is None
    assert outcome.note.startswith(f"{name} is missing: ")
    assert "no customers but those it was fitted on" in outcome.note


def test_a_peer_that_is_not_installed_is_said_to_be_missing(unseen: Task, tmp_path: Path) -> None:
    absent = peer_of("rectools ease", tmp_path)
    present = peer_of("implicit-cosine", tmp_path)
    missing, ran = run_peers([absent, present], unseen)
    assert missing.lists is None
    assert missing.note.startswith("rectools ease is missing: its environment does not exist")
    assert ran.lists is not None


def test_a_peer_that_cannot_run_returns_its_error(task: Path) -> None:
    broken = Peer("broken", "benchmarks.peers.no_such_module", (), Path(sys.executable))
    assert "no_such_module" in run_peer(broken, task)


def test_an_unknown_model_of_a_library_is_refused(task: Path) -> None:
    with pytest.raises(ValueError, match="slim is no model of implicit"):
        implicit_models.main(task, "implicit slim")
