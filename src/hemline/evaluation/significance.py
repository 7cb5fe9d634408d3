"""How certain a mean or a difference is: bootstrap intervals, sign flips, Holm's correction.

Customers are the unit: articles in one list are not independent, customers nearly are. Intervals
resample customers (Efron 1979). All columns are resampled with the same draws, so a difference of
two columns is a paired comparison.

The test of a paired difference flips signs at random: if two rows of the score table were equally
good, each customer's difference could as well have had the other sign, and many flips show how
large a mean difference gets by chance (Fisher's randomisation test; for rankings see Smucker, Allan
& Carterette 2007). Nothing is assumed about the distribution of AP, most of whose values are zero.
Customers whose difference is zero are left out: that changes no p-value and makes the test cheap.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_SAMPLES_AT_ONCE: Final = 50
_SIGNS_AT_ONCE: Final = 4_000_000
_ROUNDING: Final = 1e-9


def bootstrap_means(values: Values, *, n_samples: int, rng: np.random.Generator) -> Values:
    """Return the column means of n_samples resamples of the rows, shape (n_samples, columns)."""
    n_rows = len(values)
    even = np.full(n_rows, 1.0 / n_rows)
    means = [
        rng.multinomial(n_rows, even, size=min(_SAMPLES_AT_ONCE, n_samples - start))
        @ values
        / n_rows
        for start in range(0, n_samples, _SAMPLES_AT_ONCE)
    ]
    return np.concatenate(means)


def interval(samples: Values, level: float = 0.95) -> tuple[Values, Values]:
    """Return the percentile interval of bootstrap samples along axis 0."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
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
