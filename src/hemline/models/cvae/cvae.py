"""The fitted CVAE as a Recommender: everybody by the mean of their posterior.

A cold customer is one whose row is empty. Input dropout and short histories have shown the encoder
many empty rows, so for one it returns its prior under the condition: what somebody of that cluster
and age band is like. Decoding draws from N(0, I) instead gave cold customers worse lists
(docs/decisions.md).

A walk beside the network raises what buyers of the same articles bought (walk.py).

On a CPU the model recommends from its arrays, for one customer as for everybody, and without torch
(kernels/encoder_rows.py): a loaded one never imports it. Torch trains, and computes on a GPU.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_array, load_arrays, save_arrays
from hemline.data.histories import Histories
from hemline.kernels.dense_topk import ScoreTable
from hemline.kernels.dense_topk_loops import Factors
from hemline.kernels.encoder_rows import Layers, last_hidden
from hemline.kernels.linear_rows import Inputs
from hemline.kernels.lists import NO_ARTICLE, Lists, WeightRows, empty_lists
from hemline.kernels.raised_lists import best_of_raised
from hemline.models.cvae.network_shape import OfferedArticles, Shape
from hemline.models.cvae.walk import Walk, raised_by
from hemline.models.label_shift import decay_weights
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    columns_of,
    keys_at,
    recommendations_from,
    require_articles,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from hemline.models.cvae.network import Network

Floats = npt.NDArray[np.float32]

_BLOCK: Final = 4096
_WALK: Final = "walk.npz"


class Cvae(OneSource):
    """A trained network with the articles it was trained on; neither changes any more."""

    name = "cvae"

    def __init__(
        self,
        shape: Shape,
        articles: OfferedArticles,
        network: "Network | Mapping[str, npt.NDArray[np.float32]]",
        walk: WeightRows | None = None,
    ) -> None:
        """Take a network, or its arrays by name as it saves them, and the walk beside it."""
        self.shape = shape
        self.articles = articles
        self._given = network
        self._walked = walk

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the offered articles with the highest scores, bought ones included.

        A score is a shifted logit, raised where the walk reaches the article.
        """
        if histories.n_customers <= _BLOCK:
            return self.open(histories).recommend(k)
        articles, scores = empty_lists(histories.n_customers, k)
        for start in range(0, histories.n_customers, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, histories.n_customers))
            lists = self.open(histories.rows(rows)).recommend(k)
            articles[rows], scores[rows] = lists.articles, lists.scores
        return recommendations_from(self.name, articles, scores)

    def hidden(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return what the decoder makes of each customer, shape (customers, shape.hidden).

        Its products with the rows of `network.articles_out`, plus `bias`, are the shifted logits
        of the articles in `articles.offered`.
        """
        if self._is_elsewhere:
            from hemline.models.cvae.torch_inference import decoded  # noqa: PLC0415  (torch)

            return np.asarray(decoded(self, histories).cpu().numpy(), np.float32)
        counted = decay_weights(histories.days, self.shape.input_half_life_days)
        inputs = Inputs(histories.indptr, histories.indices, counted, self.articles.read)
        cluster, band = (
            part.astype(np.int64) for part in (histories.clusters, histories.age_bands)
        )
        cluster[cluster >= self.shape.n_clusters] = -1
        band[band >= self.shape.n_bands] = -1
        band[band >= 0] += self.shape.n_clusters
        return last_hidden(inputs, np.stack([cluster, band], axis=1), self._layers)

    def logits(self, histories: Histories) -> npt.NDArray[np.float32]:
        """Return shifted logits of shape (rows, len(offered)); dense, so pass few at a time."""
        return np.asarray(self.hidden(histories) @ self.weights["articles_out"].T + self.bias)

    @property
    def bias(self) -> npt.NDArray[np.float32]:
        """Bias of each offered article with its shift; -inf for one that is not on sale."""
        return np.asarray(self.weights["bias_out"] + self.articles.log_shift)

    @cached_property
    def network(self) -> "Network":
        """The network as torch computes with it."""
        from hemline.models.cvae.torch_inference import network_of  # noqa: PLC0415  (torch)

        return network_of(self) if isinstance(self._given, Mapping) else self._given

    @cached_property
    def weights(self) -> Mapping[str, npt.NDArray[np.float32]]:
        """The network's arrays by name, as they are when they are first read."""
        if isinstance(self._given, Mapping):
            return self._given
        return {name: part.cpu().numpy() for name, part in self._given.state_dict().items()}

    @property
    def device(self) -> "torch.device":
        """Where the network computes."""
        return self.network.bias_out.device

    def on(self, device: "torch.device") -> Self:
        """Return the model computing on the device; itself where it does already."""
        if device == self.device:
            return self
        network = deepcopy(self.network).to(device)
        return type(self)(self.shape, self.articles, network, self._walked)

    @property
    def network_only(self) -> Self:
        """The model without its walk."""
        return type(self)(replace(self.shape, walk_weight=0.0), self.articles, self._given)

    @property
    def walk(self) -> Walk | None:
        """The walk beside the network, where there is one."""
        if self._walked is None or self.shape.walk_weight == 0:
            return None
        return Walk(self._walked, self.shape.walk_weight, self.shape.walk_half_life_days)

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the network computes on another device than the CPU."""
        return not isinstance(self._given, Mapping) and self.device.type != "cpu"

    @cached_property
    def _layers(self) -> Layers:
        weights, latent = self.weights, self.shape.latent
        return Layers(
            weights["articles_in"],
            weights["condition_in"],
            weights["bias_in"],
            np.ascontiguousarray(weights["to_posterior.weight"][:latent].T),
            weights["to_posterior.bias"][:latent],
            np.ascontiguousarray(weights["from_latent.weight"].T),
            weights["from_latent.bias"],
        )

    def open(self, histories: Histories) -> "_OpenedCvae":
        """Return the model with what encoder and walk make of the histories."""
        require_articles(histories, self.shape.n_articles, self.name)
        hidden, raised = self.hidden(histories), empty_lists(0, 1)
        if self.walk is not None:
            articles = self.articles
            raised = raised_by(self.walk, histories, articles.read, len(articles.offered))
        return _OpenedCvae(self, histories, hidden, raised)

    def best_of_network(self, histories: Histories, hidden: Floats, k: int) -> Lists:
        """Return positions in `offered` and scores: exact to the bit on a CPU (dense_topk).

        Args:
            histories: of the customers.
            hidden: as `hidden` returns it.
            k: length of the lists.
        """
        if not self._is_elsewhere:
            return self._score_table.best(hidden, k)
        scores, position = (part.cpu().numpy() for part in self.best_on_device(histories, k))
        positions, listed = empty_lists(histories.n_customers, k)
        length = scores.shape[1]
        positions[:, :length] = np.where(np.isneginf(scores), NO_ARTICLE, position)
        listed[:, :length] = scores
        return positions, listed

    def best_on_device(self, histories: Histories, k: int) -> "tuple[Tensor, Tensor]":
        """Return the network's scores and positions, best first, without leaving the device."""
        from hemline.models.cvae.torch_inference import best_on_device  # noqa: PLC0415  (torch)

        return best_on_device(self, histories, k)

    @cached_property
    def table(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Vectors and biases of the offered articles."""
        return self.weights["articles_out"], self.bias

    @cached_property
    def _score_table(self) -> ScoreTable:
        return ScoreTable(*self.table)

    def save(self, folder: Path) -> None:
        """Write the shape, the articles and the weights, wherever the network computes.

        The walk is written where there is one.
        """
        content = json.dumps(asdict(self.shape), indent=1)
        (folder / "shape.json").write_text(content + "\n", encoding="utf-8")
        for name, values in vars(self.articles).items():
            np.save(folder / f"{name}.npy", values)
        save_arrays(folder / "weights.npz", self.weights)
        if self.walk is not None:
            save_arrays(folder / _WALK, self.walk.rows._asdict())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder, on the CPU; see `on`."""
        shape = Shape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        stored = {
            name: load_array(folder / f"{name}.npy")
            for name in OfferedArticles.__dataclass_fields__
        }
        walk = WeightRows(**load_arrays(folder / _WALK)) if shape.walk_weight else None
        return cls(shape, OfferedArticles(**stored), load_arrays(folder / "weights.npz"), walk)


@dataclass(frozen=True)
class _OpenedCvae:
    model: Cvae
    histories: Histories
    hidden: Floats
    raised: Lists

    def recommend(self, k: int) -> Recommendations:
        best = self.model.best_of_network(self.histories, self.hidden, k)
        if len(self.raised[0]):
            best = best_of_raised(Factors(self.hidden, *self.model.table), best, self.raised)
        keys = keys_at(best[0], self.model.articles.offered)
        return recommendations_from(self.model.name, keys, best[1])

    def scores(self, rows: npt.NDArray[np.int64], articles: npt.NDArray[np.int32]) -> Floats:
        from hemline.kernels.pair_products import score_products  # noqa: PLC0415  (numba)

        scores = np.full(len(rows), np.nan, np.float32)
        columns = columns_of(articles, self.model.articles.offered)
        factors = Factors(self.hidden, *self.model.table)
        score_products(factors, self.raised, rows, columns, scores)
        return scores
