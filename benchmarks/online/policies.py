"""What lists a living shop may show: those of a registered version, or of one of its models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemline import columns
from hemline.errors import BadInput
from hemline.relocation import DATABASE
from hemline.serving.answers import Answers
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.shop.registered_versions import version_with_number
from hemline.simulation.living_customers import OpenDay
from hemline.simulation.relived_shop import RelivedShop

IntArray = npt.NDArray[np.int64]
Lists = Mapping[int, IntArray]
Policy = Callable[[RelivedShop, OpenDay], Lists]
"""Returns the list of every online visitor of a day, by customer."""


@dataclass(frozen=True)
class VersionPolicy:
    """The lists that a version gives, with what it has seen of the visitor since its cut.

    Attributes:
        answers: of the version.
        model: one of its models instead of what it serves.
        length: of a list.
    """

    answers: Answers
    model: str | None = None
    length: int = 12

    def __call__(self, shop: RelivedShop, opened: OpenDay) -> Lists:
        """Return the list of every online visitor."""
        return {customer: self.list_for(shop, customer) for customer in opened.online}

    def list_for(self, shop: RelivedShop, customer: int) -> IntArray:
        """Return a customer's list: articles by their rows in the shop's catalogue."""
        key = self.answers.find_customer(
            str(shop.world.crowd.customers[columns.CUSTOMER_ID].iat[customer])
        )
        state = SessionState(bought=shop.bought_since(customer, self.answers.cut))
        rules = ListRules(k=self.length)
        if self.model is None:
            answer = self.answers.for_customer(key, state, rules)
        else:
            answer = self.answers.under_model(self.model, key, state, rules)
        return np.array([one.article for one in answer.listed], np.int64)


def open_version(root: Path, number: int) -> Answers:
    """Return the answers of a registered version of a project.

    Raises:
        BadInput: there is none of the number, or its files are damaged.
    """
    version = version_with_number(root / ".hemline" / DATABASE, number)
    if version is None:
        raise BadInput(
            f"the living shop has a version {number}",
            found="none",
            fix="let it live longer: make live WEEKS=12",
        )
    return Answers.open(laid_out(version.files(), version.hashes, root / ".hemline" / "serving"))
