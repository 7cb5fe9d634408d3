"""What every model is: something that recommends ranked articles for histories.

Models know articles; histories come with the request. A model is fitted once, holds no customer,
and recommends for any `Histories`: the training customers, next week's, or a cold customer.
That is what lets one fitted version serve fresh purchases, and the gate compare an old champion on
today's histories.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE


@dataclass(frozen=True)
class Recommendations:
    """Ranked lists, one row per customer.

    Attributes:
        articles: int32 of shape (customers, k); article keys, best first, NO_ARTICLE at the end.
        scores: float32 of shape (customers, k); falling along a row, -inf beside NO_ARTICLE.
        sources: int16 of shape (customers, k); index into source_names of what recommended it.
        source_names: names of the models that may have recommended.
    """

    articles: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
    sources: npt.NDArray[np.int16]
    source_names: tuple[str, ...]


class Recommender(Protocol):
    """Whatever recommends for histories: a model, a cascade of models, or what the shop serves."""

    @property
    def name(self) -> str:
        """The name under which it recommends."""
        ...

    @property
    def source_names(self) -> tuple[str, ...]:
        """The names of the sources of its lists, whatever is requested."""
        ...

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return up to k articles per row of histories, without duplicates, the same every time."""
        ...


class Opened(Protocol):
    """A model with what it made of some histories, so that it is made once for lists and scores."""

    def recommend(self, k: int) -> Recommendations:
        """Return what the model recommends for the histories."""
        ...

    def scores(
        self, rows: npt.NDArray[np.int64], articles: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return the score of each pair, the same that a list has; NaN for what is not offered.

        Args:
            rows: int64 of shape (pairs,), ascending; row of the histories.
            articles: int32 beside `rows`.
        """
        ...


@runtime_checkable
class ScoresPairs(Protocol):
    """A model that scores any pair of a customer and an article it offers."""

    def open(self, histories: Histories) -> Opened:
        """Return the model with what it makes of the histories."""
        ...


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class OneSource:
    """What recommends under its own name alone."""

    @property
    def source_names(self: _Named) -> tuple[str, ...]:
        """Its name."""
        return (self.name,)


class Model(Recommender, Protocol):
    """A fitted recommender that is saved in a folder."""

    def save(self, folder: Path) -> None:
        """Write arrays and json to an existing, empty folder; the same model, the same bytes."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        ...


def require_articles(histories: Histories, n_articles: int | None, name: str) -> None:
    """Refuse histories of other articles than a model was fitted on.

    Args:
        histories: that come with a request.
        n_articles: how many articles the model was fitted on; None in versions that do not say.
        name: of the model.

    Raises:
        BadInput: there are more or fewer; their keys would mean other articles.
    """
    if n_articles is not None and histories.n_articles != n_articles:
        raise BadInput(
            f"histories have one column per article that '{name}' was fitted on ({n_articles:,})",
            found=f"{histories.n_articles:,} columns",
            fix="build them with the articles of the fit, in the same order",
        )


def by_rank(
    articles: npt.NDArray[np.int32], sources: npt.NDArray[np.int16], names: tuple[str, ...]
) -> Recommendations:
    """Return lists with 1 / rank for their scores."""
    ranks = np.arange(1, articles.shape[1] + 1, dtype=np.float32)
    scores = np.where(articles == NO_ARTICLE, -np.inf, 1 / ranks).astype(np.float32)
    return Recommendations(articles, scores, sources, names)


def reordered(lists: Recommendations, order: npt.NDArray[np.intp]) -> Recommendations:
    """Return, of each list, the articles at the positions `order`, scored by their new rank."""
    articles = np.take_along_axis(lists.articles, order, axis=1)
    return by_rank(articles, np.take_along_axis(lists.sources, order, axis=1), lists.source_names)


def first_where(
    lists: Recommendations, is_listed: npt.NDArray[np.bool_], k: int
) -> Recommendations:
    """Return, of each list, the first k articles that are to be listed, with score and source.

    Args:
        lists: of shape (customers, any).
        is_listed: bool of the same shape; NO_ARTICLE is never listed.
        k: length of the result's lists.
    """
    is_listed = is_listed & (lists.articles != NO_ARTICLE)
    order = np.argsort(~is_listed, axis=1, kind="stable")[:, :k]
    is_first = np.take_along_axis(is_listed, order, axis=1)
    articles, scores, sources = (
        np.where(is_first, np.take_along_axis(part, order, axis=1), part.dtype.type(otherwise))
        for part, otherwise in (
            (lists.articles, NO_ARTICLE),
            (lists.scores, -np.inf),
            (lists.sources, 0),
        )
    )
    return Recommendations(articles, scores, sources, lists.source_names)


def keys_at(
    position: npt.NDArray[np.int32], offered: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Return the offered articles at these positions; NO_ARTICLE stays what it is."""
    if not len(offered):
        return np.full_like(position, NO_ARTICLE)
    return np.where(position == NO_ARTICLE, np.int32(NO_ARTICLE), offered[position])


def columns_of(
    articles: npt.NDArray[np.int32], offered: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Return the position of each article among the offered ones, -1 for one that is not.

    >>> columns_of(np.array([2, 5, 9], np.int32), np.array([2, 9], np.int32)).tolist()
    [0, -1, 1]
    """
    if not len(offered):
        return np.full(len(articles), -1, np.int32)
    positions = np.minimum(np.searchsorted(offered, articles), len(offered) - 1)
    return np.where(offered[positions] == articles, positions, -1).astype(np.int32)


def recommendations_from(
    name: str, articles: npt.NDArray[np.int32], scores: npt.NDArray[np.float32]
) -> Recommendations:
    """Return the recommendations of a single model under its name."""
    return Recommendations(articles, scores, np.zeros(articles.shape, np.int16), (name,))
