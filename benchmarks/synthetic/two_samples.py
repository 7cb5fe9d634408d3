"""A classifier between genuine and generated baskets: how well can they be told apart?

An area under the curve of .5 means not at all. Customers are not split between folds, and the
interval is a bootstrap over customers.
"""

from typing import Final, NamedTuple

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

_FOLDS: Final = 5
_SAMPLES: Final = 300
_PARAMS: Final = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "verbose": -1,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
}
_ROUNDS: Final = 150


class Separation(NamedTuple):
    """How well two samples are told apart.

    Attributes:
        auc: cross-validated area under the curve.
        low: lower end of its 95 % interval.
        high: upper end.
        gains: share of the gain per feature, the largest first.
    """

    auc: float
    low: float
    high: float
    gains: dict[str, float]


def separate(genuine: pd.DataFrame, generated: pd.DataFrame, seed: int) -> Separation:
    """Return how well a classifier tells the baskets of two samples apart.

    Args:
        genuine: features, one row per basket, indexed by customer and day.
        generated: the same of the other sample.
        seed: of folds and bootstrap.
    """
    rng = np.random.default_rng(seed)
    features = pd.concat([genuine, generated], ignore_index=True)
    label = np.repeat([0, 1], [len(genuine), len(generated)])
    customer = np.concatenate(
        [2 * part.index.get_level_values("customer").to_numpy() + which
         for which, part in enumerate((genuine, generated))]
    )  # fmt: skip
    group = pd.factorize(customer)[0]
    fold = rng.integers(0, _FOLDS, group.max() + 1)[group]
    score, gain = np.zeros(len(label)), np.zeros(features.shape[1])
    for number in range(_FOLDS):
        train, test = fold != number, fold == number
        model = lightgbm.train(
            _PARAMS, lightgbm.Dataset(features[train], label[train]), num_boost_round=_ROUNDS
        )
        score[test] = np.asarray(model.predict(features[test]))
        gain += model.feature_importance("gain")
    sampled = [_auc(score, label, _weights(group, rng)) for _ in range(_SAMPLES)]
    low, high = np.quantile(sampled, [0.025, 0.975])
    order = np.argsort(-gain, kind="stable")
    gains = {str(features.columns[place]): float(gain[place] / gain.sum()) for place in order}
    return Separation(_auc(score, label, np.ones(len(label))), float(low), float(high), gains)


def _weights(group: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    n_groups = int(group.max()) + 1
    drawn = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)
    return drawn[group].astype(np.float64)


def _auc(
    score: npt.NDArray[np.float64], label: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]
) -> float:
    """Return the weighted area under the curve, ties counted half."""
    value = rankdata(score, "dense") - 1
    negative = np.bincount(value, weight * (label == 0))
    positive = np.bincount(value, weight * (label == 1))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))
