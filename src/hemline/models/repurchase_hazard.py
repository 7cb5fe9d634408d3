"""What the customer bought before, by how likely they buy it again next week.

The hazard of a repurchase is estimated from the shop's own latest weeks before the cut: a logistic
curve over the logarithm of the gap, the units, the customer's own pace (how many articles on how
many days, since when, how recently) and how the article sells. It is the chance given that the
customer buys anything that week. Groceries, gifts and fashion get different curves from the same
code, where a fixed window suits one of them.

An article that is less likely than what its place would earn otherwise is not listed: the place is
better left to what everybody buys. That bound is measured in the same weeks: how often the best
sellers are bought by buyers who do not have them yet.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeFloat, PositiveInt

from hemline.arrays import load_array
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    recommendations_from,
    require_articles,
)
from hemline.models.repurchase import Repurchase
from hemline.params import Section

if TYPE_CHECKING:
    from hemline.data.past_weeks import PastWeek, PurchaseLog

SOLD_DAYS: Final = (7, 28)
"""How the article sells: by its buyers in so many days before the cut."""
_BEST_SELLERS: Final = 12
_MAX_STEPS: Final = 50
_CONVERGED: Final = 1e-8
_LEAST_PENALTY: Final = 1e-6
_DIGITS: Final = 6


class RepurchaseParams(Section):
    """Which weeks the hazard is estimated from."""

    section: ClassVar[str] = "repurchase"
    fit_weeks: PositiveInt = 6
    max_customers: PositiveInt = 20_000
    l2: NonNegativeFloat = 1.0


@dataclass(frozen=True)
class RepurchaseHazard(OneSource):
    """The customer's own articles by the chance that they are bought again next week.

    Attributes:
        weights: float64 of shape (features,); of the log odds (kernels.bought_again.FEATURES).
        least: the log odds below which an article is not listed.
        sold: int32 of shape (articles, 2); buyers of each article in SOLD_DAYS before the cut.
        window: answers in place of the hazard in versions that were fitted before there was one.
    """

    weights: npt.NDArray[np.float64]
    least: float
    sold: npt.NDArray[np.int32]
    window: Repurchase | None = None
    name: ClassVar[str] = "repurchase"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the articles of each history, likeliest first; none for a cold customer.

        Scores are log odds.
        """
        from hemline.kernels.bought_again import likeliest_bought  # noqa: PLC0415  (numba)

        if self.window is not None:
            return self.window.recommend(histories, k)
        require_articles(histories, len(self.sold), self.name)
        own = histories.indptr, histories.indices, histories.counts, histories.days
        lists = likeliest_bought(*own, self.sold, self.weights, self.least, k)
        return recommendations_from(self.name, *lists)

    def save(self, folder: Path) -> None:
        """Write the weights by name as json, and the buyers as npy."""
        from hemline.kernels.bought_again import FEATURES  # noqa: PLC0415  (numba)

        weights = dict(zip(FEATURES, self.weights.tolist(), strict=True))
        about = {"weights": weights, "least": self.least}
        text = json.dumps(about, indent=1)
        (folder / "hazard.json").write_text(text + "\n", encoding="utf-8")
        np.save(folder / "sold.npy", self.sold)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        if (folder / "repurchase.json").exists():
            nothing = np.empty(0), math.inf, np.empty((0, len(SOLD_DAYS)), np.int32)
            return cls(*nothing, window=Repurchase.load(folder))
        about = json.loads((folder / "hazard.json").read_text(encoding="utf-8"))
        weights = np.array(list(about["weights"].values()), np.float64)
        return cls(weights, float(about["least"]), load_array(folder / "sold.npy"))


