"""What the CVAE minimises, per customer.

The default is the multinomial likelihood: its softmax has one unit of mass to give away, so "buy
nothing" is no way out. The poster's cosine and recall losses score each article by itself; on rows
that are 0.02 % full they have the all-zeros minimum nearby, and are here to be compared.
"""

from typing import Literal

import torch
from torch import Tensor

from hemline.models.cvae.network import SparseRows

LossName = Literal["multinomial", "cosine_recall"]


def reconstruction(name: LossName, logits: Tensor, targets: SparseRows) -> Tensor:
    """Return the loss of each row, shape (rows,), times the row's total target weight."""
    lengths = torch.diff(targets.offsets, append=torch.tensor([len(targets.articles)]))
    row = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    if name == "multinomial":
        return _multinomial(logits, targets, row)
    return _cosine_recall(logits, targets, row)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the KL divergence of each row's posterior from N(0, I), shape (rows,)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def row_totals(values: Tensor, row: Tensor, n_rows: int) -> Tensor:
    """Return the sum of the values of each row, shape (n_rows,)."""
    return torch.zeros(n_rows).index_add(0, row, values)


def _multinomial(logits: Tensor, targets: SparseRows, row: Tensor) -> Tensor:
    log_likelihood = logits[row, targets.articles] - logits.logsumexp(dim=1)[row]
    return -row_totals(targets.weights * log_likelihood, row, len(logits))


def _cosine_recall(logits: Tensor, targets: SparseRows, row: Tensor) -> Tensor:
    predicted = torch.sigmoid(logits)
    hits = row_totals(targets.weights * predicted[row, targets.articles], row, len(logits))
    length = row_totals(targets.weights.square(), row, len(logits)).sqrt()
    total = row_totals(targets.weights, row, len(logits))
    cosine: Tensor = hits / (torch.linalg.vector_norm(predicted, dim=1) * length).clamp_min(1e-12)
    recall: Tensor = hits / total.clamp_min(1e-12)
    return total * (cosine + recall - 2).neg()
