"""What an epoch of the CVAE is made of: who is looked at, and what they give the network to learn.

Nothing of the histories is kept a second time. Faded inputs and targets are made batch by batch,
which costs a thousandth of a step and spares three copies of 28 million purchases.

A customer teaches as much as the weight of their targets, and in a large shop most have hardly any:
they bought nothing for months. Where an epoch passes over some only, they are drawn like the
articles of a softmax (candidates): by weight, each weight divided by the probability to be drawn.
So a short epoch expects the same gradient as a whole one, and hears the latest buyers most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.models.cvae.network import decayed, scaled_rows
from hemline.models.cvae.sampled_softmax import draw, inclusion
from hemline.models.label_shift import masses, shares

_FADED = 1e-3
"""Rows with less total target weight teach nothing and are left out of an epoch."""


class Batch(NamedTuple):
    """Customers of one step.

    Attributes:
        histories: of the customers.
        targets: CSR float32 of shape (rows, offered), the weighted articles to be foretold.
    """

    histories: Histories
    targets: sparse.csr_matrix


@dataclass(frozen=True)
class Lessons:
    """Histories that a network is taught from.

    Attributes:
        histories: of all customers.
        offered: sorted keys of the articles to be foretold.
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
    ) -> "Lessons":
        """Return the lessons in the histories, weighed once for all epochs."""
        by_customer, by_article = masses(histories.days_ago, offered, half_life_days)
        return cls(histories, offered, half_life_days, by_customer, shares(by_article))

    def batches(
        self, n_customers: int, batch_size: int, rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Yield an epoch over all customers with targets, or over n_customers drawn of more."""
        customers, stand_for = self._drawn(n_customers, rng)
        for start in range(0, len(customers), batch_size):
            rows = customers[start : start + batch_size]
            histories = self.histories.rows(rows)
            faded = decayed(histories.days_ago, self.half_life_days)
            targets = sparse.csr_matrix(faded[:, self.offered])
            yield Batch(histories, scaled_rows(targets, stand_for[start : start + batch_size]))

    def _drawn(
        self, n_customers: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return customers in random order, and how many each of them stands for."""
        teaching = np.flatnonzero(self.weights > _FADED)
        if len(teaching) <= n_customers:
            return rng.permutation(teaching), np.ones(len(teaching))
        included = inclusion(self.weights[teaching].astype(np.float64), n_customers)
        chosen = rng.permutation(draw(included, rng))
        return teaching[chosen], 1 / included[chosen]
