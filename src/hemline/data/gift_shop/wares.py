"""What the gift shop sells: articles with code, text and price, and when each is in demand."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

COLOURS: Final = ("RED", "BLUE", "GREEN", "PINK", "IVORY", "BLACK", "YELLOW", "SILVER")
THEMES: Final = (
    *("HEDGEROW", "LIGHTHOUSE", "ALPHABET", "SWALLOW", "PAISLEY", "CIRCUS", "ORCHARD", "HARBOUR"),
    *("MUSHROOM", "TARTAN", "SUNFLOWER", "ROCKET", "BUTTERFLY", "GINGHAM", "WHALE", "LAVENDER"),
    *("SNOWFLAKE", "REINDEER", "HOLLY", "ANGEL"),
)
FESTIVE: Final = frozenset({"SNOWFLAKE", "REINDEER", "HOLLY", "ANGEL"})
OBJECTS: Final = {
    "MUG": 2.95,
    "TEA TOWEL": 3.75,
    "LUNCH BOX": 1.65,
    "CANDLE HOLDER": 2.1,
    "GIFT WRAP ROLL": 0.42,
    "CARD": 0.39,
    "BUNTING": 4.95,
    "CUSHION COVER": 6.75,
    "PENCIL TIN": 0.85,
    "DOOR SIGN": 2.25,
    "WALL CLOCK": 14.95,
    "CAKE STAND": 12.75,
    "SHOPPING BAG": 1.95,
    "PHOTO FRAME": 4.25,
    "NAPKINS PACK OF 20": 0.85,
    "HANGING DECORATION": 0.65,
    "STORAGE JAR": 5.45,
    "NOTEBOOK": 1.25,
    "HOT WATER BOTTLE": 4.65,
    "TRINKET TRAY": 1.45,
}
_MAX_VARIANTS: Final = 4
_OLD_SHARE: Final = 0.6  # of the products are sold from the first week on
_LIFE_WEEKS: Final = (20, 140)
_NEWS_WEEKS: Final = 4
_NEWS_FACTOR: Final = 2.5
_FIRST_FESTIVE_WEEK: Final = 36  # of the year, when festive wares begin to sell
_LAST_FESTIVE_WEEK: Final = 51
_FESTIVE_PEAK: Final = 6.0
_OUT_OF_SEASON: Final = 0.05


@dataclass(frozen=True)
class Wares:
    """The articles, a row each.

    Attributes:
        codes: stock codes: five digits, and a letter where a product comes in several colours.
        descriptions: texts in capital letters.
        prices: in pounds.
        themes: place of each article's theme in THEMES.
        weights: how much each is in demand, whatever the week.
        first_week: in which it is sold.
        last_week: in which it is sold.
    """

    codes: list[str]
    descriptions: list[str]
    prices: FloatArray
    themes: IntArray
    weights: FloatArray
    first_week: IntArray
    last_week: IntArray

    def demand(self, week: int, week_of_year: int) -> FloatArray:
        """Return the weight of each article in a week; 0 where it is not sold."""
        is_sold = (self.first_week <= week) & (week <= self.last_week)
        is_news = (self.first_week > 0) & (week - self.first_week < _NEWS_WEEKS)
        festive = np.isin(self.themes, [THEMES.index(name) for name in FESTIVE])
        season = np.where(festive, _festive_factor(week_of_year), 1.0)
        return np.asarray(self.weights * is_sold * season * np.where(is_news, _NEWS_FACTOR, 1.0))


def make_wares(rng: np.random.Generator, n_articles: int, n_weeks: int) -> Wares:
    """Return wares of at least so many articles, cut to the number."""
    codes: list[str] = []
    rows: list[tuple[str, float, int, float, int, int]] = []
    number = 20_000
    while len(codes) < n_articles:
        number += int(rng.integers(1, 9))
        theme, thing = int(rng.integers(len(THEMES))), str(rng.choice(list(OBJECTS)))
        price = float(np.round(OBJECTS[thing] * rng.lognormal(0, 0.25), 2))
        weight = float(rng.pareto(1.3) + 0.2)
        first = 0 if rng.random() < _OLD_SHARE else int(rng.integers(1, n_weeks))
        last = first + int(rng.integers(*_LIFE_WEEKS)) if rng.random() < 1 / 2 else n_weeks
        n_variants = int(rng.integers(1, _MAX_VARIANTS + 1))
        for place, colour in enumerate(rng.permutation(COLOURS)[:n_variants]):
            codes.append(f"{number}{'ABCD'[place] if n_variants > 1 else ''}")
            text = f"{colour} {THEMES[theme]} {thing}"
            rows.append((text, price, theme, weight * rng.lognormal(0, 0.6), first, last))
    texts, prices, themes, weights, firsts, lasts = zip(*rows[:n_articles], strict=True)
    return Wares(
        codes[:n_articles],
        list(texts),
        np.array(prices),
        np.array(themes, np.int64),
        np.array(weights),
        np.array(firsts, np.int64),
        np.array(lasts, np.int64),
    )


def _festive_factor(week_of_year: int) -> float:
    if not _FIRST_FESTIVE_WEEK <= week_of_year <= _LAST_FESTIVE_WEEK:
        return _OUT_OF_SEASON
    rise = (week_of_year - _FIRST_FESTIVE_WEEK + 1) / (_LAST_FESTIVE_WEEK - _FIRST_FESTIVE_WEEK)
    return _FESTIVE_PEAK * min(rise, 1.0)
