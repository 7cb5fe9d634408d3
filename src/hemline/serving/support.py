"""How many customers bought both articles of an "also bought" pair.

The model saves the cosine and not the count, but the cosine determines it: similarity of j to i is
n_ij / (sqrt(n_i m_j) + shrinkage), and n_i and m_j can be counted in the histories that it was
fitted on. A count that does not come out whole shows that they are other histories. In a shop with
guests the model saves n_i and m_j too, since the baskets of guests are in no history.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hemline.arrays import load_array
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.label_shift import open_window
from hemline.models.neighbours import BUYERS

_LARGEST_RESIDUE: Final = 0.05  # a cosine in float32 determines a count of 100,000 to 0.01


def common_buyers(
    model: Path, histories: dict[str, npt.NDArray[Any]], params: Path
) -> npt.NDArray[np.int32]:
    """Return how many customers, and baskets of guests, ever had i and lately its neighbour j.

    Args:
        model: folder of the fitted co-purchase model.
        histories: indices, days_ago and shape of the histories it was fitted on.
        params: params.yaml that it was fitted with.

    Returns:
        int32 of the shape of the model's neighbours, 0 where there is none.

    Raises:
        BadInput: the model was fitted on other histories or with other numbers.
    """
    from hemline.models.copurchase import CopurchaseParams  # noqa: PLC0415  (scipy: to lay out only)

    fitted = CopurchaseParams.load(params)
    neighbours = load_array(model / "articles.npy")
    cosines = load_array(model / "scores.npy")
    ever, lately = _counted(model, histories, fitted.offered_days)
    is_listed = neighbours != NO_ARTICLE
    row = np.nonzero(is_listed)[0]
    norm = np.sqrt(ever[row].astype(np.float64)) * np.sqrt(lately[neighbours[is_listed]])
    counts = cosines[is_listed].astype(np.float64) * (norm + fitted.shrinkage)
    residue = float(np.abs(counts - np.rint(counts)).max(initial=0))
    if residue > _LARGEST_RESIDUE:
        raise BadInput(
            "the co-purchase model of a version was fitted on the version's histories",
            found=f"pairs of articles with {residue:.2f} of a customer too many or too few",
            fix="train again, which registers a whole version: make demo, or make real DATA=...",
        )
    support = np.zeros(neighbours.shape, np.int32)
    support[is_listed] = np.rint(counts)
    return support


def _counted(
    model: Path, histories: dict[str, npt.NDArray[Any]], offered_days: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """Return, per article, how many bought it ever, and lately."""
    if (model / BUYERS).exists():
        buyers = load_array(model / BUYERS)
        return buyers[:, 0], buyers[:, 1]
    n_articles = int(histories["shape"][1])
    days, bought = histories["days_ago"], histories["indices"]
    is_recent = days <= open_window(days, offered_days)
    ever = np.bincount(bought, minlength=n_articles)
    return ever, np.bincount(bought[is_recent], minlength=n_articles)
