"""What the customer bought before, latest first: all own articles, for the ranker's trees to weigh.

Versions that were registered before `repurchase_hazard.py` have it as their model "repurchase".
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from hemline.data.histories import Histories
from hemline.models.label_shift import YESTERDAY
from hemline.models.recommender import OneSource, Recommendations, recommendations_from


@dataclass(frozen=True)
class Repurchase(OneSource):
    """The customer's own articles by freshness: (1 + units_weight * ln(units)) / days ago.

    More units win among articles of one day, and outweigh a few days among older ones.

    Attributes:
        max_days: articles last bought longer ago are not offered.
        units_weight: how many times fresher an article looks when bought e times as often.
    """

    max_days: int
    units_weight: float
    name: str = "repurchase"

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return the articles of each history, freshest first; none for a cold customer."""
        from hemline.kernels.history_lists import best_bought  # noqa: PLC0415  (numba)

        days, units = histories.days, histories.counts
        # In float64: logarithms of float32 differ between processors.
        often = 1.0 + self.units_weight * np.log(np.maximum(units, 1).astype(np.float64))
        freshness = often / np.maximum(days, YESTERDAY)
        listed = np.where(days <= self.max_days, freshness, -np.inf).astype(np.float32)
        lists = best_bought(histories.indptr, histories.indices, listed, k)
        return recommendations_from(self.name, *lists)

    def save(self, folder: Path) -> None:
        """Write the two numbers as json."""
        about = {"max_days": self.max_days, "units_weight": self.units_weight}
        (folder / "repurchase.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model saved in folder."""
        return cls(**json.loads((folder / "repurchase.json").read_text(encoding="utf-8")))
