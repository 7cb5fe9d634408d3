from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import sparse

from benchmarks.blend import Blend
from benchmarks.peers.peer_process import peer_of
from benchmarks.published import leave_one_out
from benchmarks.published.leave_one_out import (
    fit_on,
    on_validation,
    own_lists,
    peer_lists,
    scores_at,
)
from benchmarks.published.splits import Split, find_splits, read_published, read_split
from benchmarks.record import Row
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.popularity import Popularity
from hemline.tuning.search_spaces import SPACES, draw

POPULARITY = {"segment_prior_buyers": 0, "list_length": 6}
NEIGHBOURS = {"neighbours": 6, "shrinkage": 0.0}


@pytest.fixture
def checkerboard() -> Split:
    """Six customers who buy either even or odd articles of six; the last two are held out."""
    bought = np.array([[column % 2 == row % 2 for column in range(6)] for row in range(6)])
    train, validation, test = (np.zeros((6, 6), np.float32) for _ in range(3))
    for row in range(6):
        own = np.flatnonzero(bought[row])
        turned = np.roll(own, row // 2)
        train[row, turned[0]] = 1
        validation[row, turned[1]] = 1
        test[row, turned[2]] = 1
    train += validation * (np.arange(6) < 4)[:, None]  # else no article is bought with another
    return Split("checkerboard", *(sparse.csr_matrix(part) for part in (train, validation, test)))


def test_a_split_is_read_as_three_matrices_of_one_shape(tmp_path: Path) -> None:
    _write(tmp_path / "toys", train="0,0\n0,2\n1,1\n", validation="0,1\n1,0\n", test="0,3\n1,2\n")
    [folder] = find_splits(tmp_path)
    split = read_split(folder)
    assert split.name == "toys"
    assert split.train.toarray().tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]
    assert split.validation.shape == split.test.shape == (2, 4)


def test_a_folder_without_splits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="bench-published DATA="):
        find_splits(tmp_path)


def test_a_split_without_a_test_file_or_with_other_columns_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, train="0,0\n", validation="0,1\n", test="0,2\n")
    (tmp_path / "validation.csv").write_text("user,item\n0,1\n")
    with pytest.raises(BadInput, match="found: user, item"):
        read_split(tmp_path)
    (tmp_path / "validation.csv").unlink()
    with pytest.raises(BadInput, match=r"no validation\.csv"):
        read_split(tmp_path)


def test_published_rows_are_read_with_their_standard_errors(tmp_path: Path) -> None:
    text = "Command: 2, 117\n\nVal nDCG@10:     0.05778\n\nTest Recall@100: 0.24804 (0.00277)\n"
    (tmp_path / "published_WMF.txt").write_text(text)
    assert read_published(tmp_path) == [
        Row(tmp_path.name, "published WMF", "validation ndcg@10", 0.05778, None),
        Row(tmp_path.name, "published WMF", "recall@100", 0.24804, 0.00277),
    ]


def test_neighbours_solve_the_checkerboard_and_popularity_does_not(checkerboard: Split) -> None:
    listed = own_lists({"popularity": POPULARITY, "item_knn": NEIGHBOURS}, checkerboard)
    knn = scores_at(listed["item_knn"].lists, checkerboard.test, 2)
    popularity = scores_at(listed["popularity"].lists, checkerboard.test, 2)
    assert knn["recall@2"].mean() == 1.0
    assert popularity["recall@2"].mean() < 1.0


def test_a_peer_solves_the_checkerboard_and_a_missing_one_is_noted(checkerboard: Split) -> None:
    settings = {"implicit cosine": {"K": 6}, "implicit bpr broken": {"no_such_number": 1}}
    listed, notes = peer_lists(settings, checkerboard, seed=7)
    assert list(listed) == ["implicit cosine"]
    assert listed["implicit cosine"].cpu_seconds > 0
    lists = listed["implicit cosine"].lists
    assert scores_at(lists, checkerboard.test, 2)["recall@2"].mean() == 1.0
    assert notes[0].startswith("implicit cosine: implicit ")
    assert "implicit bpr broken is missing: TypeError" in notes[1]
    assert "no_such_number" in notes[1]


def test_the_seconds_of_a_blend_are_those_of_its_models(checkerboard: Split) -> None:
    weights = {"popularity": 1.0, "item_knn": 1.0}
    blend = {"depth": 6, "weights": weights}
    settings = {"popularity": POPULARITY, "item_knn": NEIGHBOURS, "blend": blend}
    listed = own_lists(settings, checkerboard)
    assert listed["blend"].cpu_seconds == sum(listed[name].cpu_seconds for name in weights)


def test_every_peer_of_the_settings_has_a_library() -> None:
    settings = yaml.safe_load((Path(leave_one_out.__file__).parent / "settings.yaml").read_text())
    for split in settings.values():
        peers = [peer_of(name) for name in split["peers"]]
        assert {peer.name.split()[0] for peer in peers} == {"implicit", "rectools", "recbole"}


def test_articles_of_train_are_never_listed_so_a_perfect_list_of_one_is_possible() -> None:
    train = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], np.float32))
    held_out = sparse.csr_matrix(np.array([[0, 0, 1], [0, 0, 1], [0, 1, 0]], np.float32))
    split = Split("three", train, held_out, held_out)
    best = fit_on("popularity", POPULARITY, split)
    listed = own_lists({"popularity": POPULARITY}, split)["popularity"]
    assert scores_at(listed.lists, held_out, 1)["ndcg@1"].tolist() == [1.0, 1.0, 1.0]
    assert on_validation(best, split) == 1.0


def test_a_blend_adds_the_standardised_scores_of_its_models() -> None:
    large, small = _lists([0, 1, 2], [900.0, 500.0, 100.0]), _lists([1, 2, 0], [0.9, 0.5, 0.1])
    cold = Histories.from_interactions(sparse.csr_matrix((1, 3), dtype=np.float32))
    even = Blend("blend", [large, small], [1.0, 1.0], depth=3).recommend(cold, 3)
    assert even.articles.tolist() == [[1, 0, 2]]  # 1 + 2, 2 + 0, 0 + 1 steps of the same width
    step = 0.4 / np.std([0.9, 0.5, 0.1])
    assert even.scores[0] == pytest.approx([3 * step, 2 * step, step], rel=1e-5)
    towards_large = Blend("blend", [large, small], [3.0, 1.0], depth=3).recommend(cold, 1)
    assert towards_large.articles.tolist() == [[0]]


def test_a_search_draws_the_same_numbers_from_the_same_seed() -> None:
    first, again = (draw(SPACES["cvae"], np.random.default_rng(7)) for _ in range(2))
    other = draw(SPACES["cvae"], np.random.default_rng(8))
    assert first == again != other


def _write(folder: Path, **parts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, pairs in parts.items():
        (folder / f"{name}.csv").write_text("userID,itemID\n" + pairs)


def _lists(articles: list[int], scores: list[float]) -> Popularity:
    return Popularity("fixed", 0, np.array([articles], np.int32), np.array([scores], np.float32))
