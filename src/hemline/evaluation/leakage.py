"""The leak check: what happens from the cut on must not change a single list.

Models are fitted at a cut on the purchases as they are, then with customers, articles and prices
from the cut on shuffled, then with everything from the cut on deleted. Any difference at any place
of any list is a leak, whatever its cause: a count over the whole period, a feature fitted once, a
forgotten filter. The price is two more fits.

Where a list differs, everything is fitted once more on unchanged purchases: a model that is not
deterministic cannot be checked, and is refused for that reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline import columns
from hemline.errors import BadInput

Lists = Mapping[str, npt.NDArray[np.int32]]
RecommendAt = Callable[[pd.DataFrame, date], Lists]
"""From purchases and a cut to lists by name of the model, for the same customers each time."""

_N_EXAMPLES: Final = 5
_SHUFFLED: Final = (columns.CUSTOMER, columns.ARTICLE, columns.PRICE)


@dataclass(frozen=True)
class Leak:
    """A model whose lists depend on what came after the cut.

    Attributes:
        model: its name.
        change: how the purchases from the cut on were changed.
        n_changed: how many lists differ.
        n_lists: how many were compared.
        examples: rows of the first lists that differ.
    """

    model: str
    change: str
    n_changed: int
    n_lists: int
    examples: tuple[int, ...]

    def __str__(self) -> str:
        """Return the leak as a sentence."""
        rows = ", ".join(map(str, self.examples))
        return (
            f"{self.model}: {self.n_changed:,} of {self.n_lists:,} lists differ after the future "
            f"was {self.change} (rows {rows})"
        )


def find_leaks(
    recommend_at: RecommendAt, purchases: pd.DataFrame, cut: date, *, rng: np.random.Generator
) -> list[Leak]:
    """Return a leak for every model and change of the future that changes a list.

    Args:
        recommend_at: fits and recommends; called three times, and once more if a list differs.
        purchases: tables.PURCHASES or TRANSACTIONS, some on or after the cut.
        cut: the first day that must not be known.
        rng: shuffles.

    Raises:
        BadInput: a model gives different lists for the same purchases.
        ValueError: there is nothing on or after the cut, so nothing could leak.
    """
    unchanged = recommend_at(purchases, cut)
    leaks = [
        leak
        for change, changed in _changed(purchases, cut, rng)
        for leak in _differences(unchanged, recommend_at(changed, cut), change)
    ]
    if leaks:
        again = _differences(unchanged, recommend_at(purchases, cut), "left unchanged")
        _refuse_nondeterminism(again)
    return leaks


def refuse_leaks(leaks: list[Leak]) -> None:
    """Raise BadInput that names each leak, if there is one."""
    if leaks:
        raise BadInput(
            "purchases from the cut on change no list",
            found="; ".join(map(str, leaks)),
            fix="fit the model, and every feature it reads, on purchases before the cut only",
        )


def _changed(
    purchases: pd.DataFrame, cut: date, rng: np.random.Generator
) -> Iterator[tuple[str, pd.DataFrame]]:
    is_future = purchases[columns.DAY].to_numpy("datetime64[D]") >= np.datetime64(cut, "D")
    future = np.flatnonzero(is_future)
    if len(future) == 0:
        raise ValueError(f"no purchase on or after {cut}, so nothing could leak")
    shuffled = purchases.copy()
    for name in _SHUFFLED:
        values = purchases[name].to_numpy(copy=True)
        values[future] = values[rng.permutation(future)]
        shuffled[name] = values
    yield "shuffled", shuffled
    yield "deleted", purchases[~is_future]


def _differences(left: Lists, right: Lists, change: str) -> list[Leak]:
    leaks = []
    for model, articles in left.items():
        rows = np.flatnonzero((articles != right[model]).any(axis=1))
        if len(rows):
            examples = tuple(int(row) for row in rows[:_N_EXAMPLES])
            leaks.append(Leak(model, change, len(rows), len(articles), examples))
    return leaks


def _refuse_nondeterminism(differences: list[Leak]) -> None:
    if differences:
        raise BadInput(
            "a model gives the same lists for the same purchases",
            found="; ".join(map(str, differences)),
            fix="seed every random generator, and sum in a fixed order",
        )
