"""Lists without what the customer already bought, for protocols that exclude it.

H&M's customers buy again, so the pipeline keeps bought articles; published splits count only new
ones. A longer list begins with the shorter one, so the wrapped model is asked for twice as many
articles as are wanted, and asked again, about whom that left short, for twice as many as before.
The price is the second question; the model itself needs no switch.
"""

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, empty_lists
from hemline.models.recommender import Recommendations, Recommender


class ExcludeBought:
    """A Recommender that leaves out the articles of each history; put together, never saved."""

    def __init__(self, model: Recommender) -> None:
        self.name = model.name
        self.model = model

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the first k articles of the model that do not stand in the customer's history."""
        articles, scores = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        names = self.model.recommend(histories.rows(np.empty(0, np.int64)), k).source_names
        enough = k + np.diff(histories.units.indptr)
        asking, n_asked = np.arange(histories.n_customers), k
        while len(asking):
            n_asked = min(2 * n_asked, int(enough[asking].max()))
            whole = self.model.recommend(histories.rows(asking), n_asked)
            lists = _without_bought(whole, histories.rows(asking), k)
            articles[asking], scores[asking], sources[asking] = lists
            is_short = (articles[asking] == NO_ARTICLE).any(axis=1)
            may_be_longer = (whole.articles != NO_ARTICLE).all(axis=1) & (n_asked < enough[asking])
            asking = asking[is_short & may_be_longer]
        return Recommendations(articles, scores, sources, names)


def _without_bought(
    lists: Recommendations, histories: Histories, k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.int16]]:
    """Return articles, scores and sources of the first k that are not bought."""
    kept = (lists.articles != NO_ARTICLE) & ~_is_bought(lists.articles, histories)
    order = np.argsort(~kept, axis=1, kind="stable")[:, :k]
    kept, articles, scores, sources = (
        np.take_along_axis(part, order, axis=1)
        for part in (kept, lists.articles, lists.scores, lists.sources)
    )
    return (
        np.where(kept, articles, np.int32(NO_ARTICLE)),
        np.where(kept, scores, np.float32(-np.inf)),
        np.where(kept, sources, np.int16(0)),
    )


def _is_bought(articles: npt.NDArray[np.int32], histories: Histories) -> npt.NDArray[np.bool_]:
    row = np.repeat(np.arange(histories.n_customers), np.diff(histories.units.indptr))
    bought = row * np.int64(histories.n_articles) + histories.units.indices
    listed = np.arange(len(articles))[:, None] * np.int64(histories.n_articles) + articles
    return np.isin(listed, bought)
