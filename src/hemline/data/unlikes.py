"""What customers do not want to see: a cut applies to it as to purchases.

An unlike has the day it was given and, if the customer undid it, the day of that. At a cut it holds
if it was given before the cut and not undone before it. Whatever is learned or listed at a cut
reads the unlikes that hold there, and no later ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.arrays import load_array

if TYPE_CHECKING:
    import pandas as pd

_SAVED: Final = "unliked_by", "unliked"
"""Names of the arrays in a file of histories."""


@dataclass(frozen=True)
class Unlikes:
    """The unlikes that hold at the cut of some histories.

    Attributes:
        rows: int32 of shape (unlikes,), ascending; row of the histories.
        articles: int32 beside `rows`, ascending within a row.
    """

    rows: npt.NDArray[np.int32]
    articles: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)

    @classmethod
    def none(cls) -> Self:
        """Return no unlikes."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32))

    @classmethod
    def at(cls, unlikes: "pd.DataFrame", cut: date) -> Self:
        """Return the unlikes of tables.UNLIKES that hold at the cut, by key of the customer."""
        given, undone = (
            unlikes[name].to_numpy("datetime64[D]") for name in (columns.DAY, columns.UNDONE)
        )
        day = np.datetime64(cut, "D")
        holds = (given < day) & ~(undone < day)  # a missing day is never before another
        rows, articles = (
            unlikes[name].to_numpy(np.int32)[holds] for name in (columns.CUSTOMER, columns.ARTICLE)
        )
        order = np.lexsort((articles, rows))
        return cls(rows[order], articles[order])

    def of_rows(self, rows: npt.NDArray[np.int_]) -> Self:
        """Return the unlikes of some rows, numbered by their place among these."""
        if not len(self):
            return self
        starts = np.searchsorted(self.rows, rows)
        counts = np.searchsorted(self.rows, rows, side="right") - starts
        first = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(starts - first, counts)
        numbered = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
        return type(self)(numbered, self.articles[places])

    def of_row(self, row: int) -> npt.NDArray[np.int32]:
        """Return the articles that one row does not want."""
        return self.articles[slice(*np.searchsorted(self.rows, [row, row + 1]))]

    def in_articles(self, key_of: npt.NDArray[np.intp]) -> Self:
        """Return them with article j named key_of[j], and left out where that is negative."""
        articles = key_of[self.articles] if len(self) else self.articles
        known = articles >= 0
        rows, articles = self.rows[known], articles[known].astype(np.int32)
        order = np.lexsort((articles, rows))
        return type(self)(rows[order], articles[order])

    def include(
        self, rows: npt.NDArray[np.integer[Any]], articles: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.bool_]:
        """Return whether each pair of a row and an article is an unlike.

        Args:
            rows: of any shape.
            articles: keys, of a shape that goes with it; a negative one is no article.
        """
        width = np.int64(max(self.articles.max(initial=0), articles.max(initial=0)) + 2)
        unliked = self.rows * width + self.articles
        return np.asarray(np.isin(rows * width + articles, unliked) & (articles >= 0))

    def to_arrays(self) -> dict[str, npt.NDArray[np.int32]]:
        """Return the arrays to save beside a history's."""
        return dict(zip(_SAVED, (self.rows, self.articles), strict=True))

    @classmethod
    def from_arrays(cls, saved: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return them from saved arrays; files of before the shop have none."""
        if _SAVED[0] not in saved:
            return cls.none()
        return cls(*(np.asarray(saved[name]) for name in _SAVED))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return those of a folder of arrays (arrays.lay_out)."""
        paths = [folder / f"{name}.npy" for name in _SAVED]
        return cls(*map(load_array, paths)) if paths[0].exists() else cls.none()
