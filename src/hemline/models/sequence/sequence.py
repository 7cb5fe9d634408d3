"""A fitted sequence model as a Recommender: what comes next, from the latest purchases.

A score is the logarithm of the article's share of recent purchases, plus the product of its vector
with what the encoder makes of the customer's latest purchases, plus, for an article among these,
what its age raises it by. So a network that has learnt nothing recommends by popularity.

Customers without a history have no list: their encoder has nothing to read.

The model recommends from arrays, for one customer as for everybody, and without torch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_arrays, save_arrays
from hemline.data.histories import Histories
from hemline.kernels.attention_rows import AttentionLayers
from hemline.kernels.dense_topk import ScoreTable
from hemline.kernels.dense_topk_loops import Factors
from hemline.kernels.gru_rows import GruLayers
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists
from hemline.kernels.raised_lists import best_of_raised
from hemline.kernels.sequence_rows import Latest, PoolLayers, encode, latest_purchases
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    keys_at,
    recommendations_from,
    require_articles,
)
from hemline.models.sequence.training_baskets import age_of

Floats = npt.NDArray[np.float32]

_BLOCK: Final = 4096
_LAYERS: Final = {"pool": PoolLayers, "gru": GruLayers, "attention": AttentionLayers}


@dataclass(frozen=True)
class SequenceShape:
    """What the arrays of a saved model mean.

    Attributes:
        encoder: pool, gru or attention.
        window: how many of the latest articles are read.
        n_articles: that it was fitted on.
        n_epochs: after which it was best on the validation week.
    """

    encoder: str
    window: int
    n_articles: int
    n_epochs: int


@dataclass(frozen=True)
class SequenceArrays:
    """What was learnt.

    Attributes:
        read: sorted int32 keys of the articles that count in a history.
        vectors: float32 of shape (len(read), width).
        age_vectors: float32 of shape (ages, width).
        raised_by_age: float32 of shape (ages,), at least 0; added to the score of a latest article.
        offered: sorted int32 keys of the articles that may be recommended; all are read.
        log_share: float32 beside `offered`; of their recent purchases.
    """

    read: npt.NDArray[np.int32]
    vectors: Floats
    age_vectors: Floats
    raised_by_age: Floats
    offered: npt.NDArray[np.int32]
    log_share: Floats


class SequenceModel(OneSource):
    """Trained vectors and layers; neither changes any more."""

    name = "sequence"

    def __init__(
        self,
        shape: SequenceShape,
        arrays: SequenceArrays,
        layers: Mapping[str, npt.NDArray[np.float64]],
    ) -> None:
        """Take the layers by their names in the encoder's tuple (kernels)."""
        self.shape = shape
        self.arrays = arrays
        self.layers = layers

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with the highest scores, own ones included."""
        require_articles(histories, self.shape.n_articles, self.name)
        position, scores = empty_lists(histories.n_customers, k)
        for start in range(0, histories.n_customers, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, histories.n_customers))
            position[rows], scores[rows] = self._best(histories.rows(rows), k)
        return recommendations_from(self.name, keys_at(position, self.arrays.offered), scores)

    def latest(self, histories: Histories) -> Latest:
        """Return what the encoder reads of each customer."""
        rows, days = latest_purchases(
            histories.indptr, histories.indices, histories.days, self.arrays.read, self.shape.window
        )
        return Latest(rows, days, age_of(np.maximum(days, 1)))

    def encoded(self, latest: Latest) -> Floats:
        """Return what the encoder makes of each customer, float32 of shape (customers, width)."""
        layers = _LAYERS[self.shape.encoder](**self.layers)
        return encode(latest, self.arrays.vectors, self.arrays.age_vectors, layers)

    def _best(self, histories: Histories, k: int) -> Lists:
        latest = self.latest(histories)
        encoded = self.encoded(latest)
        table = self._score_table
        factors = Factors(encoded, table.vectors, table.bias)
        position, scores = best_of_raised(factors, table.best(encoded, k), self._raised(latest))
        nothing = latest.rows[:, 0] < 0
        position[nothing], scores[nothing] = NO_ARTICLE, -np.inf
        return position, scores

    def _raised(self, latest: Latest) -> Lists:
        """Return the offered ones among the latest articles, and by how much each is raised."""
        rows = latest.rows
        place = np.where(rows < 0, NO_ARTICLE, self._place_of_read[rows])
        order = np.argsort(place == NO_ARTICLE, axis=1, kind="stable")
        raised = self.arrays.raised_by_age[latest.ages]
        listed, by = (
            np.ascontiguousarray(np.take_along_axis(part, order, axis=1))
            for part in (place, raised)
        )
        return listed.astype(np.int32), by

    @cached_property
    def _place_of_read(self) -> npt.NDArray[np.int32]:
        """Place among the offered articles of each that is read, or NO_ARTICLE."""
        places = np.full(len(self.arrays.read), NO_ARTICLE, np.int32)
        rows = np.searchsorted(self.arrays.read, self.arrays.offered)
        places[rows] = np.arange(len(rows))
        return places

    @cached_property
    def _score_table(self) -> ScoreTable:
        arrays = self.arrays
        rows = np.searchsorted(arrays.read, arrays.offered)
        return ScoreTable(np.ascontiguousarray(arrays.vectors[rows]), arrays.log_share)

    def save(self, folder: Path) -> None:
        """Write the shape as json, the arrays and the layers as npz."""
        text = json.dumps(asdict(self.shape), indent=1)
        (folder / "shape.json").write_text(text + "\n", encoding="utf-8")
        save_arrays(folder / "arrays.npz", vars(self.arrays))
        save_arrays(folder / "layers.npz", self.layers)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        shape = SequenceShape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        arrays = SequenceArrays(**load_arrays(folder / "arrays.npz"))
        return cls(shape, arrays, load_arrays(folder / "layers.npz"))
