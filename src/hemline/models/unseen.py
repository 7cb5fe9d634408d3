"""Lists without what the customer already bought, for protocols that exclude it.

H&M's customers buy again, so the pipeline keeps bought articles; published splits count only new
ones. The wrapped model is asked for as many more articles as a history can hold, and customers with
histories of similar length are asked about together, so that one long history does not lengthen
everybody's list. The price is a longer list to rank; the model itself needs no switch.
"""

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.models.ranking import empty_lists
from hemline.models.recommender import NO_ARTICLE, Recommendations, Recommender


class Unseen:
    """A Recommender that leaves out the articles of each history; put together, never saved."""

    def __init__(self, model: Recommender) -> None:
        self.name = model.name
        self.model = model

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the first k articles of the model that do not stand in the customer's history."""
        articles, scores = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        names = self.model.recommend(histories.rows(np.empty(0, np.int64)), k).source_names
        for rows in _alike_in_length(np.diff(histories.units.indptr)):
            asking = histories.rows(rows)
            longest = int(np.diff(asking.units.indptr).max())
            lists = self.model.recommend(asking, k + longest)
            kept = (lists.articles != NO_ARTICLE) & ~_is_bought(lists.articles, asking)
            order = np.argsort(~kept, axis=1, kind="stable")[:, :k]
            kept = np.take_along_axis(kept, order, axis=1)
            articles[rows] = np.where(
                kept, np.take_along_axis(lists.articles, order, axis=1), NO_ARTICLE
            )
            scores[rows] = np.where(kept, np.take_along_axis(lists.scores, order, axis=1), -np.inf)
            sources[rows] = np.where(kept, np.take_along_axis(lists.sources, order, axis=1), 0)
        return Recommendations(articles, scores, sources, names)


def _alike_in_length(n_bought: npt.NDArray[np.int_]) -> list[npt.NDArray[np.int64]]:
    """Return groups of rows in which no history is more than twice as long as another."""
    octave = np.frexp(n_bought.astype(np.float64))[1]
    return [np.flatnonzero(octave == each) for each in np.unique(octave)]


def _is_bought(articles: npt.NDArray[np.int32], histories: Histories) -> npt.NDArray[np.bool_]:
    row = np.repeat(np.arange(histories.n_customers), np.diff(histories.units.indptr))
    bought = row * np.int64(histories.n_articles) + histories.units.indices
    listed = np.arange(len(articles))[:, None] * np.int64(histories.n_articles) + articles
    return np.isin(listed, bought)
