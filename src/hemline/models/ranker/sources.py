"""Which models propose articles to the ranker, and the two sources that only the ranker has.

These two, all own articles and what else a product comes in, are not good enough alone, which is
why they are no rows of the score table: an own article of last winter, or another colour of a
product, needs the trees to be separated from noise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.neighbours import Neighbours
from hemline.models.ranker.article_features import ArticleFeatures
from hemline.models.ranker.candidate_loops import Offered
from hemline.models.ranker.feature_groups import scoring_sources
from hemline.models.recommender import Recommender
from hemline.models.repurchase import Repurchase

SAME_PRODUCT: Final = "same_product"
OWN: Final = "own_articles"


@dataclass(frozen=True)
class RankerSettings:
    """What a saved ranker needs to know to propose and to describe candidates.

    The defaults are those of rankers that were saved before the number was a setting, so they
    never change. A number at its default is not written: the same ranker, the same bytes.

    Attributes:
        depths: by name of the model, how many articles it may propose to a customer.
        repurchase_days: how old a purchase may be to be proposed again.
        units_weight: of own_articles, as in repurchase.Repurchase.
        same_product_articles: how many other articles of its product an article leads to.
        latest_articles: how many of a customer's latest articles lead to others of their product.
        on_sale_days: an article sold within these days is on sale.
        own_on_sale_days: the same where own articles are proposed again; 0: as the others.
        prior_buyers: how many average buyers an article is given beside its own.
        profile_half_life_days: how fast a purchase decays in a customer's profile.
        features: groups of features beside the usual ones (feature_groups.GROUPS).
    """

    depths: dict[str, int]
    repurchase_days: int
    units_weight: float = 0.5
    same_product_articles: int = 10
    latest_articles: int = 20
    on_sale_days: int = 28
    prior_buyers: float = 20.0
    profile_half_life_days: float = 90.0
    features: tuple[str, ...] = ()
    own_on_sale_days: int = 0

    @property
    def scoring(self) -> tuple[str, ...]:
        """Names of the sources that score every pair."""
        return scoring_sources(self.depths) if "scores" in self.features else ()

    def save(self, folder: Path) -> None:
        """Write the numbers as json; the models in the order of the candidates' columns."""
        changed = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        content = json.dumps(changed, indent=1)
        (folder / "proposals.json").write_text(content + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the settings saved in folder."""
        stored = json.loads((folder / "proposals.json").read_text(encoding="utf-8"))
        return cls(**stored | {"features": tuple(stored.get("features", ()))})


def offered_by(settings: RankerSettings, features: ArticleFeatures) -> Offered:
    """Return which articles may be proposed: those on sale, and own ones for longer."""
    own_days = settings.own_on_sale_days or settings.on_sale_days
    return Offered(
        features.is_on_sale(settings.on_sale_days),
        features.is_on_sale(own_days),
        list(settings.depths).index(OWN) if OWN in settings.depths else -1,
    )


def sources_of(
    settings: RankerSettings, features: ArticleFeatures, models: Mapping[str, Recommender]
) -> dict[str, Recommender]:
    """Return the models that propose, the ranker's own among them, by name.

    Raises:
        BadInput: a model is to propose that is not there.
    """
    own: dict[str, Recommender] = {
        OWN: Repurchase(settings.repurchase_days, settings.units_weight, name=OWN),
        SAME_PRODUCT: same_product(features, settings),
    }
    known = {**models, **own}
    absent = [name for name in settings.depths if name not in known]
    if absent:
        raise BadInput(
            f"the ranker's candidates come from fitted models ({', '.join(sorted(known))})",
            found=", ".join(absent),
            fix="correct rank.candidates in params.yaml",
        )
    return {name: known[name] for name in settings.depths}


def same_product(features: ArticleFeatures, settings: RankerSettings) -> Neighbours:
    """Return, for every article, the articles on sale with its product code, best-selling first."""
    n_listed = settings.same_product_articles
    product = features.codes[:, 0].astype(np.int64)
    on_sale = np.flatnonzero(features.is_on_sale(settings.on_sale_days))
    order = on_sale[np.lexsort((-features.column("sold_28d")[on_sale], product[on_sale]))]
    starts = np.searchsorted(product[order], np.arange(int(product.max(initial=0)) + 2))
    place = starts[product][:, None] + np.arange(n_listed + 1)
    inside = place < starts[product + 1][:, None]
    listed = np.where(inside, np.append(order, NO_ARTICLE)[np.where(inside, place, -1)], NO_ARTICLE)
    return Neighbours(SAME_PRODUCT, *_without_itself(listed, n_listed), settings.latest_articles)


def _without_itself(
    listed: npt.NDArray[np.int64], n_listed: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    itself = listed == np.arange(len(listed))[:, None]
    others = np.where(itself, NO_ARTICLE, listed)
    order = np.argsort(others == NO_ARTICLE, axis=1, kind="stable")[:, :n_listed]
    articles = np.take_along_axis(others, order, axis=1).astype(np.int32)
    falling = 1.0 / np.arange(1, n_listed + 1, dtype=np.float32)
    scores = np.where(articles == NO_ARTICLE, -np.inf, falling)
    return articles, scores.astype(np.float32)
