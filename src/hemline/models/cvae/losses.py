"""What the CVAE minimises, per customer.

The default is the multinomial likelihood: its softmax has one unit of mass to give away, so "buy
nothing" is no way out. The poster's cosine and recall losses score each article by itself; on rows
that are 0.02 % full they have the all-zeros minimum nearby, and are here to be compared.
"""

from typing import Literal

import torch
from torch import Tensor

from hemline.models.cvae.blas_products import linear
from hemline.models.cvae.network import SparseRows, weighted_sums

LossName = Literal["multinomial", "cosine_recall"]
Precision = Literal["float32", "bfloat16"]


def multinomial(logits: Tensor, target_logits: Tensor, total: Tensor) -> Tensor:
    """Return minus the log-likelihood of each row's targets, shape (rows,).

    Args:
        logits: of the articles the softmax runs over, each less the logarithm of its probability
            to be among them; shape (rows, candidates).
        target_logits: weighted sum of the logits of each row's targets, shape (rows,).
        total: total target weight of each row, shape (rows,).
    """
    return total * logits.logsumexp(dim=1) - target_logits


def cosine_recall(logits: Tensor, targets: SparseRows) -> Tensor:
    """Return 2 - cosine - soft recall of each row, times its total target weight; shape (rows,).

    Args:
        logits: of every offered article, shape (rows, n_offered).
        targets: weighted articles as positions in the columns of `logits`.
    """
    predicted = torch.sigmoid(logits)
    row = targets.row_of_each()
    hits = row_totals(targets.weights * predicted[row, targets.articles], row, len(logits))
    length = row_totals(targets.weights.square(), row, len(logits)).sqrt()
    total = row_totals(targets.weights, row, len(logits))
    cosine: Tensor = hits / (torch.linalg.vector_norm(predicted, dim=1) * length).clamp_min(1e-12)
    recall: Tensor = hits / total.clamp_min(1e-12)
    return total * (cosine + recall - 2).neg()


def products(rows: Tensor, table: Tensor, bias: Tensor, precision: Precision) -> Tensor:
    """Return the dot product of each row with each row of the table plus its bias, as float32.

    bfloat16 keeps 8 of 24 bits of what is multiplied; sums are float32. It is four times
    as fast where the processor has instructions for it, and slower where it has none.
    """
    if precision == "bfloat16":
        return (rows.bfloat16() @ table.bfloat16().T).float() + bias
    return linear(rows, table, bias)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the KL divergence of each row's posterior from N(0, I), shape (rows,)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def logits_of_targets(hidden: Tensor, table: Tensor, bias: Tensor, targets: SparseRows) -> Tensor:
    """Return the weighted sum of each row's target logits, shape (rows,).

    Logits are linear in the table, so the sum is taken over table rows first: no matrix of
    customers x articles, and none of purchases x width.
    """
    weighted_bias = weighted_sums(bias.unsqueeze(1), targets).squeeze(1)
    return (hidden * weighted_sums(table, targets)).sum(dim=1) + weighted_bias


def row_totals(values: Tensor, row: Tensor, n_rows: int) -> Tensor:
    """Return the sum of the values of each row, shape (n_rows,)."""
    return values.new_zeros(n_rows).index_add(0, row, values)
