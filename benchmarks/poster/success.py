"""The poster's success rates of a list of 20, their ceilings, and intervals by bootstrap.

recall_1 is the share of customers with at least one hit. recall_30 has two interpretations, so both
are shown: 30 % of the *listed* articles were bought (six of 20; the poster's 0.30 fits this one),
or 30 % of the *held-out* articles are listed. The oracle lists the held-out articles: with five of
them no model can have six hits.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from benchmarks.ranking_measures import Lists, Values, hits_of
from benchmarks.record import Row
from hemline.evaluation.significance import bootstrap_means

LIST_LENGTH: Final = 20
RATES: Final = ("recall_1", "recall_30", "recall_30 of held out", "recall@20")
ORACLE: Final = "oracle"
_SHARE: Final = 0.3


def success_rates(articles: Lists, held_out: sparse.csr_matrix) -> dict[str, Values]:
    """Return RATES of each customer's list of 20; all customers have held-out articles.

    >>> held_out = sparse.csr_matrix([[1, 1, 1, 0, 0]])
    >>> rates = success_rates(np.array([[0, 3, 4] + [-1] * 17], np.int32), held_out)
    >>> [float(rates[name][0]) for name in RATES[:3]]
    [1.0, 0.0, 1.0]
    """
    n_hits = hits_of(articles[:, :LIST_LENGTH], held_out).sum(axis=1)
    return _rates(n_hits, np.diff(held_out.indptr))


def ceilings(held_out: sparse.csr_matrix) -> dict[str, Values]:
    """Return RATES of a list of exactly the held-out articles."""
    n_held_out = np.diff(held_out.indptr)
    return _rates(np.minimum(n_held_out, LIST_LENGTH), n_held_out)


def table(
    case: str,
    rates_by_model: Mapping[str, dict[str, Values]],
    *,
    baseline: str,
    n_samples: int,
    rng: np.random.Generator,
) -> list[Row]:
    """Return a row per model and rate, and per paired difference to the baseline.

    Standard errors are from a bootstrap over customers; differences are computed within each
    resample, so customers who are easy for both models cancel out.
    """
    stacked = np.column_stack([rates[rate] for rates in rates_by_model.values() for rate in RATES])
    draws = bootstrap_means(stacked, n_samples=n_samples, rng=rng)
    shape = (len(rates_by_model), len(RATES))
    means, drawn = stacked.mean(axis=0).reshape(shape), draws.means.reshape(-1, *shape)
    base = list(rates_by_model).index(baseline)
    rows: list[Row] = []
    gains: list[Row] = []
    for at, model in enumerate(rates_by_model):
        rows += _rows(case, model, means[at], drawn[:, at])
        if model not in {baseline, ORACLE}:
            gain, drawn_gain = means[at] - means[base], drawn[:, at] - drawn[:, base]
            gains += _rows(f"{case}, minus {baseline}", model, gain, drawn_gain)
    return rows + gains


def _rates(n_hits: npt.NDArray[np.int_], n_held_out: npt.NDArray[np.int_]) -> dict[str, Values]:
    share = n_hits / n_held_out
    return {
        "recall_1": (n_hits >= 1).astype(np.float64),
        "recall_30": (n_hits >= np.ceil(_SHARE * LIST_LENGTH)).astype(np.float64),
        "recall_30 of held out": (share >= _SHARE).astype(np.float64),
        "recall@20": share.astype(np.float64),
    }


def _rows(case: str, model: str, means: Values, draws: Values) -> list[Row]:
    spread = draws.std(axis=0)
    return [
        Row(case, model, rate, float(mean), float(stderr))
        for rate, mean, stderr in zip(RATES, means, spread, strict=True)
    ]
