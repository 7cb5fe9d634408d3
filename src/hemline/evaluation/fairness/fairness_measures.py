"""The measures of every customer's list, and the question that each measure answers.

Columns are (row, measure, category): a row of the score table, or `bought` for what the customers
bought themselves; a measure; and the category of articles where a measure divides a list.
"""

from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from hemline.evaluation.fairness.aspects import Aspect
from hemline.evaluation.fairness.groups import Buyers
from hemline.evaluation.fairness.outcomes import PRECISION, RECALL, ListOutcomes
from hemline.models.calibrated import ArticleGroups, miscalibration, target_mixes

BOUGHT: Final = "bought"
MISCALIBRATION: Final = "miscalibration"
INDEPENDENCE: Final = "independence"
_CRITERIA: Final = {RECALL: "separation", PRECISION: "sufficiency", MISCALIBRATION: "calibration"}
_COLUMNS: Final = ("row", "measure", "category")

Listed = dict[str, sparse.csr_matrix]


def measure_customers(
    listed: Listed, buyers: Buyers, aspects: tuple[Aspect, ...], groups: ArticleGroups
) -> pd.DataFrame:
    """Return every measure of every row, one line per customer.

    Args:
        listed: by row, CSR of shape (customers, articles) with a 1 per listed article.
        buyers: the same customers.
        aspects: how lists are divided.
        groups: the article groups of a customer's own mix.
    """
    parts = []
    for row, lists in listed.items():
        scores = outcomes_of(lists, buyers).per_customer()
        departure = miscalibration(lists, target_mixes(buyers.known.units, groups), groups)
        parts += [
            _composition(row, lists, aspects),
            _named([(row, RECALL, ""), (row, PRECISION, "")], scores[[RECALL, PRECISION]]),
            _named([(row, MISCALIBRATION, "")], departure[:, None]),
        ]
    return pd.concat([*parts, _composition(BOUGHT, _ones(buyers.bought), aspects)], axis=1)


def outcomes_of(listed: sparse.csr_matrix, buyers: Buyers) -> ListOutcomes:
    """Return how many of the articles that each customer bought were listed."""
    hits = listed.multiply(buyers.bought > 0).sum(axis=1)
    return ListOutcomes(
        np.asarray(hits, np.int64).ravel(),
        np.diff(buyers.bought.indptr).astype(np.int64),
        np.diff(listed.indptr).astype(np.int64),
    )


def criterion_of(measure: str) -> str:
    """Return the question a measure answers; the composition of lists is about independence."""
    return _CRITERIA.get(measure, INDEPENDENCE)


def _composition(row: str, listed: sparse.csr_matrix, aspects: tuple[Aspect, ...]) -> pd.DataFrame:
    names = [(row, aspect.name, name) for aspect in aspects for name in aspect.categories]
    return _named(names, np.hstack([aspect.shares(listed) for aspect in aspects]))


def _ones(bought: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the matrix with a 1 per bought article, however many units there were."""
    return sparse.csr_matrix((np.ones(bought.nnz), bought.indices, bought.indptr), bought.shape)


def _named(names: list[tuple[str, str, str]], values: np.ndarray | pd.DataFrame) -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples(names, names=list(_COLUMNS))
    return pd.DataFrame(np.asarray(values), columns=columns)
