from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse

from benchmarks.genuine import week
from benchmarks.genuine.baskets import BasketSplit, HeldOutBaskets, read_baskets, split_baskets
from benchmarks.genuine.week import (
    WeekModel,
    held_out_scores,
    models_of,
    own_scores,
    peer_scores,
    rows_of_week,
)
from benchmarks.peers.peer_process import peer_of
from hemline.errors import BadInput
from hemline.models.als import AlsParams
from hemline.models.popularity import Popularity

PARAMS = Path(__file__).parents[2] / "params.yaml"
KNN = WeekModel("item_knn", "item_knn", {"neighbours": 20, "shrinkage": 0.0})
POPULARITY = WeekModel("popularity", "popularity", {"segment_prior_buyers": 0, "list_length": 40})
CVAE = WeekModel(
    "cvae",
    "cvae",
    {"hidden": 16, "latent": 8, "batch_size": 20, "max_epochs": 2, "final_epochs": 1, "seed": 7},
)


@pytest.fixture(scope="module")
def baskets() -> sparse.csr_matrix:
    """A hundred customers who buy six of the twenty even or of the twenty odd articles."""
    rng = np.random.default_rng(0)
    bought = np.zeros((100, 40), np.float32)
    for row in range(100):
        bought[row, rng.choice(20, 6, replace=False) * 2 + row % 2] = 1
    return sparse.csr_matrix(bought)


@pytest.fixture(scope="module")
def split(baskets: sparse.csr_matrix) -> BasketSplit:
    return split_baskets(baskets, seed=7)


def test_a_fifth_of_the_long_baskets_is_held_out_twice_and_a_fifth_of_each_is_wanted(
    split: BasketSplit,
) -> None:
    assert split.train.shape[0] == 80
    assert split.before_validation.shape[0] == 60
    for held_out in (split.validation, split.test):
        assert held_out.known.sum(axis=1).ravel().tolist() == [[5] * 20]
        assert held_out.wanted.sum(axis=1).ravel().tolist() == [[1] * 20]
        assert held_out.known.multiply(held_out.wanted).nnz == 0


def test_no_basket_is_lost_or_seen_twice(baskets: sparse.csr_matrix, split: BasketSplit) -> None:
    whole = [
        split.before_validation,
        *(each.known + each.wanted for each in (split.validation, split.test)),
    ]
    together = sparse.vstack(whole).toarray()
    assert np.array_equal(np.unique(together, axis=0), np.unique(baskets.toarray(), axis=0))
    assert together.shape == baskets.shape


def test_the_same_seed_holds_out_the_same_and_another_does_not(
    baskets: sparse.csr_matrix, split: BasketSplit
) -> None:
    again, other = (split_baskets(baskets, seed=seed).test.known for seed in (7, 8))
    assert (again != split.test.known).nnz == 0
    assert (other != split.test.known).nnz > 0


def test_rare_articles_go_first_and_then_the_baskets_they_leave_too_short() -> None:
    bought = np.zeros((12, 8), np.float32)
    bought[:10, :6] = 1
    bought[:4, 6] = 1  # four buyers
    bought[10, 0] = bought[11, 7] = 1  # one article, one buyer
    split = split_baskets(sparse.csr_matrix(bought), seed=7)
    assert split.train.shape == (8, 6)
    assert split.train.nnz == 8 * 6


def test_a_week_without_long_baskets_is_refused() -> None:
    with pytest.raises(BadInput, match="0 in 6 baskets"):
        split_baskets(sparse.csr_matrix(np.ones((6, 4), np.float32)), seed=7)


def test_baskets_are_read_with_each_pair_once(tmp_path: Path) -> None:
    _write(tmp_path, customer=[3, 3, 3, 5], article_id=["0100", "0100", "0200", "0100"])
    assert read_baskets(tmp_path).toarray().tolist() == [[1, 1], [1, 0]]


def test_a_folder_without_the_week_or_with_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="bench-genuine DATA="):
        read_baskets(tmp_path)
    _write(tmp_path, user=[1], article_id=["0100"])
    with pytest.raises(BadInput, match="found: user, article_id"):
        read_baskets(tmp_path)


