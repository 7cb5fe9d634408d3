"""The cost of calibrated lists: accuracy and group gaps at several strengths of the re-rank.

An output of the audit only; no customer gets these lists. To serve them, wrap what is served into
`models.calibrated.Calibrated` with a strength chosen on the validation week, not on this curve.
"""

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from scipy import sparse

from hemline.evaluation.beyond_accuracy import as_matrix
from hemline.evaluation.fairness.gaps import group_means
from hemline.evaluation.fairness.groups import Buyers
from hemline.evaluation.protocol import AP, score_customers
from hemline.evaluation.significance import bootstrap_means, interval
from hemline.models.calibrated import (
    ArticleGroups,
    Mixes,
    calibrate,
    miscalibration,
    target_mixes,
)
from hemline.models.recommender import Recommendations


class RerankParams(BaseModel):
    """How the calibrated list is chosen.

    Attributes:
        candidates: length of the list it is chosen from.
        prior_articles: weight of everybody's mix in a customer's, as a number of purchases.
        strengths: lambda, above 0 (the list unchanged, always shown) up to 1 (the mix alone).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    candidates: PositiveInt
    prior_articles: PositiveFloat
    strengths: tuple[Annotated[float, Field(gt=0, le=1)], ...]


def price_of_calibration(
    candidates: Recommendations,
    buyers: Buyers,
    groups: ArticleGroups,
    params: RerankParams,
    *,
    list_length: int,
    n_samples: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one line per strength, 0 first.

    Columns: strength; map@12, recall@12; change, change_low, change_high (of map@12 against
    strength 0, paired, 95 %); miscalibration (mean over customers, nats); exposure_distance (total
    variation between the article groups' places and sales); and, per attribute, the gap in
    miscalibration between its groups as `gap <attribute>`.

    Args:
        candidates: the long lists of what is served to the buyers, best first.
        buyers: who get the lists.
        groups: the article groups of the mixes.
        params: the strengths.
        list_length: places of a chosen list, at least 12.
        n_samples: bootstrap resamples of the customers.
        rng: draws them.
    """
    mixes = target_mixes(buyers.known.units, groups)
    lines, precisions = [], []
    for strength in (0.0, *params.strengths):
        reranked = calibrate(candidates, mixes, groups, strength=strength, k=list_length)
        articles = reranked.articles
        scores = score_customers(articles, buyers.bought)
        precisions.append(scores[AP].to_numpy())
        listed = as_matrix(articles, buyers.known.n_articles)
        lines.append(
            {
                "strength": strength,
                AP: scores[AP].mean(),
                "recall@12": scores["recall@12"].mean(),
                **_departures(listed, mixes, groups, buyers),
            }
        )
    changes = np.stack(precisions, axis=1) - precisions[0][:, None]
    draws = bootstrap_means(changes, n_samples=n_samples, rng=rng)
    low, high = interval(draws, least=-1, most=1)
    return pd.DataFrame(lines).assign(change=changes.mean(axis=0), change_low=low, change_high=high)


def _departures(
    listed: sparse.csr_matrix, mixes: Mixes, groups: ArticleGroups, buyers: Buyers
) -> dict[str, float]:
    departure = miscalibration(listed, mixes, groups)
    places = np.bincount(groups.group_of[listed.indices], minlength=groups.n_groups)
    gaps = {
        f"gap {grouping.attribute}": np.ptp(
            group_means(departure[:, None], grouping.codes, len(grouping.names))[grouping.large]
        )
        for grouping in buyers.groupings
        if grouping.is_comparable
    }
    distance = np.abs(places / max(places.sum(), 1) - groups.everybody).sum() / 2
    return {"miscalibration": departure.mean(), "exposure_distance": distance, **gaps}
