"""Which articles are worth ranking for a customer: the union of what several models propose.

A pair has its rank and score in every list it stands in, so the ranker can weigh the models against
each other and a recommendation can name the models that proposed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.models.ranker.candidate_loops import Offered, Proposals, count_pairs, fill_pairs
from hemline.models.recommender import Opened, Recommendations, Recommender, ScoresPairs


@dataclass(frozen=True)
class Candidates:
    """Customer-article pairs, ordered by row and then by article.

    Attributes:
        rows: int64 of shape (pairs,); row of the histories.
        articles: int32 of shape (pairs,).
        ranks: float32 of shape (pairs, sources); from 1, NaN where the source did not propose it.
        scores: float32 of the same shape; of the source, NaN likewise.
        any_scores: float32 of shape (pairs, scoring sources); what each of them says of the pair
            whether it proposed it or not, NaN where it does not offer the article.
    """

    rows: npt.NDArray[np.int64]
    articles: npt.NDArray[np.int32]
    ranks: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    any_scores: npt.NDArray[np.float32]

    def proposed_by(self) -> npt.NDArray[np.int16]:
        """Return the sources of each pair as bits, the first source the lowest."""
        bits = (1 << np.arange(self.ranks.shape[1])).astype(np.int16)
        return np.asarray(~np.isnan(self.ranks) @ bits, np.int16)


def collect_candidates(
    sources: Mapping[str, Recommender],
    depths: Mapping[str, int],
    histories: Histories,
    offered: Offered,
    scoring: Sequence[str] = (),
) -> Candidates:
    """Return what the sources propose.

    Args:
        sources: models by name.
        depths: by name, in the order of the result's columns, how many articles each may propose.
        histories: of the customers.
        offered: which articles may be proposed.
        scoring: names of the sources that score every pair, in the order of `any_scores`.
    """
    opened = {name: _opened(sources[name], histories) for name in scoring}
    lists = [
        opened[name].recommend(depth)
        if name in opened
        else sources[name].recommend(histories, depth)
        for name, depth in depths.items()
    ]
    candidates = _united(lists, depths, offered)
    if not scoring:
        return candidates
    pairs = candidates.rows, candidates.articles
    any_scores = np.stack([opened[name].scores(*pairs) for name in scoring], axis=1)
    return replace(candidates, any_scores=any_scores)


def _opened(source: Recommender, histories: Histories) -> Opened:
    if not isinstance(source, ScoresPairs):
        raise TypeError(f"{source.name} is a source that scores any pair")
    return source.open(histories)


def _united(
    lists: Sequence[Recommendations], depths: Mapping[str, int], offered: Offered
) -> Candidates:
    proposals = Proposals(
        np.concatenate([proposed.articles for proposed in lists], axis=1),
        np.concatenate([proposed.scores for proposed in lists], axis=1),
        np.cumsum([0, *depths.values()]),
    )
    places, ends = count_pairs(proposals, offered)
    n_pairs, n_sources = int(ends[-1]), len(lists)
    rows, articles = np.empty(n_pairs, np.int64), np.empty(n_pairs, np.int32)
    ranks, scores = np.full((2, n_pairs, n_sources), np.nan, np.float32)
    fill_pairs(proposals, places, ends, rows, articles, ranks, scores)
    return Candidates(rows, articles, ranks, scores, np.empty((n_pairs, 0), np.float32))
