"""Linear models: what a customer bought, times a matrix of weights from article to article.

Item-kNN, RP3beta and EASE differ in how they find the weights, not in what they do with them, so
all are this one class under their own names. What they learn from is the same too: histories that
decay slowly going in, purchases that decay faster to be predicted, and only articles on sale as
columns. On data without days every purchase counts 1 on both sides, which is the textbook form.

Each column is scaled by (share of recent buyers / share in what was learned from) ** shift: the
label shift as a factor, because these scores are no logarithms. It is scaled once, after the fit.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_array, load_arrays, save_arrays
from hemline.data.histories import Histories
from hemline.kernels.lists import WeightRows
from hemline.models.label_shift import (
    YESTERDAY,
    Weighting,
    decay_weights,
    decayed,
    ever_bought,
    on_sale,
    shares_of,
)
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    columns_of,
    keys_at,
    recommendations_from,
    require_articles,
)

if TYPE_CHECKING:
    from scipy import sparse

    from hemline.kernels.linear_rows import Inputs


_ABOUT: Final = ("name", "input_half_life_days", "n_articles")


class Weighted(NamedTuple):
    """Histories as linear models learn from them.

    Attributes:
        read: sorted int32 keys of the articles anybody bought.
        offered: sorted int32 keys of the articles on sale.
        inputs: CSR float32 of shape (customers, len(read)).
        targets: CSR float32 of shape (customers, len(offered)).
        own: int64 beside `offered`; the row of the same article in `read`.
        scale: float32 beside `offered`; the label shift.
        n_articles: of the catalogue, bought or not.
    """

    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    inputs: "sparse.csr_matrix"
    targets: "sparse.csr_matrix"
    own: npt.NDArray[np.int64]
    scale: npt.NDArray[np.float32]
    n_articles: int


@dataclass(frozen=True)
class ArticleWeights(OneSource):
    """A fitted linear model.

    Attributes:
        name: the model's name.
        input_half_life_days: how fast a history decays on its way in.
        read: sorted int32 keys of the articles that count in a history.
        offered: sorted int32 keys of the articles that may be recommended.
        weights: float32 of shape (len(read), len(offered)); the arrays of a CSR matrix, or one
            array where all count.
        n_articles: that it was fitted on; None in earlier versions.
    """

    name: str
    input_half_life_days: float
    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    weights: WeightRows | npt.NDArray[np.float32]
    n_articles: int | None = None

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with a positive score, bought ones included."""
        return self.open(histories).recommend(k)

    def open(self, histories: Histories) -> "_OpenedWeights":
        """Return the model with the histories as it reads them."""
        from hemline.kernels.linear_rows import Inputs  # noqa: PLC0415  (numba)

        require_articles(histories, self.n_articles, self.name)
        counted = decay_weights(histories.days, self.input_half_life_days, full_day=YESTERDAY)
        inputs = Inputs(histories.indptr, histories.indices, counted, self.read)
        return _OpenedWeights(self, inputs)

    def save(self, folder: Path) -> None:
        """Write the keys and the weights, sparse ones as the three arrays of a CSR matrix."""
        np.save(folder / "read.npy", self.read)
        np.save(folder / "offered.npy", self.offered)
        if isinstance(self.weights, np.ndarray):
            np.save(folder / "weights.npy", self.weights)
        else:
            shape = len(self.read), len(self.offered)
            save_arrays(folder / "weights.npz", _as_scipy_saves(self.weights, shape))
        about = {name: getattr(self, name) for name in _ABOUT}
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        read, offered = (load_array(folder / f"{keys}.npy") for keys in ("read", "offered"))
        if (folder / "weights.npy").exists():
            weights: WeightRows | npt.NDArray[np.float32] = load_array(folder / "weights.npy")
        else:
            stored = load_arrays(folder / "weights.npz")
            weights = WeightRows(stored["indptr"], stored["indices"], stored["data"])
        half_life, n_articles = about["input_half_life_days"], about.get("n_articles")
        return cls(about["name"], half_life, read, offered, weights, n_articles)


@dataclass(frozen=True)
class _OpenedWeights:
    model: ArticleWeights
    inputs: "Inputs"

    def recommend(self, k: int) -> Recommendations:
        from hemline.kernels.linear_rows import best_of_rows  # noqa: PLC0415  (numba)

        model = self.model
        position, scores = best_of_rows(self.inputs, model.weights, len(model.offered), k)
        return recommendations_from(model.name, keys_at(position, model.offered), scores)

    def scores(
        self, rows: npt.NDArray[np.int64], articles: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        from hemline.kernels.pair_sums import score_sums  # noqa: PLC0415  (numba)

        offered, scores = self.model.offered, np.full(len(rows), np.nan, np.float32)
        pairs = rows, columns_of(articles, offered), scores
        score_sums(self.inputs, self.model.weights, len(offered), *pairs)
        return scores


def _as_scipy_saves(rows: WeightRows, shape: tuple[int, int]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that scipy.sparse.load_npz reads."""
    return {
        "indices": rows.indices,
        "indptr": rows.indptr,
        "format": np.array(b"csr"),
        "shape": np.array(shape),
        "data": rows.data,
    }


def weighted(histories: Histories, weighting: Weighting) -> Weighted:
    """Return what a linear model learns from, and the label shift to scale its columns with."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

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
        histories.n_articles,
    )


def scaled_columns(
    name: str,
    data: Weighted,
    params: Weighting,
    weights: "sparse.csr_matrix | npt.NDArray[np.float32]",
) -> ArticleWeights:
    """Return the fitted model: the weights with the label shift multiplied into each column."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    if isinstance(weights, np.ndarray):
        # A sparse row times any other order copies it all.
        ready: WeightRows | npt.NDArray[np.float32] = np.multiply(weights, data.scale, order="C")
    else:
        scaled = sparse.csr_matrix(weights.multiply(data.scale), dtype=np.float32)
        scaled.sort_indices()
        ready = WeightRows(scaled.indptr, scaled.indices, scaled.data)
    learned = data.read, data.offered, ready, data.n_articles
    return ArticleWeights(name, params.input_half_life_days, *learned)


def squared_lengths(columns_of: "sparse.csr_matrix") -> npt.NDArray[np.float64]:
    """Return the sum of squares of each column, added in float64."""
    squares = np.square(columns_of.data, dtype=np.float64)
    added = np.bincount(columns_of.indices, squares, minlength=columns_of.shape[1])
    return np.asarray(added, np.float64)  # integers where nothing is stored


def decayed_since_yesterday(histories: Histories, half_life_days: float) -> "sparse.csr_matrix":
    """Return the purchases, each halved for every half-life since; yesterday's count 1."""
    return decayed(histories.days_ago, half_life_days, full_day=YESTERDAY)
