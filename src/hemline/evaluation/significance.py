"""How certain a mean or a difference is: bootstrap intervals, sign flips, Holm's correction.

Customers are the unit: articles in one list are not independent, customers nearly are. Intervals
weight the customers at random (the Bayesian bootstrap, Rubin 1981). All columns are weighted alike,
so a difference of two columns is a paired comparison.

AP is zero for most customers, so a resample of few of them sees hardly any hit, or none: the
percentile interval of 12 customers holds the true mean 77 times of 100, and customers who are all
alike have an interval of no width. So one more customer, whom nobody has seen, joins every draw:
with the worst value there is for the lower end, with the best one for the upper end (Gaffke 2005;
Learned-Miller & Thomas 2019; with hits and misses only it is the interval of Clopper and Pearson
1934). Such an interval holds the mean at least 95 times of 100 however few the customers are. The
price: it is wider by about 1 / n at each end, and needs to know how far a value can go.

The test of a paired difference flips signs at random: if two rows of the score table were equally
good, each customer's difference could as well have had the other sign, and many flips show how
large a mean difference gets by chance (Fisher's randomisation test; for rankings see Smucker, Allan
& Carterette 2007). Nothing is assumed about the distribution of AP, most of whose values are zero.
Customers whose difference is zero are left out: that changes no p-value and makes the test cheap.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_SAMPLES_AT_ONCE: Final = 50
_SIGNS_AT_ONCE: Final = 4_000_000
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Draws:
    """Means of the same customers under many random weightings.

    Attributes:
        means: of shape (samples, ...); the weights of the customers add up to 1.
        unseen: of shape (samples, ...), the first axes of `means`; the weight of the customer whom
            nobody has seen, in 0 to 1.
    """

    means: Values
    unseen: Values


def bootstrap_means(values: Values, *, n_samples: int, rng: np.random.Generator) -> Draws:
    """Return weighted means of the rows, of shape (n_samples, columns).

    Args:
        values: of shape (customers, columns), at least one customer.
        n_samples: how many times all customers are weighted anew.
        rng: draws the weights.
    """
    n_rows = len(values)
    means, unseen = [], []
    for start in range(0, n_samples, _SAMPLES_AT_ONCE):
        n_drawn = min(_SAMPLES_AT_ONCE, n_samples - start)
        weights = rng.standard_exponential((n_drawn, n_rows + 1))
        seen = weights[:, :-1].sum(axis=1)
        means.append(weights[:, :-1] @ values / seen[:, None])
        unseen.append(weights[:, -1] / (seen + weights[:, -1]))
    return Draws(np.concatenate(means), np.concatenate(unseen))


def interval(
    draws: Draws,
    *,
    least: float | Values = 0.0,
    most: float | Values = 1.0,
    level: float = 0.95,
) -> tuple[Values, Values]:
    """Return the ends of the interval of each mean.

    Four customers without a hit show little: the mean may be 0.6.

    >>> draws = bootstrap_means(np.zeros((4, 1)), n_samples=4000, rng=np.random.default_rng(1))
    >>> low, high = interval(draws)
    >>> low.tolist(), high.round(1).tolist()
    ([0.0], [0.6])

    Args:
        draws: from `bootstrap_means`, or differences of its columns.
        least: the smallest value a customer can have; -1 for differences of values in 0 to 1.
        most: the largest.
        level: how often the interval holds the mean, at least.
    """
    tail = (1 - level) / 2
    n_axes = draws.means.ndim - draws.unseen.ndim
    unseen = draws.unseen.reshape(*draws.unseen.shape, *[1] * n_axes)
    seen = (1 - unseen) * draws.means
    low = np.quantile(seen + unseen * least, tail, axis=0)
    high = np.quantile(seen + unseen * most, 1 - tail, axis=0)
    return low, high


def sign_flip_p(differences: Values, *, n_flips: int, rng: np.random.Generator) -> Values:
    """Return the two-sided p-value of each column's mean being zero.

    The observed signs count as one of the flips, so no p-value is below 1 / (n_flips + 1).

    Args:
        differences: of shape (customers, columns); all columns are flipped together.
        n_flips: random sign vectors to compare with.
        rng: draws them.
    """
    differs = differences[(differences != 0).any(axis=1)]
    observed = np.abs(differs.sum(axis=0)) * (1 - _ROUNDING)
    n_as_far = np.ones(differences.shape[1])
    block = max(1, _SIGNS_AT_ONCE // max(1, len(differs)))
    for start in range(0, n_flips, block):
        signs = _signs(min(block, n_flips - start), len(differs), rng)
        n_as_far += (np.abs(signs @ differs) >= observed).sum(axis=0)
    return np.asarray(n_as_far / (n_flips + 1))


def holm(p_values: Values) -> Values:
    """Return p-values corrected for multiple testing (Holm 1979); NaN is passed over.

    >>> holm(np.array([0.01, 0.04, np.nan, 0.03])).round(2).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    corrected = np.full(len(p_values), np.nan)
    order = np.argsort(p_values, kind="stable")[: np.count_nonzero(~np.isnan(p_values))]
    n_left = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * n_left), 1.0)
    return corrected


def _signs(n_flips: int, n_customers: int, rng: np.random.Generator) -> Values:
    """Return random signs, one bit of randomness each."""
    n_signs = n_flips * n_customers
    drawn = np.frombuffer(rng.bytes(-(-n_signs // 8)), np.uint8)
    bits = np.unpackbits(drawn, count=n_signs).reshape(n_flips, n_customers)
    return bits * np.float64(2) - 1
