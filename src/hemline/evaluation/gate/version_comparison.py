"""Two versions compared on the same customers: the mean difference of AP@12 and its interval."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hemline.evaluation.significance import bootstrap_means, interval

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """MAP@12 of two versions for the same customers.

    Attributes:
        champion: mean AP@12 over customers.
        challenger: the same of the other version.
        low: lower end of the paired 95 % bootstrap interval of challenger - champion.
        high: its upper end.
        n_customers: how many customers were compared.
    """

    champion: float
    challenger: float
    low: float
    high: float
    n_customers: int

    @property
    def difference(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion

    @property
    def relative_loss(self) -> float:
        """The share of the champion's mean that would be lost; 0 where nothing is."""
        return max(0.0, -self.difference / self.champion) if self.champion else 0.0

    @property
    def outcome(self) -> str:
        """How the challenger did: significantly better, significantly worse, or neither."""
        if self.low > 0:
            return "significantly better than"
        return "significantly worse than" if self.high < 0 else "not significantly different from"

    @property
    def numbers(self) -> str:
        """Both means, and the difference with its interval, as text."""
        return (
            f"MAP@12 {self.challenger:.4f} against {self.champion:.4f}, difference "
            f"{self.difference:+.4f} [{self.low:+.4f}, {self.high:+.4f}] over "
            f"{self.n_customers:,} customers"
        )


def compare(
    champion_ap: Values, challenger_ap: Values, *, n_samples: int, rng: np.random.Generator
) -> Comparison:
    """Return the paired comparison.

    Args:
        champion_ap: AP@12 of the champion's list (or a baseline's), one value per customer.
        challenger_ap: the same for the challenger, for the same customers in the same order.
        n_samples: bootstrap resamples of the customers.
        rng: draws them.
    """
    if champion_ap.shape != challenger_ap.shape:
        raise ValueError(f"{champion_ap.shape} customers against {challenger_ap.shape}")
    draws = bootstrap_means((challenger_ap - champion_ap)[:, None], n_samples=n_samples, rng=rng)
    low, high = (float(end[0]) for end in interval(draws))
    return Comparison(
        float(champion_ap.mean()), float(challenger_ap.mean()), low, high, len(champion_ap)
    )