def test_scores_are_those_of_lists_without_the_known_articles() -> None:
    articles, falling = np.array([[0, 1, 2]], np.int32), np.array([[3.0, 2.0, 1.0]], np.float32)
    fixed = Popularity("fixed", 0, articles, falling)
    held_out = HeldOutBaskets(
        sparse.csr_matrix(np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32)),
        sparse.csr_matrix(np.array([[0, 1, 0, 0], [0, 0, 1, 1]], np.float32)),
    )
    scores = held_out_scores(fixed, held_out)
    assert scores["recall@20"].tolist() == [1, 1 / 2]
    second = (1 / np.log2(3)) / (1 / np.log2(2) + 1 / np.log2(3))
    assert scores["ndcg@100"].tolist() == [1, pytest.approx(second)]


@pytest.mark.slow
def test_neighbours_are_measured_above_popularity_and_beside_the_network(
    split: BasketSplit,
) -> None:
    rows = rows_of_week("week", own_scores([POPULARITY, KNN, CVAE], split))
    value = {(row.case, row.model, row.metric): row.value for row in rows}
    knn, popular = (value["week", name, "ndcg@100"] for name in ("item_knn", "popularity"))
    assert knn > popular + 0.1
    difference = value["week minus cvae", "item_knn", "ndcg@100"]
    assert difference == pytest.approx(knn - value["week", "cvae", "ndcg@100"])
    assert ("week minus cvae", "cvae", "ndcg@100") not in value
    assert value["week", "cvae", "cpu seconds"] > 0


def test_validation_customers_are_scored_by_models_that_have_not_seen_them(
    split: BasketSplit,
) -> None:
    """Whoever has seen these twenty baskets knows that each has one article of its own."""
    n_articles = split.train.shape[1] + 20
    own = sparse.csr_matrix(np.eye(20, n_articles, split.train.shape[1], dtype=np.float32))

    def wide(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
        return sparse.csr_matrix((matrix.data, matrix.indices, matrix.indptr), (20, n_articles))

    validation = HeldOutBaskets(wide(split.validation.known), own)
    before = split.before_validation
    seen = sparse.vstack([_widened(before, n_articles), validation.known + own]).tocsr()
    secret = BasketSplit(seen, _widened(before, n_articles), validation, validation)
    told = own_scores([KNN], secret)
    untold = own_scores([KNN], secret, on_validation=True)
    assert told["item_knn"].by_metric["ndcg@100"].mean() > 0
    assert untold["item_knn"].by_metric["ndcg@100"].mean() == 0


def test_the_numbers_are_those_of_params_yaml_and_the_tuned_ones_of_the_settings() -> None:
    settings = {"models": ["als"], "tuned": {"als": {"factors": 256}}}
    plain, tuned = models_of(settings, PARAMS)
    assert (plain.name, plain.numbers) == ("als", AlsParams.load(PARAMS).model_dump())
    assert (tuned.name, tuned.kind, tuned.numbers) == ("als tuned", "als", {"factors": 256})


def _widened(matrix: sparse.csr_matrix, n_columns: int) -> sparse.csr_matrix:
    return sparse.csr_matrix(
        (matrix.data, matrix.indices, matrix.indptr), (matrix.shape[0], n_columns)
    )


def _write(folder: Path, **columns: list) -> None:
    (folder / "hm-week").mkdir(exist_ok=True)
    pd.DataFrame(columns).to_csv(folder / "hm-week" / "baskets.csv.zip", index=False)


def test_a_peer_is_measured_on_the_same_customers_and_compared_with_the_cvae(
    split: BasketSplit,
) -> None:
    settings = {"seed": 7, "implicit cosine": {"K": 20}}
    scored, notes = peer_scores(["implicit cosine", "implicit bpr"], settings, split)
    assert list(scored) == ["implicit cosine"]
    assert notes[0].startswith("implicit cosine: implicit ")
    assert notes[1].startswith("implicit bpr is missing: ")
    assert len(scored["implicit cosine"].by_metric["recall@20"]) == split.test.wanted.shape[0]
    assert scored["implicit cosine"].by_metric["recall@20"].mean() > 0.9
    rows = rows_of_week("week", {"cvae": scored["implicit cosine"], **scored})
    differences = [row.value for row in rows if row.case == "week minus cvae"]
    assert differences == [0, 0]


def test_every_peer_of_the_settings_has_a_library() -> None:
    settings = yaml.safe_load((Path(week.__file__).parent / "settings.yaml").read_text())
    peers = [peer_of(name) for name in settings["hm-week"]["peers"]]
    assert {peer.name.split()[0] for peer in peers} == {"implicit", "rectools", "recbole"}
