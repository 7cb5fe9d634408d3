"""The articles on sale on a day, from which places in baskets are drawn.

Articles are ordered by cell: line of clothes, price level and tone. Per style, demand is cumulated
in that order, so that a draw from a line or a cell is a draw from an interval of one ascending
array. So everything that a place depends on (style, companions, price, colour, channel) costs a few
binary searches, whatever the size of the shop.
"""

from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from hemline.data.synthetic.articles import N_PRICE_LEVELS, TONES, Catalogue
from hemline.data.synthetic.companions import ANY_LINE, N_LINES, line_lifts
from hemline.data.synthetic.vocabulary import GARMENT_GROUPS, LINES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_CELLS: Final = N_PRICE_LEVELS * len(TONES)
"""Cells of a line."""
STORE, ONLINE = 0, 1
_OTHER_PRICE: Final = 0.22  # weight of the next price level; of the one after it, its square
_SAME_TONE: Final = 15.0
_STORE_PART: Final = (
    0.6  # of the log odds of a store, by what is likelier there; rest: rarer online
)


class Intents(NamedTuple):
    """What places in baskets are drawn for, one element each, int64.

    Attributes:
        style: row of the affinities.
        line: row of vocabulary.LINES that the articles are chosen to go with, or ANY_LINE.
        price_level: 0 is the cheapest.
        tone: index into articles.TONES.
        channel: STORE or ONLINE.
    """

    style: IntArray
    line: IntArray
    price_level: IntArray
    tone: IntArray
    channel: IntArray

    def of(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Self:
        """Return the chosen ones."""
        return self._replace(**{name: part[which] for name, part in self._asdict().items()})


def cell_of(catalogue: Catalogue) -> IntArray:
    """Return the cell of every article; the cells of a line follow each other."""
    within = catalogue.price_level.astype(np.int64) * len(TONES) + catalogue.tone
    return np.asarray(catalogue.line.astype(np.int64) * N_CELLS + within, np.int64)


class Offer:
    """What is on sale on a day, ready to be drawn from.

    Args:
        cell: per article, see cell_of.
        affinities: float32 of shape (styles, articles).
        appeal: float64 per article; 0 for what is not on sale.

    Attributes:
        articles: the articles on sale, ordered by cell.
    """

    def __init__(
        self, cell: IntArray, affinities: npt.NDArray[np.float32], appeal: FloatArray
    ) -> None:
        on_sale = np.flatnonzero(appeal)
        self.articles: IntArray = on_sale[np.argsort(cell[on_sale], kind="stable")]
        steps = np.cumsum(affinities[:, self.articles] * appeal[self.articles], axis=1)
        self._totals = steps[:, -1]
        self._steps = (steps / steps[:, -1:] + np.arange(len(steps))[:, None]).ravel()
        bounds = np.arange(N_LINES * N_CELLS + 1)
        self._starts = np.searchsorted(cell[self.articles], bounds)
        before = np.hstack([np.zeros((len(steps), 1)), steps])[:, self._starts]
        self._demand = np.diff(before, axis=1).reshape(len(steps), N_LINES, N_CELLS)
        # Of a line at a price level: shape (styles, price levels, lines).
        by_price = self._demand.reshape(len(steps), N_LINES, N_PRICE_LEVELS, -1).sum(axis=3)
        self._line_demand = np.einsum("slq,pq->spl", by_price, _PRICE_LIFTS)

    def draw_lines(self, intents: Intents, u: FloatArray) -> IntArray:
        """Return a line per place: the style's demand at the price, and the lifts."""
        key = np.ravel_multi_index(
            (intents.style, intents.price_level, intents.channel, intents.line), self._key_shape
        )
        keys, row = np.unique(key, return_inverse=True)
        steps = np.cumsum(self._line_shares(*np.unravel_index(keys, self._key_shape)), axis=1)
        ascending = (steps + np.arange(len(steps))[:, None]).ravel()
        line = np.searchsorted(ascending, row + u, side="right") - row * N_LINES
        return np.asarray(np.clip(line, 0, N_LINES - 1), np.int64)

    def draw_articles(self, intents: Intents, line: IntArray, u: FloatArray) -> IntArray:
        """Return an article of the line per place, likelier near the price level and tone.

        Args:
            intents: of the places.
            line: a line that the style has demand for, as draw_lines returns it.
            u: uniform of shape (2, places).
        """
        wanted = intents.price_level * len(TONES) + intents.tone
        steps = np.cumsum(self._demand[intents.style, line] * _CELL_LIFTS[wanted], axis=1)
        within = (steps <= u[0, :, None] * steps[:, -1:]).sum(axis=1)
        cell = line * N_CELLS + np.minimum(within, N_CELLS - 1)
        n_articles = len(self.articles)
        first = np.minimum(self._starts[cell], n_articles - 1)
        last = np.maximum(self._starts[cell + 1] - 1, first)
        row = intents.style * n_articles
        low = np.where(first > 0, self._steps[row + first - 1], intents.style)
        high = self._steps[row + last]
        place = np.searchsorted(self._steps, low + u[1] * (high - low), side="right") - row
        return np.asarray(self.articles[np.clip(place, first, last)], np.int64)

    def chances(self, style: int, channel: int, line: FloatArray, wanted: FloatArray) -> FloatArray:
        """Return the chance of every article on sale to take a place, in the order of `articles`.

        Args:
            style: row of the affinities.
            channel: STORE or ONLINE.
            line: chances of the lines to go with, of shape (price levels, lines + 1), ANY_LINE
                last; each row sums to 1.
            wanted: chances of shape (price levels, tones); they sum to 1.
        """
        demand = self._demand[style]
        of_cell = np.zeros_like(demand)
        for level in np.flatnonzero(wanted.any(axis=1)):
            tones, companions = wanted[level], np.flatnonzero(line[level])
            same, price, where = (
                np.full(len(companions), each) for each in (style, level, channel)
            )
            of_line = line[level, companions] @ self._line_shares(same, price, where, companions)
            weights = demand * _CELL_LIFTS.reshape(*wanted.shape, 1, N_CELLS)[level]
            total = weights.sum(axis=2, keepdims=True)
            shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
            of_cell += np.tensordot(tones, shares, axes=1) * of_line[:, None]
        per_demand = np.divide(of_cell, demand, out=np.zeros_like(demand), where=demand > 0)
        steps = self._steps[style * len(self.articles) :][: len(self.articles)] - style
        share = np.diff(steps, prepend=0.0) * self._totals[style]
        return np.asarray(share * np.repeat(per_demand.ravel(), np.diff(self._starts)), np.float64)

    def lines_begun(self, style: int, channel: int) -> FloatArray:
        """Return the chances of the lines of new intents, of shape (price levels, lines + 1)."""
        levels = np.arange(N_PRICE_LEVELS)
        same, where, alone = (np.full(len(levels), each) for each in (style, channel, ANY_LINE))
        shares = self._line_shares(same, levels, where, alone)
        return np.hstack([shares, np.zeros((len(levels), 1))])

    @property
    def _key_shape(self) -> tuple[int, int, int, int]:
        return (len(self._totals), N_PRICE_LEVELS, len(_CHANNEL_LIFTS), len(_LINE_LIFTS))

    def _line_shares(
        self, style: IntArray, price_level: IntArray, channel: IntArray, companion: IntArray
    ) -> FloatArray:
        """Return the shares of the lines, one row per element."""
        weights = self._line_demand[style, price_level]
        weights = weights * _CHANNEL_LIFTS[channel] * _LINE_LIFTS[companion]
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def _price_lifts() -> FloatArray:
    """Return the lift of each price level, shape (level looked for, level)."""
    levels = np.arange(N_PRICE_LEVELS)
    return np.asarray(_OTHER_PRICE ** np.abs(levels[:, None] - levels), np.float64)


def _cell_lifts() -> FloatArray:
    """Return the lift of each cell of a line, shape (price levels * tones looked for, N_CELLS)."""
    tone = np.where(np.eye(len(TONES), dtype=np.bool_), _SAME_TONE, 1.0)
    return np.asarray(np.kron(_price_lifts(), tone), np.float64)


def _channel_lifts() -> FloatArray:
    """Return the lift of each line in a store and online, shape (channels, lines)."""
    log_odds = LINES["garment_group"].map(GARMENT_GROUPS["store"]).to_numpy(np.float64)
    return np.exp(np.stack([_STORE_PART * log_odds, (_STORE_PART - 1) * log_odds]))


_PRICE_LIFTS: Final = _price_lifts()
_CELL_LIFTS: Final = _cell_lifts()
_CHANNEL_LIFTS: Final = _channel_lifts()
_LINE_LIFTS: Final = line_lifts()
