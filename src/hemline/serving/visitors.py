"""The customers of a version and their histories, mapped; and guests as customers without one."""

from pathlib import Path

import numpy as np

from hemline import columns
from hemline.arrays import load_array
from hemline.data.expectations.thresholds import ValidateParams
from hemline.data.identifiers import SHORTEST_START, accepts_start, find_customer
from hemline.data.unlikes import Unlikes
from hemline.segments.attributes import age_band_of
from hemline.segments.cold_customers import ColdCustomer, allowed_customer, attributes_of
from hemline.segments.kmodes import Segmentation
from hemline.serving.id_index import IdIndex
from hemline.serving.visitor_history import SessionState, VisitorHistory


class Visitors:
    """Who may request a list from a version."""

    def __init__(self, layout: Path) -> None:
        self._index = IdIndex.load(layout / "customers")
        self._allowed = ValidateParams.load(layout / "params.yaml")
        self._segmentation = Segmentation.load(layout / "models" / "clusters")
        self._indptr, self._articles, self._units, self._days_ago, self._clusters, self._bands = (
            load_array(layout / "histories" / f"{name}.npy")
            for name in ("indptr", "indices", "units", "days_ago", "clusters", "age_bands")
        )
        self._unlikes = Unlikes.load(layout / "histories")

    def find(self, customer_id: str) -> int:
        """Return the key of a customer; raises BadInput as `Answers.find_customer`."""
        index = self._index
        keys_starting_with = index.keys_starting_with
        return find_customer(customer_id, index.key_of, keys_starting_with, index.longest)

    @property
    def shortest_id(self) -> int:
        """How many characters of a customer_id are enough where ids are long; else 1."""
        return SHORTEST_START if accepts_start(self._index.longest) else 1

    @property
    def knows_age(self) -> bool:
        """Whether clusters are built on age bands."""
        return columns.AGE_BAND in self._segmentation.attributes

    def key_of(self, customer_id: str) -> int | None:
        """Return the key of a whole customer_id, or None."""
        return self._index.key_of(customer_id)

    def id_of(self, customer: int) -> str:
        """Return the customer_id of a key."""
        return self._index.id_of(customer)

    def history(self, visitor: int | ColdCustomer, session: SessionState) -> VisitorHistory:
        """Return the history of a customer's key or a guest, session included.

        Raises:
            BadInput: section validate of the version's params.yaml does not allow an attribute.
        """
        if isinstance(visitor, ColdCustomer):
            return self._of_guest(visitor).with_session(session)
        return self._of_customer(visitor).with_session(session)

    def _of_customer(self, customer: int) -> VisitorHistory:
        row = slice(int(self._indptr[customer]), int(self._indptr[customer + 1]))
        return VisitorHistory(
            self._articles[row],
            self._units[row],
            self._days_ago[row],
            int(self._clusters[customer]),
            int(self._bands[customer]),
            self._unlikes.of_row(customer),
        )

    def _of_guest(self, guest: ColdCustomer) -> VisitorHistory:
        allowed = allowed_customer(guest, self._allowed)
        nothing = np.empty(0, np.float32)
        return VisitorHistory(
            nothing.astype(np.int32),
            nothing,
            nothing,
            self._segmentation.cluster_of(attributes_of(allowed)),
            -1 if allowed.age is None else age_band_of(allowed.age),
        )
