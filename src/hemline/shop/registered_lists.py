"""The lists of a registered version, in this process instead of from the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.relocation import DATABASE
from hemline.serving.answers import Answers
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.shop.registered_versions import version_with_number


@dataclass(frozen=True)
class RegisteredLists:
    """The lists that a version gives, with what it has seen of the visitor since its cut.

    Attributes:
        answers: of the version.
        model: one of its models instead of what it serves.
        length: of a list.
    """

    answers: Answers
    model: str | None = None
    length: int = 12

    def list_for(self, customer_id: str, bought: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return a customer's list: articles by their rows in the shop's catalogue.

        Args:
            customer_id: of a customer that the version knows.
            bought: since its cut, by their rows.
        """
        key = self.answers.find_customer(customer_id)
        state, rules = SessionState(bought=tuple(bought)), ListRules(k=self.length)
        if self.model is None:
            answer = self.answers.for_customer(key, state, rules)
        else:
            answer = self.answers.under_model(self.model, key, state, rules)
        return np.array([one.article for one in answer.listed], np.int64)


def open_version(root: Path, number: int) -> Answers:
    """Return the answers of a registered version of a project.

    Args:
        root: of the project.
        number: of the version.

    Raises:
        BadInput: there is none of the number, or its files are damaged.
    """
    version = version_with_number(root / ".hemline" / DATABASE, number)
    if version is None:
        raise BadInput(
            f"{root} has a registered version {number}",
            found="none",
            fix="hemline history lists the versions",
        )
    return Answers.open(laid_out(version.files(), version.hashes, root / ".hemline" / "serving"))
