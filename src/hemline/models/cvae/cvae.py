"""The fitted CVAE as a Recommender: everybody by the mean of their posterior.

A stranger is a customer whose row is empty. Input dropout and short histories have shown the
encoder many empty rows, so what it answers to one is its prior under the condition: what somebody
of that cluster and age band is like. Decoding draws from N(0, I) instead served strangers worse
(docs/decisions.md).
"""

import json
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.dense_topk import ScoreTable
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists
from hemline.models.cvae.network import (
    Network,
    SparseRows,
    decayed,
    narrowed,
    one_hot,
    unit_rows,
    weighted_sums,
)
from hemline.models.label_shift import Shelf
from hemline.models.recommender import Recommendations, answer

DeviceName = Literal["auto", "cpu", "cuda"]
_BLOCK = 4096


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
    """A trained network with the shelf it was trained on; the network is not changed any more."""

    name = "cvae"

    def __init__(self, shape: Shape, shelf: Shelf, network: Network) -> None:
        self.shape = shape
        self.shelf = shelf
        self.network = network

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with the highest shifted logits, bought ones included."""
        articles, scores = empty_lists(histories.n_customers, k)
        for start in range(0, histories.n_customers, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, histories.n_customers))
            position, scores[rows] = self._best(histories.rows(rows), k)
            offered = np.where(position == NO_ARTICLE, NO_ARTICLE, self.shelf.offered[position])
            articles[rows] = offered
        return answer(self.name, articles, scores)

    def hidden(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return what the decoder makes of each customer, shape (customers, shape.hidden).

        Its products with the rows of `network.articles_out`, plus `bias`, are the shifted logits
        of the articles in `shelf.offered`.
        """
        return np.asarray(self.decoded(histories).cpu().numpy(), np.float32)

    def logits(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return shifted logits of shape (rows, len(offered)); dense, so ask for few at a time."""
        with torch.inference_mode():
            logits = self.network.logits(self.decoded(histories))
        return np.asarray(logits.cpu().numpy() + self.shelf.log_shift, np.float32)

    def decoded(self, histories: Histories) -> Tensor:
        """Return what `hidden` does, on the network's device."""
        with torch.inference_mode():
            inputs = SparseRows.of(self.inputs(histories), device=self.device)
            conditions = self.conditions(histories)
            bought = weighted_sums(self.network.articles_in, inputs)
            mean, _ = self.network.encode(bought, conditions)
            return self.network.decode(mean, conditions)

    def inputs(self, histories: Histories) -> sparse.csr_matrix:
        """Return the histories as the encoder reads them, CSR of shape (customers, len(read))."""
        faded = decayed(histories.days_ago, self.shape.input_half_life_days)
        return unit_rows(narrowed(faded, self._position_of_read, len(self.shelf.read)))

    def conditions(self, histories: Histories) -> Tensor:
        """Return cluster and age band side by side, one-hot; zeros for what is not known."""
        cluster = one_hot(histories.clusters, self.shape.n_clusters)
        age_band = one_hot(histories.age_bands, self.shape.n_bands)
        return torch.tensor(np.hstack([cluster, age_band]), device=self.device)

    @property
    def bias(self) -> npt.NDArray[np.float32]:
        """Bias of each offered article, moved to the catalogue at the cut; -inf keeps one back."""
        return np.asarray(self.network.bias_out.detach().cpu().numpy() + self.shelf.log_shift)

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.network.bias_out.device

    def on(self, device: torch.device) -> Self:
        """Return the model computing on the device; itself where it does already."""
        if device == self.device:
            return self
        return type(self)(self.shape, self.shelf, deepcopy(self.network).to(device))

    def _best(self, histories: Histories, k: int) -> Lists:
        """Return positions on the shelf and scores; on a CPU exact to the bit (dense_topk)."""
        if self.device.type == "cpu":
            return self._score_table.best(self.hidden(histories), k)
        scores, position = (part.cpu().numpy() for part in self.best_on_device(histories, k))
        positions, listed = empty_lists(histories.n_customers, k)
        kept = scores.shape[1]
        positions[:, :kept] = np.where(np.isneginf(scores), NO_ARTICLE, position)
        listed[:, :kept] = scores
        return positions, listed

    def best_on_device(self, histories: Histories, k: int) -> tuple[Tensor, Tensor]:
        """Return scores and positions on the shelf, best first, without leaving the device."""
        with torch.inference_mode():
            shift = torch.tensor(self.shelf.log_shift, device=self.device)
            shifted = self.network.logits(self.decoded(histories)) + shift
            scores, position = shifted.topk(min(k, len(shift)), dim=1)
        return scores, position

    @cached_property
    def _score_table(self) -> ScoreTable:
        return ScoreTable(self.network.articles_out.numpy(), self.bias)

    @cached_property
    def _position_of_read(self) -> npt.NDArray[np.int32]:
        """Column of the input by article; -1 for one that is not read, last of all any unknown."""
        positions = np.full(int(self.shelf.read.max(initial=-1)) + 2, -1, np.int32)
        positions[self.shelf.read] = np.arange(len(self.shelf.read))
        return positions

    def save(self, folder: Path) -> None:
        """Write the shape, the shelf and the weights, wherever the network computes."""
        content = json.dumps(asdict(self.shape), indent=1)
        (folder / "shape.json").write_text(content + "\n", encoding="utf-8")
        for name, values in vars(self.shelf).items():
            np.save(folder / f"{name}.npy", values)
        weights = self.network.state_dict().items()
        np.savez(folder / "weights.npz", **{name: part.cpu().numpy() for name, part in weights})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder, on the CPU; see `on`."""
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


def chosen_device(name: DeviceName) -> torch.device:
    """Return the device of that name; for auto the GPU where there is one.

    `CUDA_VISIBLE_DEVICES=` in the environment keeps auto on the CPU.

    Raises:
        BadInput: a GPU is asked for and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise BadInput(
            "cvae.device is cuda where torch sees a GPU",
            found=f"none (torch {torch.__version__})",
            fix="set cvae.device to auto, or install a driver and a torch built for it",
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def build_network(shape: Shape, shelf: Shelf) -> Network:
    """Return an untrained network of the given shape for the given shelf."""
    return Network(
        len(shelf.read),
        len(shelf.offered),
        shape.n_clusters + shape.n_bands,
        hidden=shape.hidden,
        latent=shape.latent,
    )
