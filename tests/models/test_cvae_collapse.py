"""Rows that are 0.3 % full: losses that score each article by itself say "nothing" to everybody.

The same network, data and steps three times; only the loss differs.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor

from hemline.models.cvae.losses import multinomial
from hemline.models.cvae.network import Network, SparseRows, unit_rows, weighted_sums

N_CUSTOMERS, N_ARTICLES, N_TASTES, N_BOUGHT = 200, 1000, 10, 3
TASTES = np.arange(N_CUSTOMERS) % N_TASTES
SIZE = N_ARTICLES // N_TASTES
CPU = torch.device("cpu")

Loss = Callable[[Tensor, Tensor], Tensor]


def purchases() -> sparse.csr_matrix:
    """Customer i buys three of the hundred articles of taste i mod 10."""
    rng = np.random.default_rng(0)
    bought = [taste * SIZE + rng.choice(SIZE, N_BOUGHT, replace=False) for taste in TASTES]
    row = np.repeat(np.arange(N_CUSTOMERS), N_BOUGHT)
    ones = np.ones(len(row), np.float32)
    return sparse.csr_matrix((ones, (row, np.concatenate(bought))), (N_CUSTOMERS, N_ARTICLES))


def trained_logits(loss: Loss, n_steps: int = 60) -> Tensor:
    """Return every customer's logits from a network that was trained from a flat start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        bought = purchases()
        rows, dense = SparseRows.of(unit_rows(bought), device=CPU), torch.tensor(bought.toarray())
        network = Network(N_ARTICLES, N_ARTICLES, 0, hidden=32, latent=16)
        nobody = torch.zeros(N_CUSTOMERS, 0)
        tables = [network.articles_in.requires_grad_(), network.articles_out.requires_grad_()]
        optimizer = torch.optim.Adam([*network.parameters(), *tables], 0.02)
        for _ in range(n_steps):
            mean, log_variance = network.encode(weighted_sums(tables[0], rows), nobody)
            code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            optimizer.zero_grad()
            loss(network.logits(network.decode(code, nobody)), dense).mean().backward()
            optimizer.step()
        mean, _ = network.encode(weighted_sums(tables[0], rows), nobody)
        return network.logits(network.decode(mean, nobody)).detach()


def binary_cross_entropy(logits: Tensor, bought: Tensor) -> Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, bought, reduction="none")


def squared_error(logits: Tensor, bought: Tensor) -> Tensor:
    return (torch.sigmoid(logits) - bought).square()


def likelihood(logits: Tensor, bought: Tensor) -> Tensor:
    return multinomial(logits, (bought * logits).sum(dim=1), bought.sum(dim=1))


def lists_of(logits: Tensor) -> np.ndarray:
    return np.sort(logits.topk(10, dim=1).indices.numpy(), axis=1)


@pytest.mark.parametrize("loss", [binary_cross_entropy, squared_error])
def test_scoring_articles_one_by_one_collapses_to_nothing_for_everybody(loss: Loss) -> None:
    logits = trained_logits(loss)
    assert torch.sigmoid(logits).mean() < N_BOUGHT / N_ARTICLES
    assert len(np.unique(lists_of(logits), axis=0)) == 1


def test_the_multinomial_likelihood_does_not_collapse() -> None:
    lists = lists_of(trained_logits(likelihood))
    own = (lists // SIZE == TASTES[:, None]).mean()
    assert len(np.unique(lists, axis=0)) > 0.9 * N_CUSTOMERS
    assert own > 3 / N_TASTES
