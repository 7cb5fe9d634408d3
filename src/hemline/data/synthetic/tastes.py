"""Tastes: six taste groups, the styles within them, and their affinities to articles.

Taste groups differ in the indices they buy from; each is split into styles that differ in their
preferences for garment groups, departments, colours and patterns, and in a random affinity per
article that no column explains. A customer has a few styles. So attributes are a noisy signal of
the group, content explains part of the style, and only co-purchases explain the rest: models that
use more of these should rank higher.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.data.synthetic.vocabulary import INDICES


class TasteGroup(NamedTuple):
    """The customers of a group and the indices they buy from.

    Attributes:
        share: share of the customers.
        age: mean and standard deviation of the age.
        regular_news: share of regular readers of the fashion news.
        pre_create: share of incomplete club memberships.
        indices: weight of the index codes in what they buy.
    """

    share: float
    age: tuple[float, float]
    regular_news: float
    pre_create: float
    indices: dict[str, float]


GROUPS: Final = {
    "trend": TasteGroup(
        0.26, (22.5, 3.5), 0.30, 0.13, {"D": 36, "A": 30, "B": 22, "C": 7, "F": 2, "S": 3}
    ),
    "basics": TasteGroup(
        0.17, (27, 5), 0.22, 0.08, {"B": 42, "A": 30, "D": 14, "C": 5, "F": 2, "S": 7}
    ),
    "classic": TasteGroup(
        0.22, (52, 7), 0.40, 0.03, {"A": 66, "D": 11, "B": 9, "C": 6, "F": 3, "H": 3, "S": 2}
    ),
    "smart": TasteGroup(
        0.16, (29.5, 4.5), 0.55, 0.04, {"A": 58, "D": 18, "B": 10, "C": 8, "F": 3, "S": 3}
    ),
    "family": TasteGroup(
        0.11,
        (43, 6),
        0.35,
        0.04,
        {"A": 34, "D": 15, "B": 13, "C": 4, "F": 8, "G": 4, "H": 7, "I": 9, "J": 2, "S": 4},
    ),
    "menswear": TasteGroup(
        0.08, (36, 13), 0.18, 0.14, {"F": 40, "D": 22, "A": 18, "B": 8, "C": 4, "S": 8}
    ),
}
RISING_GROUP: Final = "basics"
"""The group that a taste_shift moves customers to: homewear instead of evening wear."""

STYLES_PER_GROUP: Final = 8
N_STYLES: Final = len(GROUPS) * STYLES_PER_GROUP

_CONTENT: Final = {
    "garment_group_name": 0.9,
    "department_name": 0.7,
    "perceived_colour_master_name": 0.6,
    "graphical_appearance_name": 0.4,
}
"""Column to the spread of the styles' preferences (standard deviation of the logarithm)."""
_ADOPTED: Final = 0.1  # share of articles that a style prefers for no reason in the columns
_ADOPTION: Final = 30  # factor of this preference
_GIFTS: Final = 0.1  # weight of the indices that are not listed for a group


def draw_affinities(
    articles: pd.DataFrame, supply: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return the affinity of each style to each article, float32 of shape (N_STYLES, articles).

    Args:
        articles: the catalogue's table.
        supply: per article its appeal times its days on sale; preferences are divided by it, so
            that groups buy from the indices in the shares given in GROUPS.
        rng: the randomness.
    """
    adopts = rng.random((N_STYLES, len(articles)), np.float32) < _ADOPTED
    affinity = np.where(adopts, np.log(_ADOPTION), 0.0).astype(np.float32)
    for column, spread in _CONTENT.items():
        code, names = pd.factorize(articles[column], sort=True)
        liking = rng.normal(0, spread, (N_STYLES, len(names)))
        liking -= np.log(np.exp(liking).mean(axis=0))  # styles differ, their average is neutral
        affinity += liking.astype(np.float32)[:, code]
    np.exp(affinity, out=affinity)
    affinity *= np.repeat(_index_preferences(articles, supply), STYLES_PER_GROUP, axis=0)
    return affinity


def styles_of(group: npt.NDArray[np.int8], rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Return four styles per customer, favourite first; the last may belong to any group."""
    own = rng.integers(0, STYLES_PER_GROUP, (len(group), 3)) + group[:, None] * STYLES_PER_GROUP
    anywhere = rng.integers(0, N_STYLES, (len(group), 1))
    return np.hstack([own, anywhere]).astype(np.int8)


def shifted(styles: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the styles of the rising group that replace these in a taste shift."""
    first = list(GROUPS).index(RISING_GROUP) * STYLES_PER_GROUP
    return first + styles % STYLES_PER_GROUP


def _index_preferences(
    articles: pd.DataFrame, supply: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    codes = list(INDICES.index)
    index = pd.Categorical(articles["index_code"], categories=codes).codes
    offered = np.bincount(index, supply, len(codes)) / supply.sum()
    preferred = np.array(
        [[group.indices.get(code, _GIFTS) for code in codes] for group in GROUPS.values()]
    )
    return np.asarray((preferred / np.maximum(offered, 0.001))[:, index], np.float32)
