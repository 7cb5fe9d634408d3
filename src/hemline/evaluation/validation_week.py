"""The validation week as one number, for early stopping and for choosing parameters."""

import numpy as np

from hemline.data.histories import Histories
from hemline.evaluation.protocol import AP, recommend_in_batches, score_customers
from hemline.models.recommender import Recommender

_LIST_LENGTH = 12


class ValidationWeek:
    """MAP@12 on the buyers of a week, or on some of them."""

    def __init__(
        self, known: Histories, bought: Histories, *, max_buyers: int | None = None
    ) -> None:
        """Take the histories before the week and the purchases in it, row by row.

        Of more than `max_buyers` buyers, an evenly spaced sample is used.
        """
        buyers = np.flatnonzero(~bought.is_cold())
        if max_buyers is not None and len(buyers) > max_buyers:
            buyers = buyers[np.linspace(0, len(buyers) - 1, max_buyers).astype(np.int64)]
        self.known = known.rows(buyers)
        self.bought = bought.units[buyers]

    def __call__(self, model: Recommender) -> float:
        """Return the mean AP@12 of the model's lists."""
        lists = recommend_in_batches(model, self.known, _LIST_LENGTH).articles
        return float(score_customers(lists, self.bought)[AP].mean())
