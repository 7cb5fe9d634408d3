"""What the shop has seen of a visitor since the cut, and how it enters the history.

A purchase and an article in the basket count like a purchase of yesterday, the newest day there is,
and go through the same models as any other: nothing is retrained. A view does not enter the
history: people look at far more than they buy, and the models have learned from purchases only. It
only counts as a sign of interest in the article's group (hemline/serving/shop_order.py).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from hemline.data.histories import Histories
from hemline.models.label_shift import YESTERDAY


@dataclass(frozen=True)
class SessionState:
    """What the shop has seen of a visitor since the version's cut, in its article keys.

    Attributes:
        bought: purchases; an article that was returned is not among them.
        basket: what lies in the basket.
        viewed: whose page was opened.
        unliked: what the visitor does not want to see.
        undone: what is no longer unliked, whatever the version's histories say.
    """

    bought: tuple[int, ...] = ()
    basket: tuple[int, ...] = ()
    viewed: tuple[int, ...] = ()
    unliked: tuple[int, ...] = ()
    undone: tuple[int, ...] = ()


@dataclass(frozen=True)
class VisitorHistory:
    """One visitor's purchases, session included, and segment.

    Attributes:
        articles: int32 keys, rising.
        units: float32, how many of each.
        days_ago: float32, days from the last purchase of each to the cut.
        cluster: of the version.
        age_band: index into segments.attributes.AGE_BANDS, or -1.
        unliked: int32 keys, ascending; what the visitor does not want to see.
    """

    articles: npt.NDArray[np.int32]
    units: npt.NDArray[np.float32]
    days_ago: npt.NDArray[np.float32]
    cluster: int
    age_band: int
    unliked: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def is_cold(self) -> bool:
        """Whether nothing is in the history."""
        return len(self.articles) == 0

    def latest(self, n: int) -> npt.NDArray[np.int32]:
        """Return the n articles bought last, latest first; of one day the lower key first."""
        return self.articles[np.argsort(self.days_ago, kind="stable")[:n]]

    def dated(self, n: int) -> list[tuple[int, int]]:
        """Return the same n articles and how many days before the cut each was bought last."""
        places = np.argsort(self.days_ago, kind="stable")[:n]
        return [(int(self.articles[one]), int(self.days_ago[one])) for one in places]

    def with_session(self, session: SessionState) -> "VisitorHistory":
        """Return the history with the session's purchases, basket and unlikes."""
        unliked = self._unliked_with(session)
        added = np.array([*session.bought, *session.basket], np.int32)
        if not len(added):
            return replace(self, unliked=unliked)
        articles, place = np.unique(np.concatenate([self.articles, added]), return_inverse=True)
        units = np.bincount(place, np.concatenate([self.units, np.ones(len(added))]))
        days = np.full(len(articles), np.inf, np.float32)
        newest = np.full(len(added), YESTERDAY, np.float32)
        np.minimum.at(days, place, np.concatenate([self.days_ago, newest]))
        return VisitorHistory(
            articles.astype(np.int32),
            units.astype(np.float32),
            days,
            self.cluster,
            self.age_band,
            unliked,
        )

    def _unliked_with(self, session: SessionState) -> npt.NDArray[np.int32]:
        if not (session.unliked or session.undone):
            return self.unliked
        before = self.unliked[~np.isin(self.unliked, np.array(session.undone, np.int32))]
        return np.union1d(before, np.array(session.unliked, np.int32))

    def as_histories(self, n_articles: int) -> Histories:
        """Return the same as one row of histories."""
        return Histories.of_one(
            self.articles,
            self.units,
            self.days_ago,
            cluster=self.cluster,
            age_band=self.age_band,
            n_articles=n_articles,
        )
