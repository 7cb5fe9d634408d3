"""Recent popularity, overall or per customer segment: the baseline every other model must beat.

An article's popularity is the number of its buyers, each counted once and halved for every
`half_life_days` since the last purchase. A segment is a cluster crossed with an age band; its
counts are pulled towards everybody's (additive smoothing), so that a segment of three customers
does not rule its list.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from hemline.arrays import load_array
from hemline.data.histories import Histories
from hemline.data.interaction_matrix import entries_where
from hemline.kernels.lists import empty_lists, top_k
from hemline.models.label_shift import ALL_DAYS, NO_DECAY_DAYS, decay_weights, open_window
from hemline.models.recommender import (
    OneSource,
    Recommendations,
    recommendations_from,
    require_articles,
)
from hemline.params import Section

if TYPE_CHECKING:
    from scipy import sparse


class PopularityParams(Section):
    """How recent, and how far a segment is trusted; by default every purchase counts the same."""

    section: ClassVar[str] = "popularity"
    window_days: PositiveInt = ALL_DAYS
    half_life_days: PositiveFloat = NO_DECAY_DAYS
    segment_prior_buyers: NonNegativeFloat = 200
    list_length: PositiveInt = 500


@dataclass(frozen=True)
class Popularity(OneSource):
    """One ranked list per segment; list 0 is everybody's.

    Attributes:
        name: "popularity" or "segment_popularity".
        n_bands: number of age bands that segments are made of; 0 when there is one list only.
        articles: int32 of shape (segments, list_length).
        scores: float32 of the same shape, share of (decayed) buyers.
        n_articles: that it was fitted on; None in earlier versions.
    """

    name: str
    n_bands: int
    articles: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    n_articles: int | None = None

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the list of each customer's segment; everybody's where the segment is unknown."""
        require_articles(histories, self.n_articles, self.name)
        segment = segment_index(histories, self.n_bands)
        segment[segment >= len(self.articles)] = 0
        articles, scores = empty_lists(histories.n_customers, k)
        length = min(k, self.articles.shape[1])
        articles[:, :length] = self.articles[segment, :length]
        scores[:, :length] = self.scores[segment, :length]
        return recommendations_from(self.name, articles, scores)

    def save(self, folder: Path) -> None:
        """Write the lists and what they are called."""
        np.save(folder / "articles.npy", self.articles)
        np.save(folder / "scores.npy", self.scores)
        about = {"name": self.name, "n_bands": self.n_bands, "n_articles": self.n_articles}
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        return cls(
            about["name"],
            about["n_bands"],
            load_array(folder / "articles.npy"),
            load_array(folder / "scores.npy"),
            about.get("n_articles"),
        )


def fit_popularity(histories: Histories, params: PopularityParams) -> Popularity:
    """Return everybody's recent favourites."""
    return _ranked("popularity", 0, _overall(histories, params)[None], params)


def fit_segment_popularity(
    histories: Histories, params: PopularityParams, *, n_bands: int
) -> Popularity:
    """Return the recent favourites of each cluster and age band, smoothed towards everybody's."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    buyers = _recent_buyers(histories, params)
    overall = _overall(histories, params)
    segment = segment_index(histories, n_bands)
    n_segments = int(segment.max(initial=0)) + 1
    member = sparse.csr_matrix(
        (np.ones(len(segment)), (segment, np.arange(len(segment)))),
        shape=(n_segments, len(segment)),
    )
    counts = (member @ buyers).toarray()
    prior = params.segment_prior_buyers
    shares = (counts + prior * overall) / np.maximum(counts.sum(1, keepdims=True) + prior, 1e-9)
    shares[0] = overall
    return _ranked("segment_popularity", n_bands, shares, params)


def segment_index(histories: Histories, n_bands: int) -> npt.NDArray[np.int64]:
    """Return each customer's list: 0 for everybody's, else one per known (cluster, age band)."""
    clusters = histories.clusters.astype(np.int64)
    bands = histories.age_bands.astype(np.int64)
    known = (clusters >= 0) & (n_bands > 0)
    return np.where(known, 1 + clusters * (n_bands + 1) + (bands + 1), 0)


def _recent_buyers(histories: Histories, params: PopularityParams) -> "sparse.csr_matrix":
    """Return what each purchase within the window counts, float64 so that sums are exact."""
    from scipy import sparse  # noqa: PLC0415  (not needed to recommend)

    days = histories.days_ago.data
    is_recent = days <= open_window(days, params.window_days)
    recent = entries_where(is_recent, histories.days_ago)
    weights = decay_weights(recent.data, params.half_life_days).astype(np.float64)
    return sparse.csr_matrix((weights, recent.indices, recent.indptr), shape=recent.shape)


def _overall(histories: Histories, params: PopularityParams) -> npt.NDArray[np.float64]:
    buyers = np.asarray(_recent_buyers(histories, params).sum(axis=0)).ravel()
    return np.asarray(buyers / max(buyers.sum(), 1e-9))


def _ranked(
    name: str, n_bands: int, shares: npt.NDArray[np.float64], params: PopularityParams
) -> Popularity:
    sold = np.where(shares > 0, shares, -np.inf).astype(np.float32)
    n_articles = shares.shape[1]
    lists = top_k(sold, min(params.list_length, n_articles))
    return Popularity(name, n_bands, *lists, n_articles)
