"""Lists without what the customer already bought, for protocols that exclude it.

H&M's customers buy again, so the pipeline lists bought articles; published splits count only new
ones. A longer list begins with the shorter one, so the wrapped model first gives twice as many
articles as are requested, and then, for customers whose list is still short, twice as many again.
The price is the second request; the model itself needs no switch.
"""

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE, empty_lists
from hemline.models.recommender import Recommendations, Recommender, first_where


class ExcludeBought:
    """A Recommender that leaves out the articles of each history; put together, never saved."""

    def __init__(self, model: Recommender) -> None:
        self.name = model.name
        self.model = model

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources of the model inside."""
        return self.model.source_names

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the first k articles of the model that do not stand in the customer's history."""
        articles, scores = empty_lists(histories.n_customers, k)
        sources = np.zeros(articles.shape, np.int16)
        enough = k + np.diff(histories.indptr)
        rows, length = np.arange(histories.n_customers), k
        while len(rows):
            length = min(2 * length, int(enough[rows].max()))
            whole = self.model.recommend(histories.rows(rows), length)
            is_new = ~_is_bought(whole.articles, histories.rows(rows))
            lists = first_where(whole, is_new, k)
            articles[rows], scores[rows], sources[rows] = (
                lists.articles,
                lists.scores,
                lists.sources,
            )
            is_short = (articles[rows] == NO_ARTICLE).any(axis=1)
            may_be_longer = (whole.articles != NO_ARTICLE).all(axis=1) & (length < enough[rows])
            rows = rows[is_short & may_be_longer]
        return Recommendations(articles, scores, sources, self.source_names)


def _is_bought(articles: npt.NDArray[np.int32], histories: Histories) -> npt.NDArray[np.bool_]:
    row = np.repeat(np.arange(histories.n_customers), np.diff(histories.indptr))
    bought = row * np.int64(histories.n_articles) + histories.indices
    listed = np.arange(len(articles))[:, None] * np.int64(histories.n_articles) + articles
    return np.isin(listed, bought)
