"""The conditional VAE as a torch module, and sparse rows as it eats them.

The condition (a customer cluster) enters the encoder and the decoder: given to the encoder alone it
is ignored, because the latent code already holds what the decoder needs (Sohn et al. 2015).
Purchase rows stay sparse on their way in, so a step costs what customers bought and not the
catalogue; the softmax over the catalogue on the way out is dense.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor, nn


class SparseRows(NamedTuple):
    """A batch of weighted article sets in the layout of torch's embedding_bag.

    Attributes:
        articles: int64 of shape (nonzeros,).
        offsets: int64 of shape (rows,); where each row starts in `articles`.
        weights: float32 of shape (nonzeros,).
    """

    articles: Tensor
    offsets: Tensor
    weights: Tensor

    @classmethod
    def of(cls, rows: sparse.csr_matrix) -> "SparseRows":
        """Return a CSR matrix as tensors that share nothing with it."""
        return cls(
            torch.tensor(rows.indices, dtype=torch.int64),
            torch.tensor(rows.indptr[:-1], dtype=torch.int64),
            torch.tensor(rows.data, dtype=torch.float32),
        )


class Network(nn.Module):
    """Mult-VAE (Liang et al. 2018) with one hidden layer a side and a condition on both sides."""

    def __init__(
        self,
        n_read: int,
        n_offered: int,
        n_conditions: int,
        *,
        hidden: int,
        latent: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_conditions = n_conditions
        self.latent = latent
        self.dropout = dropout
        self.articles_in = nn.EmbeddingBag(n_read, hidden, mode="sum")
        self.condition_in = nn.Linear(n_conditions, hidden)
        self.to_posterior = nn.Linear(hidden, 2 * latent)
        self.from_latent = nn.Linear(latent + n_conditions, hidden)
        self.articles_out = nn.Linear(hidden, n_offered)
        nn.init.normal_(self.articles_in.weight, std=(2.0 / (n_read + hidden)) ** 0.5)

    def encode(self, rows: SparseRows, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the posterior, each of shape (rows, latent).

        While training, each purchase is dropped with probability `dropout`.
        """
        weights = nn.functional.dropout(rows.weights, self.dropout, self.training)
        hidden = self.articles_in(rows.articles, rows.offsets, per_sample_weights=weights)
        mean, log_variance = self.to_posterior(
            torch.tanh(hidden + self.condition_in(condition))
        ).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, code: Tensor, condition: Tensor) -> Tensor:
        """Return logits of shape (rows, n_offered)."""
        hidden = torch.tanh(self.from_latent(torch.cat([code, condition], dim=1)))
        logits: Tensor = self.articles_out(hidden)
        return logits

    def one_hot(self, clusters: npt.NDArray[np.int8]) -> Tensor:
        """Return the condition of shape (rows, n_conditions); zeros for an unknown cluster."""
        known = torch.tensor(clusters, dtype=torch.int64)
        condition = torch.zeros(len(known), self.n_conditions)
        rows = torch.nonzero((known >= 0) & (known < self.n_conditions)).squeeze(1)
        condition[rows, known[rows]] = 1.0
        return condition


def decayed(days_ago: sparse.csr_matrix, half_life_days: float) -> sparse.csr_matrix:
    """Return the purchases weighted by 0.5 ** (days_ago / half_life_days), same structure."""
    weights = (0.5 ** (days_ago.data / half_life_days)).astype(np.float32)
    return sparse.csr_matrix((weights, days_ago.indices, days_ago.indptr), shape=days_ago.shape)


def unit_rows(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the rows scaled to Euclidean length 1; empty rows stay empty."""
    squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
    scale = 1.0 / np.sqrt(np.maximum(squares, 1e-24))
    data = rows.data * np.repeat(scale, np.diff(rows.indptr))
    return sparse.csr_matrix((data.astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)
