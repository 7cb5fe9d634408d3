"""Confidence intervals by resampling customers (Efron 1979).

Customers are the unit: articles in one list are not independent, customers nearly are. All columns
are resampled with the same draws, so a difference of two columns is a paired comparison.
"""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_BLOCK = 50


def bootstrap_means(values: Values, *, n_samples: int, rng: np.random.Generator) -> Values:
    """Return the column means of n_samples resamples of the rows, shape (n_samples, columns)."""
    n_rows = len(values)
    even = np.full(n_rows, 1.0 / n_rows)
    means = [
        rng.multinomial(n_rows, even, size=min(_BLOCK, n_samples - start)) @ values / n_rows
        for start in range(0, n_samples, _BLOCK)
    ]
    return np.concatenate(means)


def interval(samples: Values, level: float = 0.95) -> tuple[Values, Values]:
    """Return the percentile interval of bootstrap samples along axis 0."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
    return low, high
