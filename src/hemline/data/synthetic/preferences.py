"""What a customer prefers for years, beside the styles: departments, prices, colours, returns.

Half of a customer's intents are about a few lines of clothes that they come back to. The price
level and the tone are leanings, from which every intent strays. Readiness to return goods is only
written to the truth: the tables of Kaggle have no returns, so the transactions have none either.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from hemline.data.synthetic.articles import TONES, Catalogue
from hemline.data.synthetic.companions import N_LINES
from hemline.data.synthetic.seasons import PEAKS
from hemline.data.synthetic.vocabulary import GARMENT_GROUPS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_HABITS: Final = (0, 0, 1)  # the styles, favourite first, that the habitual lines belong to
_TONE_SHARES: Final = np.array([0.34, 0.13, 0.07, 0.15, 0.09, 0.07, 0.05, 0.10])
_LASTING_PRICE: Final = 0.7  # correlation of an intent's price level with the customer's
_LASTING_TONE: Final = 0.4  # share of the intents in the customer's tone
_PRICE_STEPS: Final = np.array([-0.36, 0.58])  # of a standard normal: 36, 36, 28 %
_RETURN_SPREAD: Final = 0.9  # of the customers' log odds to return


@dataclass(frozen=True)
class Preferences:
    """The lasting preferences, row by row of the customers.

    Attributes:
        lines: int16 of shape (customers, 3); rows of vocabulary.LINES that they come back to.
        price: float64; standard normal, higher is dearer.
        tone: int8; index into articles.TONES.
        return_log_odds: float64; added to the log odds of a return in a garment group.
    """

    lines: npt.NDArray[np.int16]
    price: FloatArray
    tone: npt.NDArray[np.int8]
    return_log_odds: FloatArray


def draw_preferences(
    styles: npt.NDArray[np.int8],
    catalogue: Catalogue,
    supply: FloatArray,
    affinities: npt.NDArray[np.float32],
    rng: np.random.Generator,
) -> Preferences:
    """Return preferences that suit the styles: lines are drawn by what a style buys in all.

    Args:
        styles: of shape (customers, styles), favourite first.
        catalogue: the articles.
        supply: per article its appeal times its days on sale.
        affinities: float32 of shape (styles, articles).
        rng: the randomness.
    """
    steps = np.cumsum(
        [np.bincount(catalogue.line, liking * supply, N_LINES) for liking in affinities], axis=1
    )
    steps = (steps / steps[:, -1:] + np.arange(len(steps))[:, None]).ravel()
    of_style = styles[:, _HABITS].astype(np.int64)
    place = np.searchsorted(steps, of_style + rng.random(of_style.shape), side="right")
    lines = np.clip(place - of_style * N_LINES, 0, N_LINES - 1)
    return Preferences(
        lines=lines.astype(np.int16),
        price=rng.normal(0, 1, len(styles)),
        tone=draw_tones(rng.random(len(styles))).astype(np.int8),
        return_log_odds=rng.normal(0, _RETURN_SPREAD, len(styles)),
    )


def draw_price_levels(price: FloatArray, noise: FloatArray) -> IntArray:
    """Return the price levels of intents from the customers' leanings and standard noise."""
    leaning = _LASTING_PRICE * price + np.sqrt(1 - _LASTING_PRICE**2) * noise
    return np.asarray(np.searchsorted(_PRICE_STEPS, leaning), np.int64)


def draw_tones(u: FloatArray, own: npt.NDArray[np.int8] | None = None) -> IntArray:
    """Return tones by their shares from uniform numbers, or the customers' own where it is one."""
    if own is None:
        return np.asarray(np.searchsorted(np.cumsum(_TONE_SHARES)[:-1], u, side="right"), np.int64)
    again = np.clip((u - _LASTING_TONE) / (1 - _LASTING_TONE), 0, 1 - 1e-12)
    return np.where(u < _LASTING_TONE, own, draw_tones(again))


def wanted_shares(price: float, tone: int) -> FloatArray:
    """Return the chances of the pairs of price level and tone that an intent may have.

    Shape (price levels, tones), for a customer of this price leaning and tone.
    """
    spread = np.sqrt(1 - _LASTING_PRICE**2)
    below = ndtr((np.append(_PRICE_STEPS, np.inf) - _LASTING_PRICE * price) / spread)
    levels = np.diff(below, prepend=0.0)
    tones = (1 - _LASTING_TONE) * _TONE_SHARES + _LASTING_TONE * (np.arange(len(TONES)) == tone)
    return np.asarray(np.outer(levels, tones), np.float64)


def return_log_odds() -> FloatArray:
    """Return the log odds that an article of each garment group comes back, in order of PEAKS."""
    chance = GARMENT_GROUPS["returned"].loc[list(PEAKS)].to_numpy(np.float64)
    return np.asarray(np.log(chance / (1 - chance)), np.float64)
