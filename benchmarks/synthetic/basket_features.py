"""Baskets as numbers that mean the same in any shop: agreements, prices, sizes, gaps; no ids."""

from typing import Final

import numpy as np
import pandas as pd

from benchmarks.synthetic.samples import TRAITS, Sample

_SEED: Final = 7
_PRICE_NOISE: Final = 0.1
"""Of log prices: without it, the price tags of a currency tell any two shops apart."""
_KEY: Final = ["customer", "t_dat"]


def basket_features(sample: Sample) -> pd.DataFrame:
    """Return one row per basket, indexed by customer and day.

    Columns: articles, units, price statistics (log), share of siblings, agreement of pairs in each
    of TRAITS (nan for single articles), days since the last visit, number of earlier visits,
    weekday, channel and whether it is the last visit's, share of articles and products bought
    before, and the share of values of TRAITS that the last basket had too.
    """
    pairs = sample.pairs.sort_values(_KEY, kind="stable")
    baskets = pairs.groupby(_KEY)
    features = pd.DataFrame({"articles": baskets.size()})
    features["units"] = sample.rows.groupby(_KEY).size() / features["articles"]
    noise = np.random.default_rng(_SEED).normal(0, _PRICE_NOISE, len(pairs))
    log_price = pd.Series(np.log(pairs["price"].to_numpy(np.float64)) + noise, pairs.index)
    priced = log_price.groupby([pairs[name] for name in _KEY])
    for name in ("mean", "std", "min", "max"):
        features[f"log price {name}"] = priced.agg(name)
    features["siblings"] = 1 - baskets["product"].nunique() / features["articles"]
    for column in TRAITS:
        features[f"agreement {column}"] = _agreement(pairs, column, features["articles"])
        features[f"again {column}"] = _share_of_last(pairs, column)
    for column in ("article", "product"):
        before = pairs.duplicated(["customer", column]) & ~pairs.duplicated([*_KEY, column])
        features[f"owned {column}"] = before.groupby([pairs[name] for name in _KEY]).mean()
    return features.join(_visit_features(pairs))


def _visit_features(pairs: pd.DataFrame) -> pd.DataFrame:
    visits = pairs.groupby(_KEY)["sales_channel_id"].max().rename("channel").reset_index()
    of_customer = visits.groupby("customer")
    last = of_customer["channel"].shift()
    visits["same channel"] = np.where(last.isna(), np.nan, visits["channel"] == last)
    visits["gap"] = of_customer["t_dat"].diff().dt.days
    visits["visit"] = of_customer.cumcount()
    visits["weekday"] = visits["t_dat"].dt.dayofweek
    return visits.set_index(_KEY)


def _agreement(pairs: pd.DataFrame, column: str, articles: pd.Series) -> pd.Series:
    counts = pairs.groupby([*_KEY, column]).size()
    agreeing = (counts * (counts - 1)).groupby(level=_KEY).sum()
    return agreeing / (articles * (articles - 1)).where(articles > 1)


def _share_of_last(pairs: pd.DataFrame, column: str) -> pd.Series:
    """Return the share of a basket's values that are in the last basket; nan at the first."""
    values = pairs[[*_KEY, column]].drop_duplicates()
    visit = values[_KEY].drop_duplicates()
    visit = visit.assign(number=visit.groupby("customer").cumcount())
    values = values.merge(visit, on=_KEY)
    last = values.assign(number=values["number"] + 1)[["customer", "number", column]]
    met = values.merge(last.assign(met=1.0), on=["customer", "number", column], how="left")
    met["met"] = met["met"].fillna(0.0).where(met["number"] > 0)
    return met.groupby(_KEY)["met"].mean()
