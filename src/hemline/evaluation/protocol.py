"""One protocol for every model: full catalogue, all buyers of the week from the cut on.

A row of the score table is a cascade of models as params.yaml lists them, so it is plain which rows
fall back on popularity. Each customer's values are stored: intervals, slices, the gate and paired
tests all read the same frame.

Protocol: histories end before the cut; the truth is the set of distinct articles bought in the
`test_days` from the cut on; articles bought before stay in the lists; every buyer is included.
"""

from typing import Annotated, ClassVar, Final

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt, field_validator
from scipy import sparse

from hemline.data.histories import Histories
from hemline.evaluation import metrics
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.recommender import Recommendations, Recommender
from hemline.params import Section

AP: Final = "map@12"
METRICS: Final = (
    AP,
    "recall@12",
    "recall@20",
    "ndcg@12",
    "ndcg@20",
    "precision@12",
    "mrr@12",
    "hit@20",
    "success_30@20",
)
BASELINE: Final = "popularity"
RULES: Final = "repurchase"
SERVED: Final = "served"
ORACLE: Final = "oracle"
_BATCH: Final = 4096


class EvaluateParams(Section):
    """The rows of the score table, how intervals are drawn, what counts as recent and as new.

    With fewer than `min_customers`, no difference between rows counts as significant, and a slice
    shows no score.
    """

    section: ClassVar[str] = "evaluate"
    rows: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    list_length: Annotated[int, Field(ge=20)]
    min_customers: PositiveInt
    bootstrap_samples: PositiveInt
    sign_flips: PositiveInt
    recent_days: PositiveInt
    new_article_days: PositiveInt
    seed: int

    @field_validator("rows")
    @classmethod
    def _has_the_baselines_and_no_reserved_name(
        cls, rows: dict[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        if not {BASELINE, RULES} <= set(rows):
            raise ValueError(f"every table has rows '{BASELINE}' and '{RULES}' to compare with")
        if {SERVED, ORACLE} & set(rows):
            raise ValueError(f"the rows '{SERVED}' and '{ORACLE}' are added automatically")
        return rows


def recommend_in_batches(model: Recommender, histories: Histories, k: int) -> Recommendations:
    """Return the model's lists for all histories, computed a few thousand customers at a time."""
    every = np.arange(histories.n_customers)
    n_batches = max(1, -(-len(every) // _BATCH))
    parts = [model.recommend(histories.rows(rows), k) for rows in np.array_split(every, n_batches)]
    return Recommendations(
        np.concatenate([part.articles for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.sources for part in parts]),
        parts[0].source_names,
    )


def score_customers(articles: np.ndarray, bought: sparse.csr_matrix) -> pd.DataFrame:
    """Return METRICS of each list, one row per customer.

    Args:
        articles: int32 of shape (customers, list length), NO_ARTICLE allowed.
        bought: CSR of shape (customers, articles); a nonzero was bought; no row is empty.
    """
    hits = hits_in(articles, bought)
    n_bought = np.diff(bought.indptr).astype(np.int64)
    return pd.DataFrame(
        {
            AP: metrics.average_precision(hits, n_bought, 12),
            "recall@12": metrics.recall(hits, n_bought, 12),
            "recall@20": metrics.recall(hits, n_bought, 20),
            "ndcg@12": metrics.ndcg(hits, n_bought, 12),
            "ndcg@20": metrics.ndcg(hits, n_bought, 20),
            "precision@12": metrics.precision(hits, 12),
            "mrr@12": metrics.reciprocal_rank(hits, 12),
            "hit@20": metrics.hit(hits, 20),
            "success_30@20": metrics.success_30(hits, 20),
        }
    )


def hits_in(articles: np.ndarray, bought: sparse.csr_matrix) -> metrics.Hits:
    """Return, place by place, whether the row of the same customer holds the listed article."""
    row = np.repeat(np.arange(bought.shape[0]), np.diff(bought.indptr))
    held = np.sort(row * np.int64(bought.shape[1]) + bought.indices)
    listed = np.arange(len(articles))[:, None] * np.int64(bought.shape[1]) + articles
    nearest = np.append(held, -1)[np.searchsorted(held, listed)]
    return np.asarray((nearest == listed) & (articles != NO_ARTICLE))
