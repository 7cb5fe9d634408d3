"""Products: the attributes shared by the colour siblings of one product code.

A product draws its line, type, pattern, price tag, launch and life, its name and its description.
Launches precede the season of their garment group, so the assortment changes before demand does.
"""

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.data.synthetic.descriptions import N_DICE, compose_description, compose_name
from hemline.data.synthetic.seasons import PEAKS, log_demand
from hemline.data.synthetic.vocabulary import GRAPHICS, INDICES, LINES, TYPES

FloatArray = npt.NDArray[np.float64]

_SIBLING_EXPONENT: Final = 1.56  # mean 2.2 articles per product code, median 1
_LEAD_DAYS: Final = 100  # launches before the first day, so that the shop opens full
_LIFE_DAYS: Final = 115.0  # median life of fashion
_STAPLE_DAYS: Final = 600.0  # median life of what stays in the range
BASICS: Final = ("Jersey Basic", "Under-, Nightwear", "Socks and Tights", "Trousers Denim")
_TICKETS: Final = np.array(
    [199, 299, 399, 499, 599, 699, 799, 899, 999, 1299, 1499, 1799, 1999, 2499, 2999, 3499,
     3999, 4999, 5999, 6999, 7999, 9999, 12900, 14900, 19900, 29900]
)  # fmt: skip
_DENIM_LOOK: Final = 0.8  # share of the denim garments filed under the pattern Denim
_NO_DESCRIPTION: Final = 0.004


def draw_sibling_counts(n_articles: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the number of articles of each product; they sum to n_articles."""
    most = int(np.clip(n_articles // 20, 3, 75))
    counts = np.floor((1 - rng.random(n_articles)) ** (-1 / _SIBLING_EXPONENT))
    counts = np.minimum(counts, most).astype(np.int64)
    n_products = int(np.searchsorted(np.cumsum(counts), n_articles)) + 1
    counts = counts[:n_products]
    counts[-1] -= counts.sum() - n_articles
    return counts


def draw_products(
    n_products: int, first_day: date, n_days: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one row per product, ordered by launch, its days counted from first_day."""
    products = _draw_lines(n_products, rng)
    products["graphic"] = _draw_graphics(products["garment_group"], rng)
    products["ticket_cents"] = _draw_tickets(products["type"], rng)
    chance = np.where(products["garment_group"].isin(BASICS), 0.35, 0.13)
    products["is_staple"] = rng.random(n_products) < chance
    products["life"] = _draw_lives(products["is_staple"].to_numpy(bool), rng)
    products["launch"] = _draw_launches(products, first_day, n_days, rng)
    products = products.sort_values("launch", kind="stable", ignore_index=True)
    codes = np.sort(rng.choice(900_000, n_products, replace=False)) + 100_000
    products["product_code"] = pd.Series(codes).astype("str").str.zfill(7)
    dice = rng.integers(0, 1 << 30, (n_products, 2 * N_DICE)).tolist()
    types, graphics = products["type"].tolist(), products["graphic"].tolist()
    families = products["type"].map(TYPES["family"]).tolist()
    products["prod_name"] = [
        compose_name(name, d[N_DICE:]) for name, d in zip(types, dice, strict=True)
    ]
    products["detail_desc"] = [
        compose_description(name, family, graphic, d[:N_DICE])
        for name, family, graphic, d in zip(types, families, graphics, dice, strict=True)
    ]
    products.loc[rng.random(n_products) < _NO_DESCRIPTION, "detail_desc"] = None
    return products


def _draw_lines(n_products: int, rng: np.random.Generator) -> pd.DataFrame:
    within = LINES["share"] / LINES.groupby("index_code")["share"].transform("sum")
    share = within * LINES["index_code"].map(INDICES["share"])
    drawn = rng.choice(len(LINES), n_products, p=_shares(share.to_numpy(np.float64)))
    kinds = np.empty(n_products, object)
    for number, mix in enumerate(LINES["types"]):
        names, weights = zip(*(part.rsplit(" ", 1) for part in mix.split(", ")), strict=True)
        chosen = drawn == number
        weight = _shares(np.array(weights, np.float64))
        kinds[chosen] = rng.choice(list(names), int(chosen.sum()), p=weight)
    return LINES.iloc[drawn].drop(columns=["share", "types"]).assign(type=kinds, line=drawn)


def _draw_graphics(garment_groups: pd.Series, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    shares = _shares(GRAPHICS["share"].to_numpy())
    graphics = rng.choice(list(GRAPHICS.index), len(garment_groups), p=shares).astype(object)
    is_denim = (garment_groups == "Trousers Denim") & (
        rng.random(len(garment_groups)) < _DENIM_LOOK
    )
    return np.where(is_denim, "Denim", graphics)


def _draw_tickets(types: pd.Series, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    usual = types.map(TYPES["ticket"]).to_numpy(np.float64)
    drawn = 100 * usual * np.exp(rng.normal(0.1, 0.45, len(types)))
    between = np.sqrt(_TICKETS[1:] * _TICKETS[:-1])
    return _TICKETS[np.searchsorted(between, drawn)]


def _draw_lives(is_staple: npt.NDArray[np.bool_], rng: np.random.Generator) -> FloatArray:
    median = np.where(is_staple, _STAPLE_DAYS, _LIFE_DAYS)
    return np.asarray(np.floor(median * np.exp(rng.normal(0, 0.5, len(is_staple)))), np.float64)


def _draw_launches(
    products: pd.DataFrame, first_day: date, n_days: int, rng: np.random.Generator
) -> FloatArray:
    """Launches follow the season of the garment group, three weeks ahead of its demand."""
    n_products = len(products)
    demand = np.array(
        [
            log_demand(list(PEAKS), first_day + timedelta(days=day + 21))
            for day in range(-_LEAD_DAYS, n_days)
        ]
    )
    cumulated = np.cumsum(np.exp(demand), axis=0)
    launch = np.empty(n_products)
    u = rng.random(n_products)
    for number, name in enumerate(PEAKS):
        of_group = (products["garment_group"] == name).to_numpy()
        steps = cumulated[:, number] / cumulated[-1, number]
        launch[of_group] = np.searchsorted(steps, u[of_group], side="right") - _LEAD_DAYS
    anytime = np.floor(u * (n_days + _STAPLE_DAYS * 0.8) - _STAPLE_DAYS * 0.8)
    return np.where(products["is_staple"], anytime, launch)


def _shares(weights: FloatArray) -> FloatArray:
    return np.asarray(weights / weights.sum(), np.float64)
