"""Which orders of models may serve, and the scores that past weeks gave them."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

import pyarrow as pa
from pydantic import Field, PositiveInt

from hemline import columns
from hemline.evaluation.protocol import AP
from hemline.models.served_orders import Order
from hemline.params import Section

SIMPLEST: Final = ("popularity",)
"""What serves unless past weeks show that another order is better."""

PAST_SCORES: Final = pa.schema(
    [
        ("week", pa.date32()),
        (columns.CUSTOMER, pa.int32()),
        ("is_cold", pa.bool_()),
        ("order", pa.string()),
        (AP, pa.float64()),
    ]
)
"""One row per past week, buyer and order of models that was scored for them: AP@12 of its list."""


class ChooseParams(Section):
    """Which orders of models are compared with popularity alone, and on what evidence."""

    section: ClassVar[str] = "choose"
    warm: tuple[Order, ...]
    cold: tuple[Order, ...]
    weeks: PositiveInt
    warm_weeks: PositiveInt
    enough_warm: PositiveInt
    cold_weeks: PositiveInt
    enough_cold: PositiveInt
    min_customers: PositiveInt
    level: Annotated[float, Field(gt=0, lt=1)]
    bootstrap_samples: PositiveInt
    sign_flips: PositiveInt
    seed: int

    @property
    def models(self) -> set[str]:
        """Names of all models that may serve."""
        return {*SIMPLEST, *(name for order in (*self.warm, *self.cold) for name in order)}

    @property
    def most_weeks(self) -> int:
        """How many weeks are scored at most."""
        return max(self.weeks, self.warm_weeks, self.cold_weeks)

    def n_warm_weeks(self, n_warm: Sequence[int]) -> int:
        """Return how many of the latest weeks are scored for customers with a history.

        There are `weeks`, and up to `warm_weeks` until they have `enough_warm` buyers.

        Args:
            n_warm: buyers with a history in each week there is, latest first.
        """
        n_scored, n_buyers = 0, 0
        for n_of_week in n_warm[: max(self.weeks, self.warm_weeks)]:
            if n_scored >= self.weeks and n_buyers >= self.enough_warm:
                break
            n_scored, n_buyers = n_scored + 1, n_buyers + n_of_week
        return n_scored

    def orders(self, *, is_cold: bool) -> list[tuple[str, ...]]:
        """Return the orders for cold or for other customers; the simplest is always one."""
        listed = self.cold if is_cold else self.warm
        return list(dict.fromkeys([*map(tuple, listed), SIMPLEST]))


def order_text(order: Sequence[str]) -> str:
    """Return an order as it stands in tables.

    >>> order_text(("rank", "popularity"))
    'rank, popularity'
    """
    return ", ".join(order)
