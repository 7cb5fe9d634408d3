"""The order in which the shop shows a list: what moves down, and what is not shown first.

Three rules, all fixed and none learned. They apply after filters, in this order:
1. A look-alike of an article that the visitor does not want (the same product, or one of its
   nearest by text) moves down by `answers.places_down` places.
2. So does, for a visitor of whom no purchase is known, an article of a group that is out of season
   (hemline/serving/season.py) or in `answers.on_request`, unless they looked at one of that group.
3. An article of a discreet group is not the first, if one of another group follows within
   `answers.places_down` places of the end of the list: that one then moves to the front.

To move down by n places means to be ordered as if standing n places later, after what stands there.
`hemline export` orders what is served by the same lines.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.neighbours import Neighbours
from hemline.models.recommender import Recommendations, Recommender, reordered
from hemline.serving.shop_groups import ShopGroups

_AFTER_ALL: Final = 1 << 30


def shown_order(
    places_down: npt.NDArray[np.int_], is_discreet: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    """Return the positions of each row's articles in the order in which they are shown.

    Args:
        places_down: int of shape (lists, length), by how many places each article moves down.
        is_discreet: bool of the same shape, whether each may not be shown first.

    >>> shown_order(np.array([[1, 0, 0]]), np.array([[False, True, False]]))
    array([[0, 1, 2]])
    """
    to = np.arange(places_down.shape[1])
    # Of two at one place the one that did not move comes first.
    order = np.argsort(2 * (to + places_down) + (places_down > 0), axis=1, kind="stable")
    discreet = np.take_along_axis(is_discreet, order, axis=1)
    first = np.where(discreet.all(axis=1), 0, discreet.argmin(axis=1))[:, None]
    source = np.where(to == 0, first, to - (to <= first))
    return np.take_along_axis(order, source, axis=1)


@dataclass(frozen=True)
class LookAlikes:
    """What looks like an article: the same product, or one of the nearest by text.

    Attributes:
        products: int32 of shape (articles,), equal where the product code is equal.
        alike: the nearest by text.
    """

    products: npt.NDArray[np.int32]
    alike: Neighbours

    def of(
        self, unliked: npt.NDArray[np.int32], keys: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.bool_]:
        """Return whether each of the articles `keys` looks like one of those unliked."""
        if not len(unliked):
            return np.zeros(keys.shape, bool)
        same_product = np.isin(self.products[keys], self.products[unliked])
        return np.asarray(same_product | np.isin(keys, self.alike.around(unliked)[0]))


@dataclass(frozen=True)
class AsShown:
    """A Recommender whose lists are in the order in which the shop shows them, without a session.

    Attributes:
        model: what ranks them.
        groups: of the version's articles.
        look_alikes: of the version's articles.
        places_down: answers.places_down.
    """

    model: Recommender
    groups: ShopGroups
    look_alikes: LookAlikes
    places_down: int

    @property
    def name(self) -> str:
        """The name of the model inside."""
        return self.model.name

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources of the model inside."""
        return self.model.source_names

    def recommend(self, histories: Histories, k: int) -> Recommendations:
        """Return lists of length k in the shop's order; a score is 1 / rank."""
        lists = self.model.recommend(histories, k + self.places_down)
        is_listed = lists.articles != NO_ARTICLE
        keys = np.where(is_listed, lists.articles, 0)
        is_moved = self.groups.is_demoted[keys] & histories.is_cold()[:, None]
        for row in np.unique(histories.unlikes.rows):
            is_moved[row] |= self.look_alikes.of(histories.unlikes.of_row(row), keys[row])
        down = np.where(is_listed, self.places_down * is_moved, _AFTER_ALL)
        order = shown_order(down, self.groups.is_discreet[keys] | ~is_listed)[:, :k]
        return reordered(lists, order)
