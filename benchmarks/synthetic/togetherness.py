"""How alike two purchases of one customer are: in a basket, and some days apart.

A lift is the share of pairs that agree in a column, divided by that share among two customers in
the same week. Pairs are of different products: siblings agree by design.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

GAPS: Final = ((1, 3), (4, 7), (8, 14), (15, 28), (29, 91), (92, 365))
"""Days between two visits."""
_VISITS_BACK: Final = 8
_STRANGERS: Final = 200_000


def basket_pairs(pairs: pd.DataFrame, rng: np.random.Generator) -> Pairs:
    """Return rows of two products bought on one day: neighbours in a random order of the basket."""
    order = np.lexsort((rng.random(len(pairs)), pairs["t_dat"], pairs["customer"]))
    one, other = order[:-1], order[1:]
    same = _equal(pairs, "customer", one, other) & _equal(pairs, "t_dat", one, other)
    same &= ~_equal(pairs, "product", one, other)
    return one[same], other[same]


def visit_pairs(
    pairs: pd.DataFrame, rng: np.random.Generator
) -> tuple[Pairs, npt.NDArray[np.int64]]:
    """Return rows of two visits of one customer, one random article of each, and the days apart."""
    order = np.lexsort((rng.random(len(pairs)), pairs["t_dat"], pairs["customer"]))
    shuffled = pairs.iloc[order]
    is_first = ~shuffled.duplicated(["customer", "t_dat"]).to_numpy()
    visit = order[is_first]
    customer = pairs["customer"].to_numpy()[visit]
    day = pairs["t_dat"].to_numpy().astype("datetime64[D]").astype(np.int64)[visit]
    ones, others, gaps = [], [], []
    for back in range(1, _VISITS_BACK + 1):
        same = customer[back:] == customer[:-back]
        ones.append(visit[:-back][same])
        others.append(visit[back:][same])
        gaps.append((day[back:] - day[:-back])[same])
    one, other, gap = (np.concatenate(each) for each in (ones, others, gaps))
    differ = ~_equal(pairs, "product", one, other)
    return (one[differ], other[differ]), gap[differ]


def stranger_pairs(pairs: pd.DataFrame, rng: np.random.Generator) -> Pairs:
    """Return rows of two customers in the same week."""
    day = pairs["t_dat"].to_numpy().astype("datetime64[D]").astype(np.int64)
    repeats = max(1, _STRANGERS // len(pairs))
    ones, others = [], []
    for _ in range(repeats):
        order = np.lexsort((rng.random(len(pairs)), day // 7))
        same = (day[order[:-1]] // 7 == day[order[1:]] // 7) & ~_equal(
            pairs, "customer", order[:-1], order[1:]
        )
        ones.append(order[:-1][same])
        others.append(order[1:][same])
    return np.concatenate(ones), np.concatenate(others)


def agreement(pairs: pd.DataFrame, column: str, rows: Pairs) -> float:
    """Return the share of the row pairs that agree in a column."""
    return float(_equal(pairs, column, *rows).mean())


def correlation(values: npt.NDArray[np.float64], rows: Pairs) -> float:
    """Return the correlation of values over row pairs, each counted in both orders."""
    one, other = values[rows[0]], values[rows[1]]
    both = np.concatenate([one, other]), np.concatenate([other, one])
    return float(np.corrcoef(*both)[0, 1])


def _equal(
    pairs: pd.DataFrame, column: str, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    values = pairs[column].to_numpy()
    return np.asarray(values[one] == values[other], np.bool_)
