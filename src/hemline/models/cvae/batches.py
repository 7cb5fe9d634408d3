"""What an epoch of the CVAE is made of: which customers, and the targets the network learns from.

Nothing of the histories is copied as a whole. Decayed inputs and targets are made batch by batch,
which costs a thousandth of a step and spares three copies of 28 million purchases.

A customer counts as much as the weight of their targets, and in a large shop most have hardly any:
they bought nothing for months. Where an epoch covers only some customers, they are drawn like the
articles of a softmax (sampled_softmax): by weight, each weight divided by the probability to be
drawn. So a short epoch has the same expected gradient as a whole one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.cvae.network import scaled_rows
from hemline.models.cvae.sampled_softmax import draw, inclusion
from hemline.models.label_shift import decayed, masses, shares

_LEAST_WEIGHT = 1e-3
"""Customers with less total target weight are left out of an epoch."""


class Batch(NamedTuple):
    """Customers of one step.

    Attributes:
        histories: of the customers.
        targets: CSR float32 of shape (rows, offered), the weighted articles to predict.
    """

    histories: Histories
    targets: sparse.csr_matrix


@dataclass(frozen=True)
class TrainingBatches:
    """Histories that a network is trained on.

    Attributes:
        histories: of all customers.
        offered: sorted keys of the articles to predict.
        half_life_days: of the targets.
        weights: float32 of shape (customers,), the total weight of each customer's targets.
        shares: float64 beside `offered`, each article's share of the targets.
    """

    histories: Histories
    offered: npt.NDArray[np.int32]
    half_life_days: float
    weights: npt.NDArray[np.float32]
    shares: npt.NDArray[np.float64]

    @classmethod
    def of(
        cls, histories: Histories, offered: npt.NDArray[np.int32], half_life_days: float
    ) -> Self:
        """Return the training batches of the histories, weighted once for all epochs."""
        by_customer, by_article = masses(histories.days_ago, offered, half_life_days)
        return cls(histories, offered, half_life_days, by_customer, shares(by_article))

    @property
    def has_targets(self) -> bool:
        """Whether an epoch has any customer."""
        return bool((self.weights > _LEAST_WEIGHT).any())

    def epoch(self, n_customers: int, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of all customers with targets, or of n_customers drawn of more."""
        customers, stand_for = self._draw(n_customers, rng)
        for start in range(0, len(customers), batch_size):
            rows = customers[start : start + batch_size]
            histories = self.histories.rows(rows)
            bought = decayed(histories.days_ago, self.half_life_days)
            targets = sparse.csr_matrix(bought[:, self.offered])
            yield Batch(histories, scaled_rows(targets, stand_for[start : start + batch_size]))

    def _draw(
        self, n_customers: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return customers in random order, and how many each of them stands for."""
        with_targets = np.flatnonzero(self.weights > _LEAST_WEIGHT)
        if len(with_targets) <= n_customers:
            return rng.permutation(with_targets), np.ones(len(with_targets))
        included = inclusion(self.weights[with_targets].astype(np.float64), n_customers)
        chosen = rng.permutation(draw(included, rng))
        return with_targets[chosen], 1 / included[chosen]
