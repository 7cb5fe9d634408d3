"""Recommenders that see more than they should, each in another way, and an honest one.

They list the most bought articles. In a module of their own, so that a fresh process can import it.
"""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from hemline import columns
from hemline.evaluation.leakage import Lists, RecommendAt

N_CUSTOMERS, N_ARTICLES = 6, 30
STORED: dict[str, np.ndarray] = {}
Fit = Callable[[], np.ndarray]


def most_bought(purchases: pd.DataFrame) -> np.ndarray:
    counts = np.bincount(purchases[columns.ARTICLE], minlength=N_ARTICLES)
    best = np.argsort(-counts, kind="stable")[:5]
    return np.tile(best.astype(np.int32), (N_CUSTOMERS, 1))


def before(purchases: pd.DataFrame, cut: date) -> pd.DataFrame:
    return purchases[purchases[columns.DAY] < pd.Timestamp(cut)]


def honest(purchases: pd.DataFrame, cut: date) -> Lists:
    return {"honest": most_bought(before(purchases, cut))}


def peeking(purchases: pd.DataFrame, cut: date) -> Lists:
    return honest(purchases, cut) | {"peeking": most_bought(purchases)}


def knowing_who_buys(purchases: pd.DataFrame, cut: date) -> Lists:
    """List articles that the customers of the test week bought before it."""
    known = before(purchases, cut)
    buyers = set(purchases[columns.CUSTOMER][len(known) :])
    return {"buyers": most_bought(known[known[columns.CUSTOMER].isin(buyers)])}


class StoredInObject:
    """Fits once, on all there is at that time, and lists the same ever after."""

    def __init__(self) -> None:
        self.lists: np.ndarray | None = None

    def __call__(self, purchases: pd.DataFrame, _cut: date) -> Lists:
        if self.lists is None:
            self.lists = most_bought(purchases)
        return {"stored": self.lists}


class StoredInClass:
    """The same, for every object of the class."""

    lists: np.ndarray | None = None

    def __call__(self, purchases: pd.DataFrame, _cut: date) -> Lists:
        if StoredInClass.lists is None:
            StoredInClass.lists = most_bought(purchases)
        return {"stored": StoredInClass.lists}


def stored_in_module(purchases: pd.DataFrame, _cut: date) -> Lists:
    return {"stored": STORED.setdefault("lists", most_bought(purchases))}


def stored_by_cut() -> RecommendAt:
    """Return a model with a cache by cut, which is the same in every week but this one."""
    given: list[pd.DataFrame] = []

    @cache
    def fit(_cut: date) -> np.ndarray:
        return most_bought(given[-1])

    def recommend_at(purchases: pd.DataFrame, cut: date) -> Lists:
        given.append(purchases)
        return {"stored": fit(cut)}

    return recommend_at


def stored_on_disk(folder: Path) -> RecommendAt:
    """Return a model with a file beside it."""
    file = folder / "fit.npy"

    def recommend_at(purchases: pd.DataFrame, _cut: date) -> Lists:
        if not file.exists():
            np.save(file, most_bought(purchases))
        return {"stored": np.load(file)}

    return recommend_at


def stored_honestly(purchases: pd.DataFrame, cut: date) -> Lists:
    """List what an honest first fit gave: still nobody knows what a later one would."""
    return {"stored": STORED.setdefault("honest lists", most_bought(before(purchases, cut)))}


def one_number_stored(purchases: pd.DataFrame, cut: date) -> Lists:
    """List honestly, but backwards where a stored mean over all days, seen once, says so."""
    known = before(purchases, cut)
    mean = STORED.setdefault("mean price", np.array(purchases[columns.PRICE].mean()))
    lists = most_bought(known)
    return {"scaled": lists if known[columns.PRICE].mean() > mean else lists[:, ::-1]}
