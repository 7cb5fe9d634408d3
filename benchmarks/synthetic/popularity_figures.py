"""Figures of how sales are spread over the articles, and how long an article stays popular."""

import numpy as np
import pandas as pd

from benchmarks.synthetic.figures import Figure
from benchmarks.synthetic.samples import Sample


def kept_popularity(sample: Sample) -> Figure:
    """Return how often two customers buy one article some weeks apart, over the same week."""
    pairs = sample.pairs.drop_duplicates(["customer", "article"])
    week = (pairs["t_dat"].to_numpy().astype("datetime64[D]").astype(np.int64)) // 7
    week -= week.min()
    counts = (
        pd.DataFrame({"article": pairs["article"].to_numpy(), "week": week})
        .value_counts()
        .rename("n")
        .reset_index()
    )
    total = np.bincount(week).astype(np.float64)

    def rate(lag: int) -> float:
        later = counts.assign(week=counts["week"] - lag)
        met = counts.merge(later, on=["article", "week"])
        n = met["n_x"] * (met["n_y"] - (lag == 0))
        possible = (total[: len(total) - lag] * (total[lag:] - (lag == 0))).sum()
        return float(n.sum() / possible)

    return {f"{lag} weeks": rate(lag) / rate(0) for lag in (4, 13, 26, 52)}


def reach(sample: Sample) -> Figure:
    """Return the share of buyers that the best seller and the twelfth reach."""
    buyers = sample.rows.drop_duplicates(["customer", "article"])["article"].value_counts()
    n_customers = sample.rows["customer"].nunique()
    return {
        "best": float(buyers.iloc[0] / n_customers),
        "12th": float(buyers.iloc[11] / n_customers),
    }


def concentration(sample: Sample) -> Figure:
    """Return the share of the sales that the top articles have."""
    buyers = sample.rows.drop_duplicates(["customer", "article"])["article"].value_counts()
    top = {share: max(1, round(len(buyers) * share / 100)) for share in (1, 10)}
    return {
        f"top {share} %": float(buyers.iloc[:n].sum() / buyers.sum()) for share, n in top.items()
    }


def effective_articles(sample: Sample) -> Figure:
    """Return the number of equally sold articles that would collide as often."""
    buyers = sample.rows.drop_duplicates(["customer", "article"])["article"].value_counts()
    share = buyers.to_numpy() / buyers.sum()
    return {"articles": float(1 / (share**2).sum())}
