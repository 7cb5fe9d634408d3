import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from hemline.arrays import BITS, lay_out, load_arrays, on_grid, save_arrays


@pytest.mark.parametrize("seed", range(5))
def test_what_differs_in_its_last_bits_is_the_same_on_the_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(200, 30)) * rng.lognormal(0, 3, size=(200, 1))
    other = values + np.spacing(np.abs(values).max()) * rng.integers(-2, 3, values.shape)
    assert (values != other).any()
    assert np.array_equal(on_grid(values), on_grid(other))


def test_rounding_to_the_grid_moves_no_value_by_more_than_its_step() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    largest = np.abs(values).max()
    assert np.abs(on_grid(values) - values).max() <= largest * 2.0**-BITS
    assert on_grid(values).dtype == np.float32


def test_each_row_may_have_a_grid_of_its_own_and_needs_no_others() -> None:
    values = np.random.default_rng(1).normal(size=(50, 8)) * np.logspace(-6, 6, 50)[:, None]
    rows = np.concatenate([on_grid(row[None], axis=1) for row in values])
    assert np.array_equal(on_grid(values, axis=1), rows)


def test_nothing_and_zeros_are_no_errors() -> None:
    assert on_grid(np.zeros((0, 3)), axis=1).shape == (0, 3)
    assert on_grid(np.zeros(4)).tolist() == [0, 0, 0, 0]
    assert not np.signbit(on_grid(np.array([1.0, -1e-17]))).any()


def test_a_file_of_arrays_has_the_bytes_of_every_other_python(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    save_arrays(path, {"numbers": np.arange(5, dtype=np.int32), "text": np.array(b"csr")})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest[:16] == "1458b68e507c9f3d"
    with np.load(path, allow_pickle=False) as stored:
        assert stored["numbers"].tolist() == [0, 1, 2, 3, 4]


def test_scipy_reads_a_sparse_matrix_from_such_a_file(tmp_path: Path) -> None:
    matrix = sparse.random(30, 20, 0.2, format="csr", rng=np.random.default_rng(1))
    parts = {
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "format": np.array(b"csr"),
        "shape": np.array(matrix.shape),
        "data": matrix.data,
    }
    save_arrays(tmp_path / "matrix.npz", parts)
    assert (sparse.load_npz(tmp_path / "matrix.npz") != matrix).nnz == 0


def test_arrays_may_be_laid_out_beside_their_file(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", {"a": np.arange(3), "b": np.ones((2, 2), np.float32)})
    read = load_arrays(tmp_path / "x.npz")
    lay_out(tmp_path / "x.npz", tmp_path)
    mapped = load_arrays(tmp_path / "x.npz")
    assert list(read) == list(mapped) == ["a", "b"]
    assert all(np.array_equal(read[name], mapped[name]) for name in read)
    assert isinstance(mapped["a"].base, np.memmap)
    assert not isinstance(read["a"].base, np.memmap)
