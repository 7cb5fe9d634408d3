"""Which articles are worth ranking for a customer: the union of what several models propose.

A pair has its rank and score in every list it stands in, so the ranker can weigh the models against
each other and a recommendation can name the models that proposed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.models.ranker.candidate_loops import Proposals, count_pairs, fill_pairs
from hemline.models.recommender import Recommender


@dataclass(frozen=True)
class Candidates:
    """Customer-article pairs, ordered by row and then by article.

    Attributes:
        rows: int64 of shape (pairs,); row of the histories.
        articles: int32 of shape (pairs,).
        ranks: float32 of shape (pairs, sources); from 1, NaN where the source did not propose it.
        scores: float32 of the same shape; of the source, NaN likewise.
    """

    rows: npt.NDArray[np.int64]
    articles: npt.NDArray[np.int32]
    ranks: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]

    def proposed_by(self) -> npt.NDArray[np.int16]:
        """Return the sources of each pair as bits, the first source the lowest."""
        bits = (1 << np.arange(self.ranks.shape[1])).astype(np.int16)
        return np.asarray(~np.isnan(self.ranks) @ bits, np.int16)


def collect_candidates(
    sources: Mapping[str, Recommender],
    depths: Mapping[str, int],
    histories: Histories,
    is_offered: npt.NDArray[np.bool_],
) -> Candidates:
    """Return what the sources propose.

    Args:
        sources: models by name.
        depths: by name, in the order of the result's columns, how many articles each may propose.
        histories: of the customers.
        is_offered: bool of shape (articles,); others are left out.
    """
    lists = [sources[name].recommend(histories, depth) for name, depth in depths.items()]
    proposals = Proposals(
        np.concatenate([proposed.articles for proposed in lists], axis=1),
        np.concatenate([proposed.scores for proposed in lists], axis=1),
        np.cumsum([0, *depths.values()]),
    )
    places, ends = count_pairs(proposals, is_offered)
    shape = (int(ends[-1]), len(lists))
    candidates = Candidates(
        np.empty(shape[0], np.int64),
        np.empty(shape[0], np.int32),
        np.full(shape, np.nan, np.float32),
        np.full(shape, np.nan, np.float32),
    )
    fill_pairs(proposals, places, ends, *vars(candidates).values())
    return candidates
