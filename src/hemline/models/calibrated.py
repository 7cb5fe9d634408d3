"""Another model's list in the proportions of the customer's own purchases (Steck 2018, RecSys).

Picked one by one from a longer list: each pick trades the rank the model gave an article against
how far the list so far departs from the mix of article groups the customer buys, measured by the
Kullback-Leibler divergence. Strength 0 is the model's own order, 1 goes by the mix alone.

Relevance is 1 / log2(1 + rank), not the model's score: scores of different models do not compare.
A customer's mix leans on everybody's as if `prior_articles` more had been bought, so a cold
customer's list is compared with what everybody buys.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.recommender import Recommendations, Recommender, reordered

Mixes = npt.NDArray[np.float64]

SMOOTHING: Final = 0.01
"""Share of the target mix in every list's, so that a group not listed yet stays finite (Steck)."""


@dataclass(frozen=True)
class ArticleGroups:
    """What mixes are made of.

    Attributes:
        group_of: int64 of shape (articles,); the group of each article, 0 to n_groups - 1.
        everybody: float64 of shape (groups,); share of each group in everybody's purchases.
        prior_articles: how many purchases everybody's mix counts for in a customer's.
    """

    group_of: npt.NDArray[np.int64]
    everybody: Mixes
    prior_articles: float

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.everybody)


@dataclass(frozen=True)
class Calibrated:
    """A Recommender around another one; put together, never saved.

    Attributes:
        model: gives the candidates and their order.
        groups: what a mix is made of.
        strength: lambda of the paper, 0 (the model's list) to 1 (the mix alone).
        n_candidates: how many articles the model gives.
    """

    model: Recommender
    groups: ArticleGroups
    strength: float
    n_candidates: int

    @property
    def name(self) -> str:
        """The name of the model inside: the sources name the model that gave an article."""
        return self.model.name

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources of the model inside."""
        return self.model.source_names

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return k of the model's first n_candidates per row; a pick's score is 1 / its rank."""
        candidates = self.model.recommend(histories, max(k, self.n_candidates))
        target = target_mixes(histories.units, self.groups)
        return calibrate(candidates, target, self.groups, strength=self.strength, k=k)


def calibrate(
    candidates: Recommendations, target: Mixes, groups: ArticleGroups, *, strength: float, k: int
) -> Recommendations:
    """Return k of the candidates per row, picked towards the target mix.

    Args:
        candidates: lists of at least k places.
        target: shape (customers, groups), from `target_mixes`.
        groups: what the mixes are made of.
        strength: 0 (the candidates' order) to 1 (the mix alone).
        k: places of the result.
    """
    picks = _pick(candidates.articles, target, groups, strength, k)
    return reordered(candidates, picks)


def target_mixes(units: sparse.csr_matrix, groups: ArticleGroups) -> Mixes:
    """Return each customer's mix, shape (customers, groups), from distinct articles and prior."""
    bought = _counts(units, groups)
    n_bought = bought.sum(axis=1, keepdims=True)
    return np.asarray(
        (bought + groups.prior_articles * groups.everybody) / (n_bought + groups.prior_articles)
    )


def miscalibration(
    listed: sparse.csr_matrix, target: Mixes, groups: ArticleGroups
) -> npt.NDArray[np.float64]:
    """Return KL(target, list) of each customer's list in nats; 0 is the target mix itself.

    Args:
        listed: CSR of shape (customers, articles); a nonzero is an article of the list.
        target: shape (customers, groups), from `target_mixes`.
        groups: what the mixes are made of.
    """
    counts = _counts(listed, groups)
    return np.asarray(_divergence(counts, counts.sum(axis=1, keepdims=True), target).sum(axis=1))


def _pick(
    articles: npt.NDArray[np.int32],
    target: Mixes,
    groups: ArticleGroups,
    strength: float,
    k: int,
) -> npt.NDArray[np.int64]:
    """Return the places of the k picks in each row of candidates, greedily (Steck, section 4)."""
    every = np.arange(len(articles))
    group = np.where(articles == NO_ARTICLE, 0, groups.group_of[articles])
    gain = (1 - strength) / np.log2(np.arange(2, articles.shape[1] + 2))
    is_open = articles != NO_ARTICLE
    counts = np.zeros(target.shape)
    picks = np.empty((len(articles), k), np.int64)
    for place in range(k):
        without = _divergence(counts, place + 1, target)
        with_one = _divergence(counts + 1, place + 1, target)
        after = without.sum(axis=1, keepdims=True) - without + with_one
        exact = gain - strength * np.take_along_axis(after, group, axis=1)
        value = exact.astype(np.float32)  # equal values stay equal: the better rank is picked
        # An empty place is worse than any article and is taken only when no article is left.
        picks[:, place] = np.where(is_open, value, -np.inf).argmax(axis=1)
        picks[:, place] = np.where(is_open.any(axis=1), picks[:, place], articles.shape[1] - 1)
        is_open[every, picks[:, place]] = False
        counts[every, group[every, picks[:, place]]] += 1
    return picks


def _divergence(counts: Mixes, n_listed: int | Mixes, target: Mixes) -> Mixes:
    """Return the terms of KL(target, list); a group that nobody buys adds nothing."""
    listed = (1 - SMOOTHING) * counts / np.maximum(n_listed, 1) + SMOOTHING * target
    return np.asarray(
        target * np.log(np.where(target > 0, target / np.where(listed > 0, listed, 1), 1))
    )


def _counts(units: sparse.csr_matrix, groups: ArticleGroups) -> Mixes:
    """Return how many distinct articles of each group every row holds."""
    member = sparse.csr_matrix(
        (np.ones(len(groups.group_of)), (np.arange(len(groups.group_of)), groups.group_of)),
        shape=(len(groups.group_of), groups.n_groups),
    )
    held = sparse.csr_matrix((np.ones(units.nnz), units.indices, units.indptr), shape=units.shape)
    return np.asarray((held @ member).toarray())
