"""What is timed inside a list: each model that proposes, the features, the trees, their best.

Every part reads what the parts before it have made for the same customer, so they are called in
their order; cost_rows does.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.shop.answer_costs import Parts
from hemline.data.histories import Histories
from hemline.kernels.lists import empty_lists
from hemline.models.ranker.candidate_loops import fill_best
from hemline.models.ranker.candidates import Candidates, collect_candidates
from hemline.models.ranker.pair_features import Matrix, pair_features
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.sources import offered_by
from hemline.models.recommender import Opened, Recommendations, Recommender, ScoresPairs

LENGTH: Final = 72
"""Of the ranker's list from which the shop chooses twelve articles."""


class _Made:
    """A model that gives what it was made to recommend last."""

    name: Final = "made"
    source_names: Final = ("made",)

    def __init__(self, model: Recommender) -> None:
        self._model = model
        self._made: Recommendations | None = None
        self._opened: Opened | None = None

    def make(self, histories: Histories, k: int) -> None:
        if isinstance(self._model, ScoresPairs):
            self._opened = self._model.open(histories)
            self._made = self._opened.recommend(k)
        else:
            self._made = self._model.recommend(histories, k)

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return what was made; for the same histories and k."""
        del histories, k
        if self._made is None:
            raise ValueError("parts of a list are called in their order")
        return self._made

    def open(self, histories: Histories) -> "_MadeOpened":
        """Return what was made and the model that was opened for it."""
        if self._opened is None:
            raise ValueError("parts of a list are called in their order")
        return _MadeOpened(self.recommend(histories, 0), self._opened)


class _MadeOpened(NamedTuple):
    """A list that was made, and the model that scores the pairs of all lists."""

    made: Recommendations
    opened: Opened

    def recommend(self, k: int) -> Recommendations:
        """Return what was made; for the same k."""
        del k
        return self.made

    def scores(self, rows: npt.NDArray[np.int64], articles: npt.NDArray[np.int32]) -> Matrix:
        """Return the score of each pair."""
        return self.opened.scores(rows, articles)


class ListParts:
    """The parts of the list that a ranker makes for one customer.

    Attributes:
        listed: the articles of the last list, int32 of shape (1, LENGTH).
    """

    def __init__(self, ranker: Ranker, row_of: Callable[[str], Histories]) -> None:
        """Take the ranker, and what returns the history of a customer_id as one row."""
        self._ranker, self._row_of = ranker, row_of
        self._sources = {name: _Made(model) for name, model in ranker.sources.items()}
        self._offered = offered_by(ranker.settings, ranker.features)
        self._row: Histories
        self._candidates: Candidates
        self._features: Matrix
        self._scores: npt.NDArray[np.float32]
        self.listed: npt.NDArray[np.int32]

    def parts(self) -> Parts:
        """Return the parts by name, in the order of the calls."""
        sources = {name: self._proposed(name) for name in self._ranker.settings.depths}
        return {
            "the history": self._read_history,
            **sources,
            "candidates": self._collect,
            "features of the candidates": self._describe,
            "trees": self._score,
            "the best": self._choose,
        }

    def _read_history(self, customer_id: str) -> None:
        self._row = self._row_of(customer_id)

    def _proposed(self, name: str) -> Callable[[str], None]:
        source, depth = self._sources[name], self._ranker.settings.depths[name]
        return lambda _: source.make(self._row, depth)

    def _collect(self, _: str) -> None:
        settings = self._ranker.settings
        self._candidates = collect_candidates(
            self._sources, settings.depths, self._row, self._offered, settings.scoring
        )

    def _describe(self, _: str) -> None:
        described = self._candidates, self._row, self._ranker.features, self._ranker.settings
        self._features = pair_features(*described)

    def _score(self, _: str) -> None:
        self._scores = self._ranker.trees.score(self._features).astype(np.float32)

    def _choose(self, _: str) -> None:
        self.listed, scores = empty_lists(1, LENGTH)
        proposed = np.zeros(self.listed.shape, np.int16)
        pairs = self._candidates.rows, self._candidates.articles, self._candidates.ranks
        fill_best(*pairs, self._scores, self.listed, scores, proposed)
