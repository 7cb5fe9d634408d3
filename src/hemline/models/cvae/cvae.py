"""The fitted CVAE as a Recommender: everybody by the mean of their posterior.

A cold customer is one whose row is empty. Input dropout and short histories have shown the encoder
many empty rows, so for one it returns its prior under the condition: what somebody of that cluster
and age band is like. Decoding draws from N(0, I) instead gave cold customers worse lists
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

from hemline.arrays import save_arrays
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.dense_topk import ScoreTable
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists
from hemline.models.cvae.network import (
    Network,
    SparseRows,
    one_hot,
    reindexed,
    unit_rows,
    weighted_sums,
)
from hemline.models.label_shift import decayed
from hemline.models.recommender import Recommendations, keys_at, recommendations_from

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


@dataclass(frozen=True)
class OfferedArticles:
    """The articles the network deals with, as sorted int32 keys.

    Most of a fashion catalogue is gone, so both tables of the network are a fraction of what they
    would be with a row for every article.

    Attributes:
        read: articles that count when they stand in a history: those anybody bought.
        offered: articles that may be recommended, one logit each: those still on sale.
        log_shift: float32 beside `offered`, added to the logits; -inf keeps an article out of
            every list.
    """

    read: npt.NDArray[np.int32]
    offered: npt.NDArray[np.int32]
    log_shift: npt.NDArray[np.float32]


class Cvae:
    """A trained network with the articles it was trained on; neither changes any more."""

    name = "cvae"

    def __init__(self, shape: Shape, articles: OfferedArticles, network: Network) -> None:
        self.shape = shape
        self.articles = articles
        self.network = network

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with the highest shifted logits, bought ones included."""
        articles, scores = empty_lists(histories.n_customers, k)
        for start in range(0, histories.n_customers, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, histories.n_customers))
            position, scores[rows] = self._best(histories.rows(rows), k)
            articles[rows] = keys_at(position, self.articles.offered)
        return recommendations_from(self.name, articles, scores)

    def hidden(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return what the decoder makes of each customer, shape (customers, shape.hidden).

        Its products with the rows of `network.articles_out`, plus `bias`, are the shifted logits
        of the articles in `articles.offered`.
        """
        return np.asarray(self.decoded(histories).cpu().numpy(), np.float32)

    def logits(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return shifted logits of shape (rows, len(offered)); dense, so pass few at a time."""
        with torch.inference_mode():
            logits = self.network.logits(self.decoded(histories))
        return np.asarray(logits.cpu().numpy() + self.articles.log_shift, np.float32)

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
        bought = decayed(histories.days_ago, self.shape.input_half_life_days)
        return unit_rows(reindexed(bought, self._position_of_read, len(self.articles.read)))

    def conditions(self, histories: Histories) -> Tensor:
        """Return cluster and age band side by side, one-hot; zeros for what is not known."""
        cluster = one_hot(histories.clusters, self.shape.n_clusters)
        age_band = one_hot(histories.age_bands, self.shape.n_bands)
        return torch.tensor(np.hstack([cluster, age_band]), device=self.device)

    @property
    def bias(self) -> npt.NDArray[np.float32]:
        """Bias of each offered article with its shift; -inf for one that is not on sale."""
        return np.asarray(self.network.bias_out.detach().cpu().numpy() + self.articles.log_shift)

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.network.bias_out.device

    def on(self, device: torch.device) -> Self:
        """Return the model computing on the device; itself where it does already."""
        if device == self.device:
            return self
        return type(self)(self.shape, self.articles, deepcopy(self.network).to(device))

    def _best(self, histories: Histories, k: int) -> Lists:
        """Return positions in `offered` and scores: exact to the bit on a CPU (dense_topk)."""
        if self.device.type == "cpu":
            return self._score_table.best(self.hidden(histories), k)
        scores, position = (part.cpu().numpy() for part in self.best_on_device(histories, k))
        positions, listed = empty_lists(histories.n_customers, k)
        length = scores.shape[1]
        positions[:, :length] = np.where(np.isneginf(scores), NO_ARTICLE, position)
        listed[:, :length] = scores
        return positions, listed

    def best_on_device(self, histories: Histories, k: int) -> tuple[Tensor, Tensor]:
        """Return scores and positions in `offered`, best first, without leaving the device."""
        with torch.inference_mode():
            shift = torch.tensor(self.articles.log_shift, device=self.device)
            shifted = self.network.logits(self.decoded(histories)) + shift
            scores, position = shifted.topk(min(k, len(shift)), dim=1)
        return scores, position

    @cached_property
    def _score_table(self) -> ScoreTable:
        return ScoreTable(self.network.articles_out.numpy(), self.bias)

    @cached_property
    def _position_of_read(self) -> npt.NDArray[np.int32]:
        """Column of the input by article; -1 for one not read, at the end for all unknown ones."""
        positions = np.full(int(self.articles.read.max(initial=-1)) + 2, -1, np.int32)
        positions[self.articles.read] = np.arange(len(self.articles.read))
        return positions

    def save(self, folder: Path) -> None:
        """Write the shape, the articles and the weights, wherever the network computes."""
        content = json.dumps(asdict(self.shape), indent=1)
        (folder / "shape.json").write_text(content + "\n", encoding="utf-8")
        for name, values in vars(self.articles).items():
            np.save(folder / f"{name}.npy", values)
        weights = self.network.state_dict().items()
        save_arrays(folder / "weights.npz", {name: part.cpu().numpy() for name, part in weights})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder, on the CPU; see `on`."""
        shape = Shape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        stored = {
            name: np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in OfferedArticles.__dataclass_fields__
        }
        articles = OfferedArticles(**stored)
        network = build_network(shape, articles)
        with np.load(folder / "weights.npz", allow_pickle=False) as weights:
            network.load_state_dict({name: torch.tensor(weights[name]) for name in weights})
        return cls(shape, articles, network)


def chosen_device(name: DeviceName) -> torch.device:
    """Return the device of that name; for auto the GPU where there is one.

    `CUDA_VISIBLE_DEVICES=` in the environment keeps auto on the CPU.

    Raises:
        BadInput: a GPU is requested and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise BadInput(
            "cvae.device is cuda where torch sees a GPU",
            found=f"none (torch {torch.__version__})",
            fix="set cvae.device to auto, or install a driver and a torch built for it",
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def build_network(shape: Shape, articles: OfferedArticles) -> Network:
    """Return an untrained network of the given shape for the given articles."""
    return Network(
        len(articles.read),
        len(articles.offered),
        shape.n_clusters + shape.n_bands,
        hidden=shape.hidden,
        latent=shape.latent,
    )
