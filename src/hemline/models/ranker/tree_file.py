"""The ranker's trees as LightGBM's text and, beside it, as the arrays that score them.

Whoever only recommends reads the arrays and never imports LightGBM, which takes more than a second
and 70 MB. The text is what LightGBM itself reads: it says what each feature gained, scores trees
that the arrays cannot hold, and is all that versions have that were saved before the arrays were.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_arrays, save_arrays
from hemline.kernels.quickscorer import Trees, plain_trees, score_trees

if TYPE_CHECKING:
    import lightgbm as lgb

_FEATURE_NAMES = re.compile("^feature_names=(.*)$", re.MULTILINE)
_TEXT = "trees.txt"
_ARRAYS = "trees.npz"


@dataclass(frozen=True)
class TreeFile:
    """Fitted trees.

    Attributes:
        text: LightGBM's, of the trees up to the best one.
        arrays: None where the arrays cannot hold the trees.
    """

    text: str
    arrays: Trees | None

    @classmethod
    def of(cls, booster: "lgb.Booster") -> Self:
        """Return the trees of a booster up to its best one."""
        return cls(booster.model_to_string(), plain_trees(booster))

    def score(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the raw score of each row of features."""
        if self.arrays is None:
            return np.asarray(self.booster.predict(features), np.float64)
        return score_trees(self.arrays, features)

    @cached_property
    def booster(self) -> "lgb.Booster":
        """The trees as LightGBM reads them."""
        import lightgbm as lgb  # noqa: PLC0415  (slow, and not needed to recommend)

        return lgb.Booster(model_str=self.text)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of their columns."""
        found = _FEATURE_NAMES.search(self.text)
        return tuple(found[1].split()) if found else ()

    def gains(self) -> tuple[Sequence[str], npt.NDArray[np.float64]]:
        """Return the names of the features, and how much all splits on each of them gained."""
        gains = self.booster.feature_importance("gain")
        return self.booster.feature_name(), np.asarray(gains, np.float64)

    def save(self, folder: Path) -> None:
        """Write the text and, where there are arrays, these."""
        (folder / _TEXT).write_text(self.text, encoding="utf-8")
        if self.arrays is not None:
            save_arrays(folder / _ARRAYS, self.arrays._asdict())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the trees saved in folder; where there are only the text, LightGBM reads it."""
        text = (folder / _TEXT).read_text(encoding="utf-8")
        is_laid_out = (folder / _ARRAYS).with_suffix("").is_dir()
        if is_laid_out or (folder / _ARRAYS).exists():
            return cls(text, Trees(**load_arrays(folder / _ARRAYS)))
        return cls(text, plain_trees(cls(text, None).booster))
