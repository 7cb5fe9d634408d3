import numpy as np
import pytest

from hemline.kernels.lists import top_k


@pytest.mark.parametrize("seed", range(5))
def test_equal_scores_are_listed_by_column_wherever_the_list_is_cut(seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 3, (20, 50)).astype(np.float32)
    whole = np.argsort(-scores, axis=1, kind="stable")
    for k in (1, 7, 20, 49, 50):
        articles, listed = top_k(scores, k)
        assert np.array_equal(articles, whole[:, :k])
        assert np.array_equal(listed, np.take_along_axis(scores, whole[:, :k], axis=1))


def test_what_must_not_be_listed_is_not_even_at_the_border() -> None:
    scores = np.array([[-np.inf, 1, -np.inf, 2], [3, 3, 3, 3]], np.float32)
    assert top_k(scores, 3)[0].tolist() == [[3, 1, -1], [0, 1, 2]]
