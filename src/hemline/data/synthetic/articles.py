"""The catalogue: articles with Kaggle's 25 columns, and the hidden variables behind their sales.

Products are drawn first, then articles (colour siblings of one product code): a product draws its
line, type, pattern, price, launch and life; its siblings differ in colour and in random appeal.
Product codes rise with the launch day, as they do in the genuine table.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.data.synthetic.products import BASICS, draw_products, draw_sibling_counts
from hemline.data.synthetic.seasons import PEAKS
from hemline.data.synthetic.vocabulary import (
    COLOURS,
    GARMENT_GROUPS,
    GRAPHICS,
    INDICES,
    LINES,
    SECTIONS,
    TYPES,
)

FloatArray = npt.NDArray[np.float64]

_LATE_COLOURS: Final = 0.3  # share of the further colours that arrive after the first
N_PRICE_LEVELS: Final = 3
TONES: Final = ("Black", "White", "Grey", "Blue", "Beige", "Pink", "Green", "other")
"""Families of colours that go together: perceived masters, and all the others."""
_SMALL_CATALOGUE: Final = 5_000
_SPREAD, _SPREAD_A_FACTOR = 0.1, 0.25  # of the log appeal there, and more per e times the articles
_SIZE_RANGES: Final = np.array(["", " tall", " petite", " plus"], object)


@dataclass(frozen=True)
class Catalogue:
    """The articles and, row by row, the variables behind their sales.

    Attributes:
        articles: the table, Kaggle's 25 columns.
        launch: int16; first day on sale, counted from the shop's first day, may be negative.
        last: int16; last day on sale.
        is_staple: whether demand stays constant over its life instead of decaying.
        appeal: float64; demand before season, age and taste.
        ticket_cents: int64; price tag before markdown.
        repeats: float64; how readily the article is bought again, 0 to 1.
        garment_group: int8; index into seasons.PEAKS.
        line: int16; row of vocabulary.LINES.
        price_level: int8; third of the price tags, 0 is the cheapest.
        tone: int8; index into TONES.
        first_sibling: int32; row of the first article of the same product.
        n_siblings: int32; number of articles of the product.
    """

    articles: pd.DataFrame
    launch: npt.NDArray[np.int16]
    last: npt.NDArray[np.int16]
    is_staple: npt.NDArray[np.bool_]
    appeal: FloatArray
    ticket_cents: npt.NDArray[np.int64]
    repeats: FloatArray
    garment_group: npt.NDArray[np.int8]
    line: npt.NDArray[np.int16]
    price_level: npt.NDArray[np.int8]
    tone: npt.NDArray[np.int8]
    first_sibling: npt.NDArray[np.int32]
    n_siblings: npt.NDArray[np.int32]

    def supply(self, n_days: int) -> FloatArray:
        """Return appeal times days on sale within the shop's n_days, per article."""
        days = np.minimum(self.last, n_days - 1) - np.maximum(self.launch, 0).astype(np.float64) + 1
        return np.asarray(self.appeal * np.maximum(days, 0), np.float64)


def draw_catalogue(
    n_articles: int, first_day: date, n_days: int, rng: np.random.Generator
) -> Catalogue:
    """Return a catalogue of n_articles for a shop open for n_days from first_day."""
    n_siblings = draw_sibling_counts(n_articles, rng)
    products = draw_products(len(n_siblings), first_day, n_days, rng)
    product = np.repeat(np.arange(len(n_siblings)), n_siblings)
    first_sibling = np.repeat(np.cumsum(n_siblings) - n_siblings, n_siblings)
    siblings = products.iloc[product].reset_index(drop=True)
    siblings["colour"] = rng.choice(list(COLOURS.index), n_articles, p=_colour_shares())
    siblings["sibling"] = np.arange(n_articles) - first_sibling
    late = (siblings["sibling"] > 0) & (rng.random(n_articles) < _LATE_COLOURS)
    launch = siblings["launch"] + np.where(late, rng.integers(0, 60, n_articles), 0)
    return Catalogue(
        articles=_describe(siblings),
        launch=launch.to_numpy(np.int16),
        last=(launch + siblings["life"]).clip(upper=np.iinfo(np.int16).max).to_numpy(np.int16),
        is_staple=siblings["is_staple"].to_numpy(bool),
        appeal=_draw_appeal(siblings, rng),
        ticket_cents=siblings["ticket_cents"].to_numpy(np.int64),
        repeats=np.where(siblings["garment_group"].isin(BASICS), 1.0, 0.6),
        garment_group=pd.Categorical(siblings["garment_group"], categories=list(PEAKS)).codes,
        line=siblings["line"].to_numpy(np.int16),
        price_level=_price_levels(siblings),
        tone=_tones(siblings["colour"]),
        first_sibling=first_sibling.astype(np.int32),
        n_siblings=n_siblings[product].astype(np.int32),
    )


