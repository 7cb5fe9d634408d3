"""Figures of a sample of customers: numbers by label, in order."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.synthetic.samples import Sample
from benchmarks.synthetic.togetherness import (
    agreement,
    basket_pairs,
    correlation,
    stranger_pairs,
    visit_pairs,
)

Figure = Mapping[str, float]


ONLINE: Final = 2
"""Kaggle's number of the channel."""


def _seed() -> np.random.Generator:
    return np.random.default_rng(7)


def shares(values: pd.Series) -> Figure:
    """Return the share of each value."""
    share = values.value_counts(normalize=True)
    return {str(name): float(each) for name, each in share.items()}


def quantiles(values: pd.Series, at: tuple[int, ...]) -> Figure:
    """Return the quantiles at some per cents."""
    return {f"{q} %": float(values.quantile(q / 100)) for q in at}


def bins(values: npt.NDArray[np.generic], edges: tuple[int, ...]) -> Figure:
    """Return the share of values up to each edge, and beyond the last."""
    place = np.searchsorted(np.array(edges), np.asarray(values), side="left")
    counts = np.bincount(place, minlength=len(edges) + 1)
    labels = [f"<={edge}" for edge in edges] + [f">{edges[-1]}"]
    return dict(zip(labels, (counts / counts.sum()).tolist(), strict=True))


def distinct_articles(sample: Sample) -> pd.Series:
    """Return the number of distinct articles of each customer."""
    return sample.rows.groupby("customer")["article"].nunique()


def basket_sizes(sample: Sample) -> pd.Series:
    """Return the number of distinct articles of each basket."""
    return sample.pairs.groupby(["customer", "t_dat"]).size()


def visits(sample: Sample) -> pd.DataFrame:
    """Return the visits with their channel, the days since the last one and its channel."""
    seen = sample.rows.groupby(["customer", "t_dat"])["sales_channel_id"].max().reset_index()
    same = seen["customer"] == seen["customer"].shift()
    days = (seen["t_dat"] - seen["t_dat"].shift()).dt.days.where(same)
    return seen.assign(gap=days, before=seen["sales_channel_id"].shift().where(same))


def rebuys(sample: Sample) -> pd.DataFrame:
    """Return the pairs with the days since the same customer bought the article before."""
    pairs = sample.pairs.sort_values(["customer", "article", "t_dat"])
    same = (pairs["customer"] == pairs["customer"].shift()) & (
        pairs["article"] == pairs["article"].shift()
    )
    return pairs.assign(lag=(pairs["t_dat"] - pairs["t_dat"].shift()).dt.days.where(same))


def rebuy_chances(sample: Sample) -> Figure:
    """Return the chance that an article bought some days ago is bought in a buying week."""
    pairs = sample.pairs
    day = pairs["t_dat"].to_numpy().astype("datetime64[D]").astype(np.int64)
    frame = pd.DataFrame({"customer": pairs["customer"], "article": pairs["article"], "day": day})
    frame["week"] = frame["day"] // 7
    weeks = frame[["customer", "week"]].drop_duplicates()
    owned = frame.merge(weeks, on="customer", suffixes=("", "_bought"))
    owned = owned[owned["week"] < owned["week_bought"]]
    owned = owned.groupby(["customer", "article", "week_bought"])["day"].max().reset_index()
    bought = frame[["customer", "article", "week"]].drop_duplicates()
    owned = owned.merge(
        bought.rename(columns={"week": "week_bought"}).assign(again=1),
        on=["customer", "article", "week_bought"],
        how="left",
    )
    ago = 7 * owned["week_bought"] - owned["day"]
    chances = {}
    for first, last in ((8, 14), (15, 28), (29, 60), (61, 120)):
        chances[f"{first}-{last} d"] = float(
            owned.loc[ago.between(first, last), "again"].fillna(0).mean()
        )
    return chances


def basket_lift(column: str) -> Callable[[Sample], Figure]:
    """Return the lift of a column in baskets, see togetherness."""

    def compute(sample: Sample) -> Figure:
        pairs = sample.pairs
        inside = agreement(pairs, column, basket_pairs(pairs, _seed()))
        return {"lift": inside / agreement(pairs, column, stranger_pairs(pairs, _seed()))}

    return compute


def department_lifts(gaps: tuple[tuple[int, int], ...]) -> Callable[[Sample], Figure]:
    """Return the lifts of the department between two visits, by the days between them."""

    def compute(sample: Sample) -> Figure:
        pairs = sample.pairs
        (one, other), gap = visit_pairs(pairs, _seed())
        usual = agreement(pairs, "department_no", stranger_pairs(pairs, _seed()))
        lifts = {}
        for first, last in gaps:
            within = (gap >= first) & (gap <= last)
            share = agreement(pairs, "department_no", (one[within], other[within]))
            lifts[f"{first}-{last} d"] = share / usual
        return lifts

    return compute


def price_correlations(sample: Sample) -> Figure:
    """Return the correlation of log prices in baskets and between visits far apart."""
    pairs = sample.pairs
    price = np.log(pairs["price"].to_numpy(np.float64))
    (one, other), gap = visit_pairs(pairs, _seed())
    return {
        "basket": correlation(price, basket_pairs(pairs, _seed())),
        "> 28 d": correlation(price, (one[gap > 28], other[gap > 28])),  # noqa: PLR2004
    }


