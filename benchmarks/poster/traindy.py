"""The CVAE as described on the TrainDy poster: dense rows, two linear layers, cosine and recall.

The input is a customer's dense row of the purchase history, one number per article, and the one-hot
k-modes cluster. One linear layer gives the posterior; one linear layer and a sigmoid reconstruct
the row; the loss is its distance from the true row in cosine and in (soft) recall. It shares no
code with Hemline's CVAE. As the baseline, it gets the same data, early stopping on the same metric,
and several settings to choose from.

Dense means customers x articles floats: 0.4 GB for 20,000 x 5,000, 580 GB for Kaggle's whole table.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from scipy import sparse
from torch import Tensor, nn

from hemline.data.histories import Histories
from hemline.kernels.lists import empty_lists, top_k
from hemline.models.recommender import OneSource, Recommendations, Recommender, recommendations_from

_BATCH = 512


class TrainDyParams(BaseModel):
    """Numbers that the poster does not give, chosen on validation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latent: int
    kl_weight: float
    learning_rate: float
    batch_size: int
    max_epochs: int
    patience: int
    cold_samples: int
    seed: int


class _Network(nn.Module):
    def __init__(self, n_articles: int, n_conditions: int, latent: int) -> None:
        super().__init__()
        self.to_posterior = nn.Linear(n_articles + n_conditions, 2 * latent)
        self.to_articles = nn.Linear(latent + n_conditions, n_articles)

    def encode(self, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.to_posterior(torch.cat([rows, condition], 1)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, code: Tensor, condition: Tensor) -> Tensor:
        return torch.sigmoid(self.to_articles(torch.cat([code, condition], 1)))


@dataclass(frozen=True)
class TrainDy(OneSource):
    """A trained network; cold customers get the mean of decoded prior samples."""

    network: _Network
    n_conditions: int
    params: TrainDyParams
    n_epochs: int
    name: str = "TrainDy CVAE"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the k articles with the highest reconstructed purchase, bought ones included."""
        articles, listed = empty_lists(histories.n_customers, k)
        for start in range(0, histories.n_customers, _BATCH):
            rows = np.arange(start, min(start + _BATCH, histories.n_customers))
            articles[rows], listed[rows] = top_k(self._scores(histories.rows(rows)), k)
        return recommendations_from(self.name, articles, listed)

    def _scores(self, histories: Histories) -> npt.NDArray[np.float32]:
        is_cold = histories.is_cold()
        with torch.inference_mode():
            condition = _one_hot(histories.clusters, self.n_conditions)
            mean, _ = self.network.encode(_dense(histories.units), condition)
            scores = self.network.decode(mean, condition).numpy()
            if is_cold.any():
                scores[is_cold] = self._cold_scores(histories.clusters[is_cold])
        return np.asarray(scores, np.float32)

    def _cold_scores(self, clusters: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Return the mean of decoded prior samples under each cluster."""
        draws = torch.Generator().manual_seed(self.params.seed)
        code = torch.randn(self.params.cold_samples, self.params.latent, generator=draws)
        kinds, kind_of = np.unique(clusters, return_inverse=True)
        means = [
            self.network.decode(code, condition.expand(len(code), -1)).mean(dim=0).numpy()
            for condition in _one_hot(kinds, self.n_conditions)
        ]
        return np.stack(means)[kind_of]


def fit_traindy(
    histories: Histories,
    params: TrainDyParams,
    *,
    n_conditions: int,
    validate: Callable[[Recommender], float] | None,
    n_epochs: int | None = None,
) -> TrainDy:
    """Return a trained network: the best epoch by `validate`, or exactly n_epochs without it."""
    torch.manual_seed(params.seed)
    network = _Network(histories.n_articles, n_conditions, params.latent)
    optimizer = torch.optim.Adam(network.parameters(), params.learning_rate)
    best, best_epoch, best_weights = -1.0, 0, copy.deepcopy(network.state_dict())
    warm = histories.rows(np.flatnonzero(~histories.is_cold()))
    rng = np.random.default_rng(params.seed)
    for epoch in range(1, (n_epochs or params.max_epochs) + 1):
        _run_epoch(network, optimizer, warm, params, n_conditions, rng)
        if validate is None:
            best_epoch, best_weights = epoch, network.state_dict()
            continue
        score = validate(TrainDy(network, n_conditions, params, epoch))
        if score > best:
            best, best_epoch, best_weights = score, epoch, copy.deepcopy(network.state_dict())
        elif epoch - best_epoch >= params.patience:
            break
    network.load_state_dict(best_weights)
    return TrainDy(network, n_conditions, params, best_epoch)


def poster_loss(rebuilt: Tensor, bought: Tensor) -> Tensor:
    """Return (1 - cosine) + (1 - soft recall) of each row, shape (rows,).

    >>> bought = torch.tensor([[1.0, 0.0]])
    >>> round(float(poster_loss(torch.tensor([[1.0, 0.0]]), bought)), 4)
    0.0
    >>> round(float(poster_loss(torch.tensor([[0.0, 1.0]]), bought)), 4)
    2.0
    """
    cosine = nn.functional.cosine_similarity(rebuilt, bought, dim=1, eps=1e-12)
    recall = (rebuilt * bought).sum(dim=1) / bought.sum(dim=1).clamp_min(1e-12)
    return 2 - cosine - recall


def _run_epoch(
    network: _Network,
    optimizer: torch.optim.Optimizer,
    histories: Histories,
    params: TrainDyParams,
    n_conditions: int,
    rng: np.random.Generator,
) -> None:
    order = rng.permutation(histories.n_customers)
    for start in range(0, len(order), params.batch_size):
        batch = histories.rows(order[start : start + params.batch_size])
        rows, condition = _dense(batch.units), _one_hot(batch.clusters, n_conditions)
        mean, log_variance = network.encode(rows, condition)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        loss = poster_loss(network.decode(code, condition), rows) + params.kl_weight * kl
        optimizer.zero_grad()
        loss.mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _dense(rows: sparse.csr_matrix) -> Tensor:
    return torch.from_numpy(np.minimum(rows.toarray(), 1.0).astype(np.float32))


def _one_hot(clusters: npt.NDArray[np.int8], n_conditions: int) -> Tensor:
    return torch.eye(n_conditions)[torch.tensor(clusters, dtype=torch.int64)]