def _draw_appeal(siblings: pd.DataFrame, rng: np.random.Generator) -> FloatArray:
    """Return long-tailed appeal, drawn per product and again per colour."""
    product, n_articles = pd.factorize(siblings["product_code"])[0], len(siblings)
    of_product = rng.normal(0, _appeal_spread(n_articles), product[-1] + 1)[product]
    # Intents add to what a colour sells (offer.py), so that here its root is enough.
    of_colour = np.sqrt(siblings["colour"].map(COLOURS["sells"]))
    of_garment = siblings["garment_group"].map(GARMENT_GROUPS["sales"])
    noise = np.exp(of_product + rng.normal(0, 0.2, n_articles))
    return np.asarray(noise * of_colour * of_garment, np.float64)


def _appeal_spread(n_articles: int) -> float:
    """Return the spread of the products' log appeal: a large catalogue has a longer tail."""
    return float(_SPREAD + _SPREAD_A_FACTOR * max(0.0, np.log(n_articles / _SMALL_CATALOGUE)))


def _price_levels(siblings: pd.DataFrame) -> npt.NDArray[np.int8]:
    tickets = siblings["ticket_cents"].to_numpy(np.float64)
    steps = np.quantile(tickets, np.arange(1, N_PRICE_LEVELS) / N_PRICE_LEVELS)
    return np.searchsorted(steps, tickets).astype(np.int8)


def _tones(colours: pd.Series) -> npt.NDArray[np.int8]:
    place = pd.Index(TONES[:-1]).get_indexer(pd.Index(colours.map(COLOURS["master"])))
    return np.where(place < 0, len(TONES) - 1, place).astype(np.int8)


def _describe(siblings: pd.DataFrame) -> pd.DataFrame:
    colour = COLOURS.loc[siblings["colour"]]
    kind = TYPES.loc[siblings["type"]]
    index = INDICES.loc[siblings["index_code"]]
    same_colour = siblings.groupby(["product_code", "colour"]).cumcount().clip(upper=3)
    departments = _numbers_of_departments()
    suffix = (siblings["sibling"] + 1).astype("str").str.zfill(3)
    return pd.DataFrame(
        {
            "article_id": siblings["product_code"] + suffix,
            "product_code": siblings["product_code"],
            "prod_name": siblings["prod_name"] + _SIZE_RANGES[same_colour],
            "product_type_no": kind["number"].to_numpy(),
            "product_type_name": siblings["type"],
            "product_group_name": kind["product_group"].to_numpy(),
            "graphical_appearance_no": siblings["graphic"].map(GRAPHICS["number"]),
            "graphical_appearance_name": siblings["graphic"],
            "colour_group_code": colour["code"].to_numpy(),
            "colour_group_name": siblings["colour"],
            "perceived_colour_value_id": colour["value_id"].to_numpy(),
            "perceived_colour_value_name": colour["value"].to_numpy(),
            "perceived_colour_master_id": colour["master_id"].to_numpy(),
            "perceived_colour_master_name": colour["master"].to_numpy(),
            "department_no": siblings["department"].map(departments),
            "department_name": siblings["department"],
            "index_code": siblings["index_code"],
            "index_name": index["name"].to_numpy(),
            "index_group_no": index["group_no"].to_numpy(),
            "index_group_name": index["group_name"].to_numpy(),
            "section_no": siblings["section"].map(SECTIONS["number"]),
            "section_name": siblings["section"],
            "garment_group_no": siblings["garment_group"].map(GARMENT_GROUPS["number"]),
            "garment_group_name": siblings["garment_group"],
            "detail_desc": siblings["detail_desc"],
        }
    )


def _numbers_of_departments() -> dict[str, int]:
    names = sorted(set(LINES["department"]))
    return {name: 1100 + 7 * place for place, name in enumerate(names)}


def _colour_shares() -> FloatArray:
    shares = COLOURS["share"].to_numpy()
    return np.asarray(shares / shares.sum(), np.float64)