def online_share(sample: Sample) -> Figure:
    """Return the share of rows bought online."""
    is_online = sample.rows["sales_channel_id"] == ONLINE
    return {"online": float(is_online.mean())}


def online_by_garment(sample: Sample) -> Figure:
    """Return the standard deviation of the online share over the larger garment groups."""
    is_online = sample.rows["sales_channel_id"] == ONLINE
    share = is_online.groupby(sample.rows["garment_group_name"]).agg(["mean", "size"])
    return {"s.d.": float(share.loc[share["size"] >= 50, "mean"].std())}  # noqa: PLR2004


def channel_persistence(sample: Sample) -> Figure:
    """Return the share of online visits, by the channel of the visit before."""
    seen = visits(sample).dropna(subset="before")
    online = seen["sales_channel_id"] == ONLINE
    return {
        "after online": float(online[seen["before"] == ONLINE].mean()),
        "after store": float(online[seen["before"] == 1].mean()),
    }


def baskets_by_channel(sample: Sample) -> Figure:
    """Return the mean number of articles of a basket, by channel."""
    sizes = sample.pairs.groupby(["customer", "t_dat", "sales_channel_id"]).size()
    mean = sizes.groupby("sales_channel_id").mean()
    return {"store": float(mean[1]), "online": float(mean[2])}


def first_index(sample: Sample) -> Figure:
    """Return the share of the sales that are in the customer's first index."""
    counts = sample.rows.groupby(["customer", "index_code"]).size()
    return {"share": float(counts.groupby("customer").max().sum() / counts.sum())}


def siblings(sample: Sample) -> Figure:
    """Return the share of pairs with a sibling on the day, and of articles with one before."""
    pairs = sample.pairs
    with_sibling = pairs.duplicated(["customer", "t_dat", "product"], keep=False)
    first = pairs.sort_values("t_dat").drop_duplicates(["customer", "article"])
    opened = first.groupby(["customer", "product"])["t_dat"].transform("min")
    return {
        "same day": float(with_sibling.mean()),
        "later": float((first["t_dat"] > opened).mean()),
    }


def season_shares(sample: Sample) -> Figure:
    """Return what knitwear and swimwear sell in some months."""
    month = sample.rows["t_dat"].dt.month
    knit = sample.rows["garment_group_name"] == "Knitwear"
    swim = sample.rows["garment_group_name"] == "Swimwear"
    return {
        "knitwear in June": float(knit[month == 6].mean()),  # noqa: PLR2004
        "knitwear in November": float(knit[month == 11].mean()),  # noqa: PLR2004
        "swimwear in June": float(swim[month == 6].mean()),  # noqa: PLR2004
    }


def shares_of(column: str) -> Callable[[Sample], Figure]:
    """Return the shares of the rows by a column."""
    return lambda sample: shares(sample.rows[column])


def articles_a_customer(sample: Sample) -> Figure:
    """Return quantiles of the distinct articles of a customer."""
    return quantiles(distinct_articles(sample), (25, 50, 75, 90, 99))


def mean_articles(sample: Sample) -> Figure:
    """Return the mean number of distinct articles and of rows of a customer."""
    rows = sample.rows.groupby("customer").size()
    return {"articles": float(distinct_articles(sample).mean()), "rows": float(rows.mean())}


def visits_a_customer(sample: Sample) -> Figure:
    """Return quantiles of the visits of a customer."""
    return quantiles(visits(sample).groupby("customer").size(), (50, 75, 90, 99))


def days_between_visits(sample: Sample) -> Figure:
    """Return the shares of the gaps between two visits, in days."""
    return bins(visits(sample)["gap"].dropna().to_numpy(), (3, 7, 14, 28, 60, 120))


def articles_a_basket(sample: Sample) -> Figure:
    """Return the shares of the sizes of baskets."""
    return bins(basket_sizes(sample).to_numpy(), (1, 2, 5, 10))


def bought_before(sample: Sample) -> Figure:
    """Return the share of pairs that the customer bought on an earlier day."""
    return {"share": float(rebuys(sample)["lag"].notna().mean())}


def days_to_rebuy(sample: Sample) -> Figure:
    """Return the shares of the days between two purchases of the same article."""
    return bins(rebuys(sample)["lag"].dropna().to_numpy(), (7, 14, 28, 60, 180))


def prices(sample: Sample) -> Figure:
    """Return quantiles of the prices of the rows."""
    return quantiles(sample.rows["price"], (5, 25, 50, 75, 95))


def weekdays(sample: Sample) -> Figure:
    """Return the share of the rows on each weekday."""
    return shares(sample.rows["t_dat"].dt.dayofweek)


def months(sample: Sample) -> Figure:
    """Return the share of the rows in each month."""
    return shares(sample.rows["t_dat"].dt.month)


def ages(sample: Sample) -> Figure:
    """Return quantiles of the customers' ages."""
    return quantiles(sample.customers["age"].dropna(), (10, 25, 50, 75, 90))


def customers_by(column: str) -> Callable[[Sample], Figure]:
    """Return the shares of the customers by a column."""
    return lambda sample: shares(sample.customers[column].fillna("none"))
