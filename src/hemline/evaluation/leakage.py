"""The leak check: what happens from the cut on must not change a single list.

Models are fitted at a cut on the purchases as they are, then with everything from the cut on
deleted, then with customers, articles and prices from the cut on shuffled. Any difference at any
place of any list is a leak, whatever its cause: a count over the whole period, a forgotten filter.

A fit that is stored and used again would pass that, whatever it had seen: the lists never change.
So everything is fitted once more after the purchases *before* the cut had their articles exchanged.
A model whose lists stay the same was not fitted again, be its first fit stored in an object, in a
class, in a module or on disk. With `fresh_processes` the unchanged and the changed purchases are
fitted in two new Pythons, so that one stored feature of a model that is otherwise fitted again
shows as a difference, too. A single feature stored on disk is not found. The price is three more
fits.

Where a list differs, everything is fitted once more on unchanged purchases: a model that is not
deterministic cannot be checked, and is refused for that reason.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
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
_STORED: Final = "stored fit"


@dataclass(frozen=True)
class Leak:
    """A model whose lists depend on what came after the cut, or may: it was not fitted again.

    Attributes:
        model: its name.
        change: how the purchases from the cut on were changed, or "stored fit".
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
        if self.change == _STORED:
            return (
                f"{self.model}: none of {self.n_lists:,} lists differs after all articles bought "
                "before the cut were exchanged, so it is not fitted on them (a stored fit, perhaps)"
            )
        rows = ", ".join(map(str, self.examples))
        return (
            f"{self.model}: {self.n_changed:,} of {self.n_lists:,} lists differ after the future "
            f"was {self.change} (rows {rows})"
        )


def find_leaks(
    recommend_at: RecommendAt,
    purchases: pd.DataFrame,
    cut: date,
    *,
    rng: np.random.Generator,
    refit_at: RecommendAt | None = None,
    unfitted: Collection[str] = (),
    fresh_processes: bool = False,
) -> list[Leak]:
    """Return a leak for every model and change of the future that changes a list.

    A model that gives the same lists after the purchases before the cut were changed is one as
    well: nothing shows that it was fitted again.

    Args:
        recommend_at: fits and recommends; called four times, and once more if a list differs.
        purchases: tables.PURCHASES or TRANSACTIONS, some on or after the cut.
        cut: the first day that must not be known.
        rng: shuffles.
        refit_at: as recommend_at, but the lists are always for the histories of the unchanged
            purchases, so that only the fit can change them. Default: recommend_at.
        unfitted: models that no purchase enters, whose lists need not change with them.
        fresh_processes: run both functions, which can be pickled then, in new processes, where
            nothing is stored yet: one for the unchanged purchases, one for the changed ones.

    Raises:
        BadInput: a model gives different lists for the same purchases.
        ValueError: there is nothing on or after the cut, so nothing could leak.
    """
    with ExitStack() as processes:
        first, later = (_process(processes) if fresh_processes else _call for _ in range(2))
        unchanged = first(recommend_at, purchases, cut)
        leaks = [
            leak
            for change, changed in _changed(purchases, cut, rng)
            for leak in _differences(unchanged, later(recommend_at, changed, cut), change)
        ]
        if leaks:
            again = first(recommend_at, purchases, cut)
            _refuse_nondeterminism(_differences(unchanged, again, "left unchanged"))
        another_past = _with_another_past(purchases, cut, rng)
        refitted = later(refit_at or recommend_at, another_past, cut)
    return [*leaks, *_stored_fits(unchanged, refitted, unfitted)]


def refuse_leaks(leaks: list[Leak]) -> None:
    """Raise BadInput that names each leak, if there is one."""
    if leaks:
        raise BadInput(
            "purchases from the cut on change no list, and those before it do",
            found="; ".join(map(str, leaks)),
            fix="fit the model, and every feature it reads, on purchases before the cut only, each "
            "time anew",
        )


def _call(recommend_at: RecommendAt, purchases: pd.DataFrame, cut: date) -> Lists:
    return recommend_at(purchases, cut)


def _process(processes: ExitStack) -> Callable[[RecommendAt, pd.DataFrame, date], Lists]:
    """Return what calls the function in a new process, which ends with the others."""
    # Not forked: a copy of this process would hold what is stored in it.
    alone = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
    processes.enter_context(alone)
    return lambda recommend_at, purchases, cut: alone.submit(recommend_at, purchases, cut).result()


def _changed(
    purchases: pd.DataFrame, cut: date, rng: np.random.Generator
) -> Iterator[tuple[str, pd.DataFrame]]:
    is_future = _is_future(purchases, cut)
    future = np.flatnonzero(is_future)
    if len(future) == 0:
        raise ValueError(f"no purchase on or after {cut}, so nothing could leak")
    # First, so that a feature stored then has seen nothing of the future.
    yield "deleted", purchases[~is_future]
    shuffled = purchases.copy()
    for name in _SHUFFLED:
        values = purchases[name].to_numpy(copy=True)
        values[future] = values[rng.permutation(future)]
        shuffled[name] = values
    yield "shuffled", shuffled


def _with_another_past(
    purchases: pd.DataFrame, cut: date, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the purchases with every article before the cut exchanged for another one.

    Articles change places in a circle, so that none stays what it is.
    """
    articles = purchases[columns.ARTICLE].to_numpy(copy=True)
    circle = rng.permutation(np.unique(articles))
    following = dict(zip(circle.tolist(), np.roll(circle, 1).tolist(), strict=True))
    past = ~_is_future(purchases, cut)
    articles[past] = pd.Series(articles[past]).map(following).to_numpy(articles.dtype)
    return purchases.assign(**{columns.ARTICLE: articles})


def _is_future(purchases: pd.DataFrame, cut: date) -> npt.NDArray[np.bool_]:
    days = purchases[columns.DAY].to_numpy("datetime64[D]")
    return np.asarray(days >= np.datetime64(cut, "D"))


def _differences(left: Lists, right: Lists, change: str) -> list[Leak]:
    leaks = []
    for model, articles in left.items():
        rows = np.flatnonzero((articles != right[model]).any(axis=1))
        if len(rows):
            examples = tuple(int(row) for row in rows[:_N_EXAMPLES])
            leaks.append(Leak(model, change, len(rows), len(articles), examples))
    return leaks


def _stored_fits(unchanged: Lists, refitted: Lists, unfitted: Collection[str]) -> list[Leak]:
    return [
        Leak(model, _STORED, 0, len(articles), ())
        for model, articles in unchanged.items()
        if model not in unfitted and np.array_equal(articles, refitted[model])
    ]


def _refuse_nondeterminism(differences: list[Leak]) -> None:
    if differences:
        raise BadInput(
            "a model gives the same lists for the same purchases",
            found="; ".join(map(str, differences)),
            fix="seed every random generator, and sum in a fixed order",
        )
