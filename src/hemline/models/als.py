"""iALS: customers and articles as short vectors, by implicit's alternating least squares.

Only the articles' vectors are saved. A customer's vector follows from the history that comes with
the request, by the same least squares that fitted it, so customers who were not in the training
get lists like everybody else. Decay enters as confidence 1 + alpha * (what the purchase still
counts), with `counts` 1 + alpha * units * that, Hu, Koren & Volinsky 2008; what is on sale enters
afterwards, as in the linear models.

In training each row is solved by one thread from matrices nobody writes to, so the number of
threads changes no number. BLAS is held to one thread: implicit runs its own, and the two fight. Its
sums depend on the processor in their last bits: they are float64, and the vectors are rounded to a
grid (hemline/arrays.py). A request is solved without implicit (kernels/fold_in.py), whose call
costs 1.3 ms for one customer.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from hemline.arrays import load_array, on_grid
from hemline.data.histories import Histories
from hemline.kernels.dense_topk import ScoreTable
from hemline.kernels.lists import NO_ARTICLE, empty_lists
from hemline.models.article_weights import decayed_since_yesterday, weighted
from hemline.models.label_shift import YESTERDAY, Weighting, decay_weights
from hemline.models.openmp_threads import openmp_threads
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


class AlsParams(Weighting):
    """Size and strictness of the factorisation; whether units count in a purchase's confidence."""

    section: ClassVar[str] = "als"
    factors: PositiveInt = 64
    regularisation: PositiveFloat = 1.0
    alpha: PositiveFloat = 4.0
    iterations: PositiveInt = 15
    seed: NonNegativeInt = 7
    counts: bool = False


@dataclass(frozen=True)
class FoldIn:
    """What turns a history into a customer's vector, as in training."""

    input_half_life_days: float
    alpha: float
    regularisation: float
    counts: bool = False


@dataclass(frozen=True)
class Als(OneSource):
    """A fitted factorisation.

    Attributes:
        fold_in: how histories are read.
        read: sorted int32 keys of the articles that count in a history.
        vectors: float32 of shape (len(read), factors).
        offered: sorted int32 keys of the articles that may be recommended.
        scale: float32 beside `offered`, the label shift.
        n_articles: that it was fitted on; None in earlier versions.
    """

    fold_in: FoldIn
    read: npt.NDArray[np.int32]
    vectors: npt.NDArray[np.float32]
    offered: npt.NDArray[np.int32]
    scale: npt.NDArray[np.float32]
    n_articles: int | None = None
    name: ClassVar[str] = "als"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with a positive score, bought ones included."""
        return self.open(histories).recommend(k)

    def open(self, histories: Histories) -> "_OpenedAls":
        """Return the model with the customers' vectors."""
        require_articles(histories, self.n_articles, self.name)
        return _OpenedAls(self, self.customer_vectors(histories))

    @cached_property
    def table(self) -> ScoreTable:
        """The offered articles' vectors with the label shift."""
        own = self.vectors[np.searchsorted(self.read, self.offered)]
        return ScoreTable(own * self.scale[:, None], np.zeros(len(own), np.float32))

    def customer_vectors(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return the vector of each history, shape (customers, factors); zeros for an empty one."""
        from hemline.kernels.fold_in import fold_in  # noqa: PLC0415  (numba)
        from hemline.kernels.linear_rows import Inputs  # noqa: PLC0415  (numba)

        half_life, alpha = self.fold_in.input_half_life_days, np.float32(self.fold_in.alpha)
        counted = decay_weights(histories.days, half_life, full_day=YESTERDAY)
        if self.fold_in.counts:
            counted *= histories.counts
        inputs = Inputs(histories.indptr, histories.indices, 1 + alpha * counted, self.read)
        return fold_in(inputs, self.vectors, self._gram)

    @cached_property
    def _gram(self) -> npt.NDArray[np.float64]:
        from hemline.kernels.fold_in import gram  # noqa: PLC0415  (numba)

        return gram(self.vectors, self.fold_in.regularisation)

    def save(self, folder: Path) -> None:
        """Write the vectors, their keys and how histories are read."""
        for name in ("read", "vectors", "offered", "scale"):
            np.save(folder / f"{name}.npy", getattr(self, name))
        content = json.dumps(asdict(self.fold_in) | {"n_articles": self.n_articles})
        (folder / "fold_in.json").write_text(content + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / "fold_in.json").read_text(encoding="utf-8"))
        n_articles = about.pop("n_articles", None)
        stored = {
            name: load_array(folder / f"{name}.npy")
            for name in ("read", "vectors", "offered", "scale")
        }
        return cls(FoldIn(**about), **stored, n_articles=n_articles)


@dataclass(frozen=True)
class _OpenedAls:
    model: Als
    vectors: npt.NDArray[np.float32]

    def recommend(self, k: int) -> Recommendations:
        position, scores = self.model.table.best(self.vectors, k)
        scores[scores <= 0] = -np.inf
        position[np.isneginf(scores)] = NO_ARTICLE
        keys = keys_at(position, self.model.offered)
        return recommendations_from(self.model.name, keys, scores)

    def scores(
        self, rows: npt.NDArray[np.int64], articles: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        from hemline.kernels.dense_topk_loops import Factors  # noqa: PLC0415  (numba)
        from hemline.kernels.pair_products import score_products  # noqa: PLC0415  (numba)

        table, scores = self.model.table, np.full(len(rows), np.nan, np.float32)
        factors = Factors(self.vectors, table.vectors, table.bias)
        columns = columns_of(articles, self.model.offered)
        score_products(factors, empty_lists(0, 1), rows, columns, scores)
        return scores


def fit_als(histories: Histories, params: AlsParams) -> Als:
    """Return the articles' vectors after `iterations` rounds; the same seed, the same vectors."""
    data = weighted(histories, params)
    fold_in = FoldIn(
        params.input_half_life_days, params.alpha, params.regularisation, params.counts
    )
    trusted, rng = _confidence(histories, data.read, fold_in), np.random.default_rng(params.seed)
    with _solver(params.factors, fold_in) as solver:
        solver.iterations = params.iterations
        solver.user_factors, solver.item_factors = (
            _start(n_rows, params.factors, rng) for n_rows in trusted.shape
        )
        solver.fit(trusted, show_progress=False)
    vectors = on_grid(solver.item_factors)
    return Als(fold_in, data.read, vectors, data.offered, data.scale, data.n_articles)


def _start(n_rows: int, factors: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the vectors that implicit starts from in float32, in float64."""
    return (rng.random((n_rows, factors), np.float32) * np.float32(0.01)).astype(np.float64)


def _confidence(
    histories: Histories, read: npt.NDArray[np.int32], fold_in: FoldIn
) -> "sparse.csr_matrix":
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    weights = decayed_since_yesterday(histories, fold_in.input_half_life_days)
    if fold_in.counts:
        weights.data *= histories.counts
    counted = sparse.csr_matrix(weights[:, read])
    counted.data = 1 + np.float32(fold_in.alpha) * counted.data
    return counted


@contextmanager
def _solver(factors: int, fold_in: FoldIn) -> Iterator[Any]:
    """Lend implicit's solver while BLAS keeps to one thread, which implicit checks and needs."""
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415  (imports in 1 s)

    with _thread_pools().limit(limits=1, user_api="blas"):
        yield AlternatingLeastSquares(
            factors,
            fold_in.regularisation,
            dtype=np.float64,
            num_threads=openmp_threads(),
        )


@cache
def _thread_pools() -> Any:
    """Return the control of BLAS's threads; finding all libraries takes 8 ms, so only once."""
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415  (only beside implicit)

    return ThreadpoolController()
