"""The articles in the softmax of one batch, when all of them would be too many.

The normaliser of a softmax is a sum over the catalogue. It is estimated from a sample in which an
article stands with a known probability, each term divided by that probability (Horvitz & Thompson
1952): the logQ correction. Frequent articles are always in, so their terms are exact, and a sample
as large as the catalogue is the exact softmax. All customers of a batch share the sample, which
keeps the work one matrix product.
"""

import numpy as np
import numpy.typing as npt

_POWER = 0.75
"""Between uniform and proportional to sales: the tail is sampled more often than it is bought."""


def inclusion(shares: npt.NDArray[np.float64], n_samples: int) -> npt.NDArray[np.float64]:
    """Return each article's probability to be in a sample of n_samples; ones when all fit.

    Proportional to shares ** 0.75, except where that would exceed 1.

    >>> inclusion(np.array([0.9, 0.05, 0.05]), 2).tolist()
    [1.0, 0.5, 0.5]
    """
    included = np.ones(len(shares))
    is_free = np.full(len(shares), n_samples < len(shares))
    weights = shares**_POWER
    while is_free.any():
        n_left = n_samples - np.count_nonzero(~is_free)
        included[is_free] = weights[is_free] * n_left / weights[is_free].sum()
        too_much = is_free & (included > 1)
        if not too_much.any():
            break
        included[too_much] = 1.0
        is_free &= ~too_much
    return included


def draw(included: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the sorted positions of one sample, each in it with its own probability.

    Systematic sampling (Madow 1949): the probabilities lie end to end in random order, and every
    article that covers one of the points u, u + 1, u + 2, ... is in. So the size is fixed up to
    rounding.
    """
    order = rng.permutation(len(included))
    ends = np.floor(np.cumsum(included[order]) + rng.random()).astype(np.int64)
    return np.sort(order[np.diff(ends, prepend=0) > 0])
