"""implicit's models on the week, by implicit's own interface, in the same run as ours.

Only what can answer customers whom it has not seen in training: its neighbours, and ALS, which
solves for a customer's factors from what is known. BPR cannot.
"""

import warnings
from typing import Any, Final

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.utils import ParameterWarning
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.ranking_measures import Lists
from benchmarks.static_models import Numbers
from hemline.errors import BadInput

_NEIGHBOURS: Final = {
    "bm25": BM25Recommender,
    "cosine": CosineRecommender,
    "tfidf": TFIDFRecommender,
}


class ImplicitPeer:
    """A model of implicit.

    Args:
        kind: als, or one of the neighbours: bm25, cosine, tfidf.
        numbers: of implicit's own names.
        train: CSR of shape (customers, articles).

    Raises:
        BadInput: there is no such kind.
    """

    def __init__(self, kind: str, numbers: Numbers, train: sparse.csr_matrix) -> None:
        self._is_als = kind == "als"
        if not self._is_als and kind not in _NEIGHBOURS:
            raise BadInput(
                f"a model of implicit is als or one of {', '.join(_NEIGHBOURS)}",
                found=kind,
                fix="correct settings.yaml",
            )
        made = AlternatingLeastSquares if self._is_als else _NEIGHBOURS[kind]
        self._model: Any = made(**numbers)
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ParameterWarning)  # it converts its own weights
            self._model.fit(train, show_progress=False)

    def lists(self, known: sparse.csr_matrix, k: int) -> Lists:
        """Return the articles for customers of whom something is known, which is not listed."""
        more = {"recalculate_user": True} if self._is_als else {}
        rows = np.arange(known.shape[0])
        articles, _ = self._model.recommend(rows, known, N=k, **more)
        return np.asarray(articles, np.int32)
