"""Linear models: what a customer bought, times a matrix of weights from article to article.

Item-kNN, RP3beta and EASE differ in how they find the weights, not in what they do with them, so
all are this one class under their own names. What they learn from is the same too: histories that
decay slowly going in, purchases that decay faster to be predicted, and only articles on sale as
columns. On data without days every purchase counts 1 on both sides, which is the textbook form.

Each column is scaled by (share of recent buyers / share in what was learned from) ** shift: the
label shift as a factor, because these scores are no logarithms. It is scaled once, after the fit.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.arrays import load_array, load_arrays, save_arrays
from hemline.data.histories import Histories
from hemline.models.label_shift import (
    YESTERDAY,
    Weighting,
    decay_weights,
    decayed,
    ever_bought,
    on_sale,
    shares_of,
)
from hemline.models.recommender import OneSource, Recommendations, keys_at, recommendations_from


class Weighted(NamedTuple):
    """Histories as linear models learn from them.

    Attributes:
        read: sorted int32 keys of the articles anybody bought.
        offered: sorted int32 keys of the articles on sale.
        inputs: CSR float32 of shape (customers, len(read)).
        targets: CSR float32 of shape (customers, len(offered)).
        own: int64 beside `offered`; the row of the same article in `read`.
        scale: float32 beside `offered`; the label shift.
    """

    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    inputs: sparse.csr_matrix
    targets: sparse.csr_matrix
    own: npt.NDArray[np.int64]
    scale: npt.NDArray[np.float32]


@dataclass(frozen=True)
class ArticleWeights(OneSource):
    """A fitted linear model.

    Attributes:
        name: the model's name.
        input_half_life_days: how fast a history decays on its way in.
        read: sorted int32 keys of the articles that count in a history.
        offered: sorted int32 keys of the articles that may be recommended.
        weights: float32 of shape (len(read), len(offered)); CSR, or an array where all count.
    """

    name: str
    input_half_life_days: float
    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    weights: sparse.csr_matrix | npt.NDArray[np.float32]

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with a positive score, bought ones included."""
        from hemline.kernels.linear_rows import Inputs, WeightRows, best_of_rows  # noqa: PLC0415  (numba)

        counted = decay_weights(histories.days, self.input_half_life_days, full_day=YESTERDAY)
        inputs = Inputs(histories.indptr, histories.indices, counted, self.read)
        weights = self.weights
        rows = (
            weights
            if isinstance(weights, np.ndarray)
            else WeightRows(weights.indptr, weights.indices, weights.data)
        )
        position, scores = best_of_rows(inputs, rows, len(self.offered), k)
        return recommendations_from(self.name, keys_at(position, self.offered), scores)

    def save(self, folder: Path) -> None:
        """Write the keys and the weights, sparse ones as the three arrays of a CSR matrix."""
        np.save(folder / "read.npy", self.read)
        np.save(folder / "offered.npy", self.offered)
        if isinstance(self.weights, np.ndarray):
            np.save(folder / "weights.npy", self.weights)
        else:
            save_arrays(folder / "weights.npz", _as_scipy_saves(self.weights))
        about = {"name": self.name, "input_half_life_days": self.input_half_life_days}
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        is_dense = (folder / "weights.npy").exists()
        return cls(
            about["name"],
            about["input_half_life_days"],
            load_array(folder / "read.npy"),
            load_array(folder / "offered.npy"),
            load_array(folder / "weights.npy")
            if is_dense
            else _from_arrays(load_arrays(folder / "weights.npz")),
        )


def _as_scipy_saves(matrix: sparse.csr_matrix) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that scipy.sparse.load_npz reads."""
    return {
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "format": np.array(b"csr"),
        "shape": np.array(matrix.shape),
        "data": matrix.data,
    }


def _from_arrays(stored: Mapping[str, npt.NDArray[Any]]) -> sparse.csr_matrix:
    entries = stored["data"], stored["indices"], stored["indptr"]
    return sparse.csr_matrix(entries, shape=tuple(stored["shape"].tolist()))


def weighted(histories: Histories, weighting: Weighting) -> Weighted:
    """Return what a linear model learns from, and the label shift to scale its columns with."""
    read, offered = ever_bought(histories), on_sale(histories, weighting.on_sale_days)
    inputs = decayed_since_yesterday(histories, weighting.input_half_life_days)
    targets = decayed_since_yesterday(histories, weighting.target_half_life_days)
    recent, learned = shares_of(histories, offered, weighting, full_day=YESTERDAY)
    return Weighted(
        read,
        offered,
        sparse.csr_matrix(inputs[:, read]),
        sparse.csr_matrix(targets[:, offered]),
        np.searchsorted(read, offered),
        ((recent / learned) ** weighting.shift).astype(np.float32),
    )


def scaled_columns(
    name: str,
    data: Weighted,
    params: Weighting,
    weights: sparse.csr_matrix | npt.NDArray[np.float32],
) -> ArticleWeights:
    """Return the fitted model: the weights with the label shift multiplied into each column."""
    if isinstance(weights, np.ndarray):
        ready: sparse.csr_matrix | npt.NDArray[np.float32] = np.multiply(
            weights,
            data.scale,
            order="C",  # a sparse row times any other order copies it all
        )
    else:
        ready = sparse.csr_matrix(weights.multiply(data.scale), dtype=np.float32)
        ready.sort_indices()
    return ArticleWeights(name, params.input_half_life_days, data.read, data.offered, ready)


def squared_lengths(columns_of: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    """Return the sum of squares of each column, added in float64."""
    squares = np.square(columns_of.data, dtype=np.float64)
    added = np.bincount(columns_of.indices, squares, minlength=columns_of.shape[1])
    return np.asarray(added, np.float64)  # integers where nothing is stored


def decayed_since_yesterday(histories: Histories, half_life_days: float) -> sparse.csr_matrix:
    """Return the purchases, each halved for every half-life since; yesterday's count 1."""
    return decayed(histories.days_ago, half_life_days, full_day=YESTERDAY)
