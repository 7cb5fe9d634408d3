"""What any model can be fitted from, as it was known at any cut.

A stage fits one model at `data.cut` from files. Here any model is fitted at any earlier day from
the purchases before it, by the same functions with the same parameters, so that what a backtest
scores is what the pipeline would have served that day.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from hemline import columns
from hemline.data.guests import guest_histories
from hemline.data.histories import Histories, with_segments
from hemline.data.history_building import build_histories, no_unlikes, without_unliked
from hemline.data.split import DataParams, weeks_of
from hemline.data.unlikes import Unlikes
from hemline.segments.kmodes import ClusterParams
from hemline.segments.segmenting import Past, depends_on_purchases, segment_customers


@dataclass(frozen=True)
class Shop:
    """What any model can be fitted from.

    Attributes:
        purchases: tables.PURCHASES, ordered by day; may reach beyond the cuts.
        articles: as tables.read_described returns them.
        segments: tables.SEGMENTS.
        data: how long histories and held-out weeks are.
        unlikes: tables.UNLIKES; may reach beyond the cuts, as the purchases.
        customers: as tables.read_described returns them; needed where segments depend on purchases.
        clusters: section `cluster`, needed likewise.
        guests: guests.GUEST_PURCHASES; None where the shop has no sales without a customer.
    """

    purchases: pd.DataFrame
    articles: pd.DataFrame
    segments: pd.DataFrame
    data: DataParams
    unlikes: pd.DataFrame = field(default_factory=no_unlikes)
    customers: pd.DataFrame | None = None
    clusters: ClusterParams | None = None
    guests: pd.DataFrame | None = None

    def purchases_in(self, start: date, end: date) -> pd.DataFrame:
        """Return the purchases from start up to, and without, end."""
        days = self.purchases[columns.DAY].to_numpy("datetime64[D]")
        first, last = np.searchsorted(days, np.array([start, end], "datetime64[D]"))
        return self.purchases.iloc[first:last]

    def purchases_before(self, cut: date) -> pd.DataFrame:
        """Return the purchases in the history years before the cut."""
        start = weeks_of(self.data.model_copy(update={"cut": cut})).history_start
        return self.purchases_in(start, cut)

    def known_at(self, cut: date) -> Histories:
        """Return the histories of all customers at the cut, with their segments."""
        known = self._histories(self.purchases_before(cut), cut, self.unlikes)
        return with_segments(known, self.segments_at(cut))

    def learned_from(self, cut: date) -> pd.DataFrame:
        """Return the purchases in the histories at the cut, in order of their days."""
        return without_unliked(self.purchases_before(cut), Unlikes.at(self.unlikes, cut))

    def bought_in(self, start: date, end: date) -> Histories:
        """Return what all customers bought from start up to, and without, end.

        It is what lists are to predict: purchases count whether they were liked afterwards or not.
        """
        return with_segments(
            self._histories(self.purchases_in(start, end), end, None), self.segments
        )

    def guests_at(self, cut: date) -> Histories | None:
        """Return the baskets of guests before the cut."""
        if self.guests is None:
            return None
        start = weeks_of(self.data.model_copy(update={"cut": cut})).history_start
        days = self.guests[columns.DAY].to_numpy("datetime64[D]")
        first, last = np.searchsorted(days, np.array([start, cut], "datetime64[D]"))
        before = self.guests.iloc[first:last]
        return guest_histories(before, cut=cut, n_articles=len(self.articles))

    def segments_at(self, cut: date) -> pd.DataFrame:
        """Return tables.SEGMENTS as they were at the cut, with nothing of what came after it."""
        if self.customers is None or self.clusters is None:
            return self.segments
        if not self._is_by_behaviour:
            return self.segments
        if cut not in self._segments_by_cut:
            past = Past(
                lambda: self._histories(self.purchases_before(cut), cut, self.unlikes),
                lambda: self.learned_from(cut),
                lambda: self.articles,
            )
            found = segment_customers(self.customers, past, self.clusters)
            self._segments_by_cut[cut] = found.table
        return self._segments_by_cut[cut]

    @cached_property
    def _is_by_behaviour(self) -> bool:
        return self.customers is not None and depends_on_purchases(self.customers)

    @cached_property
    def _segments_by_cut(self) -> dict[date, pd.DataFrame]:
        return {}

    def _histories(
        self, purchases: pd.DataFrame, cut: date, unlikes: pd.DataFrame | None
    ) -> Histories:
        return build_histories(
            purchases,
            cut=cut,
            n_customers=len(self.segments),
            n_articles=len(self.articles),
            unlikes=unlikes,
        )
