"""What every model is: something that recommends ranked articles for histories.

Models know articles; histories come with the request. A model is fitted once, holds no customer,
and recommends for any `Histories`: the training customers, next week's, or a cold customer.
That is what lets one fitted version serve fresh purchases, and the gate compare an old champion on
today's histories.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
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
        """The names of the sources of its lists, whatever it is asked."""
        ...

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return up to k articles per row of histories, without duplicates, the same every time."""
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


def keys_at(
    position: npt.NDArray[np.int32], offered: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Return the offered articles at these positions; NO_ARTICLE stays what it is."""
    if not len(offered):
        return np.full_like(position, NO_ARTICLE)
    return np.where(position == NO_ARTICLE, np.int32(NO_ARTICLE), offered[position])


def recommendations_from(
    name: str, articles: npt.NDArray[np.int32], scores: npt.NDArray[np.float32]
) -> Recommendations:
    """Return the recommendations of a single model under its name."""
    return Recommendations(articles, scores, np.zeros(articles.shape, np.int16), (name,))