def fit_repurchase_hazard(log: "PurchaseLog", params: RepurchaseParams) -> RepurchaseHazard:
    """Return the hazard estimated from the weeks before the cut.

    Raises:
        BadInput: in no week before the cut did anybody buy who had bought before.
    """
    described, is_bought, places = [], [], []
    for week in log.weeks(params.fit_weeks, max_buyers=params.max_customers):
        sold = _sold(log, week)
        described.append(_describe(week.known, sold))
        is_bought.append(_is_bought(week))
        places.append(_bought_of_best_sellers(week, sold))
    if not described:
        raise BadInput(
            "in some week before data.cut customers buy who had bought before",
            found=f"none before {log.cut}",
            fix="set data.cut in params.yaml to a later day",
        )
    features, labels = np.concatenate(described), np.concatenate(is_bought)
    weights = fit_logistic(features, labels, l2=params.l2)
    n_bought, n_places = np.sum(places, axis=0)
    earned = (n_bought + 0.5) / (n_places + 1)
    least = _rounded(math.log(earned / (1 - earned)))
    return RepurchaseHazard(weights, least, _sold_before(log))


def fit_logistic(
    features: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_], *, l2: float
) -> npt.NDArray[np.float64]:
    """Return the weights of a logistic regression, rounded to six digits.

    Newton's method on standardised features. The first feature is the constant, which is not
    penalised. Rounded, since the last digits of a sum differ between processors.

    Args:
        features: float64 of shape (pairs, features).
        labels: bool of shape (pairs,).
        l2: half of it times the squared weights is added to the negative log likelihood.
    """
    centre, spread = features.mean(axis=0), features.std(axis=0)
    centre[0], spread[0] = 0.0, 1.0
    spread[spread < 1e-9] = np.inf  # noqa: PLR2004  (the same everywhere: no weight)
    scaled = (features - centre) / spread
    penalty = np.full(features.shape[1], max(l2, _LEAST_PENALTY))
    share = (labels.sum() + 0.5) / (len(labels) + 1)
    weights = np.zeros(features.shape[1])
    weights[0], penalty[0] = math.log(share / (1 - share)), _LEAST_PENALTY

    def cost(tried: npt.NDArray[np.float64]) -> float:
        odds = scaled @ tried
        return float((np.logaddexp(0, odds) - odds * labels).sum() + 0.5 * penalty @ tried**2)

    for _ in range(_MAX_STEPS):
        chance = 1 / (1 + np.exp(-(scaled @ weights)))
        gradient = scaled.T @ (chance - labels) + penalty * weights
        curvature = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + np.diag(penalty)
        step, before = np.linalg.solve(curvature, gradient), cost(weights)
        # A whole step overshoots where few weeks nearly decide every label.
        while cost(weights - step) > before and np.abs(step).max() >= _CONVERGED:
            step /= 2
        weights -= step
        if np.abs(step).max() < _CONVERGED:
            break
    unscaled = weights / spread
    unscaled[0] -= float(centre @ unscaled)
    return np.array([_rounded(weight) for weight in unscaled.tolist()])


def _describe(known: Histories, sold: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    from hemline.kernels.bought_again import describe_bought  # noqa: PLC0415  (numba)

    return describe_bought(known.indptr, known.indices, known.counts, known.days, sold)


def _is_bought(week: "PastWeek") -> npt.NDArray[np.bool_]:
    """Return, of each known pair of customer and article, whether it was bought in the week."""
    known, bought = (_pairs(histories) for histories in (week.known, week.bought))
    return np.isin(known, bought)


def _pairs(histories: Histories) -> npt.NDArray[np.int64]:
    row = np.repeat(np.arange(histories.n_customers), np.diff(histories.indptr))
    return row * histories.n_articles + histories.indices


def _bought_of_best_sellers(week: "PastWeek", sold: npt.NDArray[np.int32]) -> tuple[int, int]:
    """Return how often best sellers were bought by buyers who did not have them, and could be."""
    best = np.lexsort((-sold[:, 1], -sold[:, 0]))[:_BEST_SELLERS]
    place = np.arange(week.known.n_customers)[:, None] * week.known.n_articles + best
    new = place[~np.isin(place, _pairs(week.known))]
    return int(np.isin(new, _pairs(week.bought)).sum()), new.size


def _sold(log: "PurchaseLog", week: "PastWeek") -> npt.NDArray[np.int32]:
    return np.stack([log.n_buyers(week.start, days=days) for days in SOLD_DAYS], axis=1)


def _sold_before(log: "PurchaseLog") -> npt.NDArray[np.int32]:
    return np.stack([log.n_buyers(log.cut, days=days) for days in SOLD_DAYS], axis=1)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
