"""The proposals that only the ranker makes: all own articles, and what else a product comes in.

Neither is good enough to answer alone, which is why they are no rows of the score table: an own
article of last winter, or another size of colours, needs the trees to be told apart from noise.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.neighbours import Neighbours
from hemline.models.ranker.article_features import ArticleFeatures
from hemline.models.recommender import Recommender
from hemline.models.repurchase import Repurchase

SAME_PRODUCT: Final = "same_product"
OWN: Final = "own_articles"
_SIBLINGS: Final = 10
_LATEST_ARTICLES: Final = 20


@dataclass(frozen=True)
class Proposals:
    """Who proposes articles to the ranker.

    Attributes:
        depths: by name of the model, how many articles it may propose to a customer.
        repurchase_days: how old a purchase may be to be proposed again.
    """

    depths: dict[str, int]
    repurchase_days: int

    def save(self, folder: Path) -> None:
        """Write the numbers as json, the order of the models kept."""
        content = json.dumps(asdict(self), indent=1)
        (folder / "proposals.json").write_text(content + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the proposals saved in folder."""
        return cls(**json.loads((folder / "proposals.json").read_text(encoding="utf-8")))


def sources_of(
    proposals: Proposals, facts: ArticleFeatures, models: Mapping[str, Recommender]
) -> dict[str, Recommender]:
    """Return the models that propose, the ranker's own among them, by name.

    Raises:
        BadInput: a model is to propose that is not there.
    """
    own: dict[str, Recommender] = {
        OWN: Repurchase(max_days=proposals.repurchase_days, units_weight=0.5, name=OWN),
        SAME_PRODUCT: same_product(facts),
    }
    known = {**models, **own}
    absent = [name for name in proposals.depths if name not in known]
    if absent:
        raise BadInput(
            f"the ranker's candidates come from fitted models ({', '.join(sorted(known))})",
            found=", ".join(absent),
            fix="correct rank.candidates in params.yaml",
        )
    return {name: known[name] for name in proposals.depths}


def same_product(facts: ArticleFeatures) -> Neighbours:
    """Return, for every article, the articles on sale with its product code, best-selling first."""
    product = facts.codes[:, 0].astype(np.int64)
    on_sale = np.flatnonzero(facts.is_on_sale)
    order = on_sale[np.lexsort((-facts.column("sold_28d")[on_sale], product[on_sale]))]
    starts = np.searchsorted(product[order], np.arange(int(product.max(initial=0)) + 2))
    place = starts[product][:, None] + np.arange(_SIBLINGS + 1)
    inside = place < starts[product + 1][:, None]
    listed = np.where(inside, np.append(order, NO_ARTICLE)[np.where(inside, place, -1)], NO_ARTICLE)
    return Neighbours(SAME_PRODUCT, *_without_itself(listed), _LATEST_ARTICLES)


def _without_itself(
    listed: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    itself = listed == np.arange(len(listed))[:, None]
    others = np.where(itself, NO_ARTICLE, listed)
    order = np.argsort(others == NO_ARTICLE, axis=1, kind="stable")[:, :_SIBLINGS]
    articles = np.take_along_axis(others, order, axis=1).astype(np.int32)
    falling = 1.0 / np.arange(1, _SIBLINGS + 1, dtype=np.float32)
    scores = np.where(articles == NO_ARTICLE, -np.inf, falling)
    return articles, scores.astype(np.float32)
