"""Which departments are bought together: the lift of every line of clothes over every other.

A lift is how much likelier a line becomes when another line is in the basket. It is the product of
what two lines have in common: department, section, garment group, index and index group, where an
index group stands for the sizes of a family (women, young women, men, children). What completes an
outfit, as a bottom does a top, has a lift of its own. One table serves the generator and whoever
needs a customer's preferences.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic.vocabulary import INDICES, LINES, TYPES

FloatArray = npt.NDArray[np.float64]

N_LINES: Final = len(LINES)
ANY_LINE: Final = N_LINES
"""The row of `line_lifts` of no line at all: every lift is 1."""

# Lifts of one thing in common. Their products give the lifts of docs/synthetic.md in baskets.
_SHARED: Final = {"section": 3.2, "garment_group": 2.0, "index_code": 1.25, "index_group": 2.2}
_SAME_LINE: Final = 18.0
_COMPLETES: Final = 1.5

_OUTFITS: Final = (
    {"Garment Upper body", "Garment Lower body"},
    {"Garment Full body", "Shoes"},
    {"Garment Full body", "Accessories"},
    {"Underwear", "Socks & Tights"},
    {"Underwear", "Nightwear"},
)
"""Pairs of product groups that complete each other, within an index group."""


def line_lifts() -> FloatArray:
    """Return the lifts, float64 of shape (N_LINES + 1, N_LINES): row, a line in the basket.

    >>> float(line_lifts()[ANY_LINE].max())
    1.0
    """
    traits = LINES.assign(index_group=LINES["index_code"].map(INDICES["group_no"]))
    lifts = np.ones((N_LINES + 1, N_LINES))
    for column, lift in _SHARED.items():
        values = traits[column].to_numpy()
        lifts[:-1] *= np.where(values[:, None] == values, lift, 1.0)
    lifts[:-1] *= np.where(np.eye(N_LINES, dtype=np.bool_), _SAME_LINE, 1.0)
    group = traits["index_group"].to_numpy()
    lifts[:-1] *= np.where((group[:, None] == group) & _completes(), _COMPLETES, 1.0)
    return lifts


def _completes() -> npt.NDArray[np.bool_]:
    """Return which pairs of lines complete each other, judged by the main type of each."""
    main = [mix.split(", ")[0].rsplit(" ", 1)[0] for mix in LINES["types"]]
    parts = TYPES["product_group"][main].tolist()
    return np.array([[{one, other} in _OUTFITS for other in parts] for one in parts])
