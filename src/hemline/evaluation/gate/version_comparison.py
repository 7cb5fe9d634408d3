"""Two versions compared on the same customers: the mean difference of AP@12 and its interval.

An interval alone does not say whether anything was learnt: on 65 buyers of whom two have a hit, no
loss can be ruled out. So a comparison also says whether it can tell anything: it has enough
customers, and its interval leaves out either zero or the loss of everything.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.evaluation.significance import bootstrap_means, interval

Values = npt.NDArray[np.float64]

BETTER: Final = "significantly better than"
WORSE: Final = "significantly worse than"
ALIKE: Final = "not significantly different from"


@dataclass(frozen=True)
class Comparison:
    """MAP@12 of two versions for the same customers.

    Attributes:
        champion: mean AP@12 over customers, of the champion or a baseline.
        challenger: the same of the other version.
        low: lower end of the paired 95 % interval of challenger - champion.
        high: its upper end.
        n_customers: how many customers were compared.
        min_customers: with fewer, the comparison is inconclusive.
    """

    champion: float
    challenger: float
    low: float
    high: float
    n_customers: int
    min_customers: int

    @property
    def difference(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion

    @property
    def relative_loss(self) -> float:
        """The share of the champion's mean that would be lost; 0 where nothing is."""
        return max(0.0, -self.difference / self.champion) if self.champion else 0.0

    @property
    def is_conclusive(self) -> bool:
        """Whether it shows who is better, or at least that not everything would be lost."""
        is_significant = self.low > 0 or self.high < 0
        is_bounded = self.low > -self.champion
        return self.n_customers >= self.min_customers and (is_significant or is_bounded)

    @property
    def is_better(self) -> bool:
        """Whether the challenger is shown to be better."""
        return self.is_conclusive and self.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether the challenger is shown to be worse."""
        return self.is_conclusive and self.high < 0

    def rules_out_loss(self, share: float) -> bool:
        """Return whether a loss of more than this share of the champion's mean is ruled out.

        The whole interval lies above that loss (a test of non-inferiority), over enough customers.
        """
        return self.n_customers >= self.min_customers and self.low >= -share * self.champion

    @property
    def outcome(self) -> str:
        """How the challenger did, to be followed by what it was compared with."""
        if not self.is_conclusive:
            return f"inconclusive ({self.lacks}) against"
        return BETTER if self.is_better else WORSE if self.is_worse else ALIKE

    @property
    def numbers(self) -> str:
        """Both means, and the difference with its interval, as text."""
        return (
            f"MAP@12 {self.challenger:.4f} against {self.champion:.4f}, difference "
            f"{self.difference:+.4f} [{self.low:+.4f}, {self.high:+.4f}] over "
            f"{self.n_customers:,} customers"
        )

    @property
    def lacks(self) -> str:
        """Why the comparison is inconclusive; an empty text where it is not."""
        if self.is_conclusive:
            return ""
        if self.n_customers < self.min_customers:
            return f"fewer than {self.min_customers} customers"
        return "too few of the customers have a hit"


def compare(
    champion_ap: Values,
    challenger_ap: Values,
    *,
    min_customers: int = 50,
    n_samples: int,
    rng: np.random.Generator,
) -> Comparison:
    """Return the paired comparison.

    Args:
        champion_ap: AP@12 of the champion's list (or a baseline's), one value per customer.
        challenger_ap: the same for the challenger, for the same customers in the same order.
        min_customers: with fewer, the comparison is inconclusive.
        n_samples: random weightings of the customers.
        rng: draws them.
    """
    if champion_ap.shape != challenger_ap.shape:
        raise ValueError(f"{champion_ap.shape} customers against {challenger_ap.shape}")
    draws = bootstrap_means((challenger_ap - champion_ap)[:, None], n_samples=n_samples, rng=rng)
    low, high = (float(end[0]) for end in interval(draws, least=-1, most=1))
    means = float(champion_ap.mean()), float(challenger_ap.mean())
    return Comparison(*means, low, high, len(champion_ap), min_customers)
