"""The fitted CVAE as a Recommender: everybody by the mean of their posterior.

A stranger is a customer whose row is empty. Input dropout and short histories have shown the
encoder many empty rows, so what it answers to one is its prior under the condition: what somebody
of that cluster and age band is like. Decoding draws from N(0, I) instead served strangers worse
(docs/decisions.md).
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
from hemline.models.cvae.network import (
    Network,
    SparseRows,
    decayed,
    one_hot,
    unit_rows,
    weighted_sums,
)
from hemline.models.cvae.shelf import Shelf
from hemline.models.ranking import empty_lists, top_k
from hemline.models.recommender import NO_ARTICLE, Recommendations, answer

_BATCH = 512


@dataclass(frozen=True)
class Shape:
    """What it takes to build the network again, and to weight its input as in training.

    `n_epochs` is the number of epochs after which it was best on the validation week.
    """

    n_clusters: int
    n_bands: int
    hidden: int
    latent: int
    input_half_life_days: float
    n_epochs: int


class Cvae:
    """A trained network with the shelf it was trained on."""

    name = "cvae"

    def __init__(self, shape: Shape, shelf: Shelf, network: Network) -> None:
        self.shape = shape
        self.shelf = shelf
        self.network = network

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with the highest shifted logits, bought ones included."""
        articles, scores = empty_lists(histories.n_customers, k)
        inputs, conditions = self.inputs(histories), self.conditions(histories)
        for start in range(0, histories.n_customers, _BATCH):
            rows = slice(start, start + _BATCH)
            position, scores[rows] = top_k(self.logits(inputs[rows], conditions[rows]), k)
            offered = np.where(position == NO_ARTICLE, NO_ARTICLE, self.shelf.offered[position])
            articles[rows] = offered
        return answer(self.name, articles, scores)

    def inputs(self, histories: Histories) -> sparse.csr_matrix:
        """Return the histories as the encoder reads them, CSR of shape (customers, len(read))."""
        faded = decayed(histories.days_ago, self.shape.input_half_life_days)
        return unit_rows(sparse.csr_matrix(faded[:, self.shelf.read]))

    def conditions(self, histories: Histories) -> Tensor:
        """Return cluster and age band side by side, one-hot; zeros for what is not known."""
        cluster = one_hot(histories.clusters, self.shape.n_clusters)
        return torch.cat([cluster, one_hot(histories.age_bands, self.shape.n_bands)], dim=1)

    def logits(self, inputs: sparse.csr_matrix, conditions: Tensor) -> npt.NDArray[np.float32]:
        """Return shifted logits of shape (rows, len(offered)); dense, so ask for few at a time."""
        with torch.inference_mode():
            bought = weighted_sums(self.network.articles_in, SparseRows.of(inputs))
            mean, _ = self.network.encode(bought, conditions)
            logits = self.network.logits(self.network.decode(mean, conditions))
        return np.asarray(logits.numpy() + self.shelf.log_shift, np.float32)

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
        network = build_network(shape, shelf)
        with np.load(folder / "weights.npz", allow_pickle=False) as weights:
            network.load_state_dict({name: torch.tensor(weights[name]) for name in weights})
        return cls(shape, shelf, network)


def build_network(shape: Shape, shelf: Shelf) -> Network:
    """Return an untrained network of the given shape for the given shelf."""
    return Network(
        len(shelf.read),
        len(shelf.offered),
        shape.n_clusters + shape.n_bands,
        hidden=shape.hidden,
        latent=shape.latent,
    )
