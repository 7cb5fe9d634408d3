"""Separation and sufficiency: how much of the bought is listed, how much of the listed is bought.

The one door to fairlearn. Its frames hold customers, not single recommendations: y_true is how many
articles a customer bought, y_pred how many of them the list held, so every customer counts once
however much was bought.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.evaluation.fairness.groups import Grouping

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

RECALL: Final = "recall"
PRECISION: Final = "precision"


class ListOutcomes(NamedTuple):
    """What came of the lists of each customer.

    Attributes:
        found: articles that were listed and bought.
        bought: articles bought, at least 1.
        listed: articles listed.
    """

    found: Counts
    bought: Counts
    listed: Counts

    def per_customer(self) -> pd.DataFrame:
        """Return recall and precision of each customer."""
        precision = _shares(self.found, self.listed)
        return pd.DataFrame({RECALL: self.found / self.bought, PRECISION: precision})


def compare_outcomes(outcome: ListOutcomes, grouping: Grouping) -> pd.DataFrame:
    """Return one line per measure: overall, worst, best, difference and ratio of the large groups.

    Args:
        outcome: of every customer.
        grouping: of the same customers; at least two groups are large.
    """
    from fairlearn.metrics import MetricFrame  # noqa: PLC0415  (two seconds to import)

    rows = np.flatnonzero(np.isin(grouping.codes, grouping.large))
    frame = MetricFrame(
        metrics={RECALL: _mean_recall, PRECISION: _mean_precision},
        y_true=outcome.bought[rows],
        y_pred=outcome.found[rows],
        sensitive_features={grouping.attribute: np.array(grouping.names)[grouping.codes[rows]]},
        sample_params={PRECISION: {"listed": outcome.listed[rows]}},
    )
    lines = {
        "overall": frame.overall,
        "worst": frame.group_min(),
        "best": frame.group_max(),
        "difference": frame.difference(),
        "ratio": frame.ratio(),
    }
    return pd.DataFrame(lines).rename_axis("measure").astype(np.float64)


def _mean_recall(bought: Any, found: Any) -> float:
    return float(np.mean(_shares(found, bought)))


def _mean_precision(_bought: Any, found: Any, listed: Any) -> float:
    return float(np.mean(_shares(found, listed)))


def _shares(part: Any, whole: Any) -> Values:
    return np.asarray(part, np.float64) / np.maximum(np.asarray(whole, np.float64), 1)
