"""The fitted CVAE as a Recommender: warm customers by their posterior mean, strangers by the prior.

A cold customer's list is the mean over fixed draws from the prior, decoded under the customer's
cluster: the purchases the model imagines for somebody of that cluster.

The network knows two small catalogues instead of the whole one: `read` holds the articles anybody
bought, `offered` those still on sale. Most of a fashion catalogue is gone, so the softmax is a
fraction of what it would be.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from hemline.data.histories import Histories
from hemline.models.cvae.network import Network, SparseRows, decayed, unit_rows
from hemline.models.ranking import Lists, empty_lists, top_k
from hemline.models.recommender import NO_ARTICLE, Recommendations, answer

_BATCH = 512


@dataclass(frozen=True)
class Shape:
    """What it takes to build the network again, and to weight its input as in training."""

    n_conditions: int
    hidden: int
    latent: int
    input_half_life_days: float
    cold_samples: int
    seed: int


@dataclass(frozen=True)
class Shelf:
    """The articles the network deals with, as sorted int32 keys.

    Attributes:
        read: articles that count when they stand in a history.
        offered: articles that may be recommended, one logit each.
        log_shift: float32 beside `offered`, added to the logits; -inf keeps an article back.
    """

    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    log_shift: npt.NDArray[np.float32]


class Cvae:
    """A trained network, in evaluation mode, with the shelf it was trained on."""

    name = "cvae"

    def __init__(self, shape: Shape, shelf: Shelf, network: Network) -> None:
        self.shape = shape
        self.shelf = shelf
        self.network = network.eval()

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with the highest shifted logits, bought ones included."""
        articles, scores = empty_lists(histories.n_customers, k)
        inputs = self.inputs(histories)
        is_cold = np.diff(inputs.indptr) == 0
        cold, warm = np.flatnonzero(is_cold), np.flatnonzero(~is_cold)
        for start in range(0, len(warm), _BATCH):
            rows = warm[start : start + _BATCH]
            logits = self.logits(inputs[rows], histories.clusters[rows])
            articles[rows], scores[rows] = self._listed(logits, k)
        if len(cold):
            clusters, position = np.unique(histories.clusters[cold], return_inverse=True)
            lists, list_scores = self._listed(self.cold_logits(clusters), k)
            articles[cold], scores[cold] = lists[position], list_scores[position]
        return answer(self.name, articles, scores)

    def inputs(self, histories: Histories) -> sparse.csr_matrix:
        """Return the histories as the encoder reads them, CSR of shape (customers, len(read))."""
        faded = decayed(histories.days_ago, self.shape.input_half_life_days)
        return unit_rows(sparse.csr_matrix(faded[:, self.shelf.read]))

    def logits(
        self, inputs: sparse.csr_matrix, clusters: npt.NDArray[np.int8]
    ) -> npt.NDArray[np.float32]:
        """Return shifted logits of shape (rows, len(offered)); dense, so ask for few at a time."""
        condition = self.network.one_hot(clusters)
        with torch.inference_mode():
            mean, _ = self.network.encode(SparseRows.of(inputs), condition)
            logits: Tensor = self.network.decode(mean, condition)
        return np.asarray(logits.numpy() + self.shelf.log_shift, np.float32)

    def cold_logits(self, clusters: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Return shifted log-probabilities under each cluster, shape (clusters, len(offered))."""
        draws = torch.Generator().manual_seed(self.shape.seed)
        code = torch.randn(self.shape.cold_samples, self.shape.latent, generator=draws)
        rows = []
        with torch.inference_mode():
            for cluster in clusters:
                condition = self.network.one_hot(np.full(len(code), cluster, np.int8))
                shares = self.network.decode(code, condition).softmax(dim=1).mean(dim=0)
                rows.append(shares.clamp_min(1e-30).log().numpy())
        return np.asarray(np.stack(rows) + self.shelf.log_shift, np.float32)

    def save(self, folder: Path) -> None:
        """Write the shape, the shelf and the weights."""
        content = json.dumps(asdict(self.shape), indent=1)
        (folder / "shape.json").write_text(content + "\n", encoding="utf-8")
        for name, values in vars(self.shelf).items():
            np.save(folder / f"{name}.npy", values)
        weights = {name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        np.savez(folder / "weights.npz", **weights)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        shape = Shape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        stored = {
            name: np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in Shelf.__dataclass_fields__
        }
        shelf = Shelf(**stored)
        network = build_network(shape, shelf, dropout=0.0)
        with np.load(folder / "weights.npz", allow_pickle=False) as weights:
            network.load_state_dict({name: torch.tensor(weights[name]) for name in weights})
        return cls(shape, shelf, network)

    def _listed(self, logits: npt.NDArray[np.float32], k: int) -> Lists:
        position, scores = top_k(logits, k)
        articles = np.where(position == NO_ARTICLE, NO_ARTICLE, self.shelf.offered[position])
        return articles.astype(np.int32), scores


def build_network(shape: Shape, shelf: Shelf, *, dropout: float) -> Network:
    """Return an untrained network of the given shape for the given shelf."""
    return Network(
        len(shelf.read),
        len(shelf.offered),
        shape.n_conditions,
        hidden=shape.hidden,
        latent=shape.latent,
        dropout=dropout,
    )
