"""Separation and sufficiency: the listed share of purchases, the bought share of lists.

The one door to fairlearn. A row of its frames is a customer, not a recommendation: y_true is how
many articles the customer bought, y_pred how many of them were listed, so every customer counts
once, whatever the number of purchases.
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
    """The outcome of each customer's list.

    Attributes:
        hits: articles that were listed and bought.
        bought: articles bought, at least 1.
        listed: articles listed.
    """

    hits: Counts
    bought: Counts
    listed: Counts

    def per_customer(self) -> pd.DataFrame:
        """Return recall and precision of each customer."""
        precision = _shares(self.hits, self.listed)
        return pd.DataFrame({RECALL: self.hits / self.bought, PRECISION: precision})


def compare_outcomes(outcomes: ListOutcomes, grouping: Grouping) -> pd.DataFrame:
    """Return one line per measure: overall, worst, best, difference and ratio of the large groups.

    Args:
        outcomes: of every customer.
        grouping: of the same customers; at least two groups are large.
    """
    from fairlearn.metrics import MetricFrame  # noqa: PLC0415  (two seconds to import)

    rows = np.flatnonzero(np.isin(grouping.codes, grouping.large))
    frame = MetricFrame(
        metrics={RECALL: _mean_recall, PRECISION: _mean_precision},
        y_true=outcomes.bought[rows],
        y_pred=outcomes.hits[rows],
        sensitive_features={grouping.attribute: np.array(grouping.names)[grouping.codes[rows]]},
        sample_params={PRECISION: {"listed": outcomes.listed[rows]}},
    )
    lines = {
        "overall": frame.overall,
        "worst": frame.group_min(),
        "best": frame.group_max(),
        "difference": frame.difference(),
        "ratio": frame.ratio(),
    }
    return pd.DataFrame(lines).rename_axis("measure").astype(np.float64)


def _mean_recall(bought: Any, hits: Any) -> float:
    return float(np.mean(_shares(hits, bought)))


def _mean_precision(_bought: Any, hits: Any, listed: Any) -> float:
    return float(np.mean(_shares(hits, listed)))


def _shares(part: Any, whole: Any) -> Values:
    return np.asarray(part, np.float64) / np.maximum(np.asarray(whole, np.float64), 1)
