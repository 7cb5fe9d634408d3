"""The articles' side: the share of places in the lists, compared with the share of sales.

The first and the twelfth place count the same. Proportion to sales is a yardstick and not an ideal:
earlier lists, displays and prices shaped the sales before the cut, too.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from hemline.evaluation.beyond_accuracy import gini
from hemline.evaluation.fairness.aspects import Aspect
from hemline.evaluation.significance import bootstrap_means, interval

Values = npt.NDArray[np.float64]

UNDER, OVER, FITTING = "under-exposed", "over-exposed", "in proportion"
UNCLEAR = "may be chance"


def expose_categories(
    listed: sparse.csr_matrix,
    aspects: tuple[Aspect, ...],
    *,
    tolerance: float,
    n_samples: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one line per category of articles: its share of places against its share of sales.

    Columns: aspect, category, n_articles, sold, places, low, high (95 % over customers), ratio
    (places / sold; none without sales), verdict. A category is under- or over-exposed when the
    ratio is below tolerance or above 1 / tolerance, with the whole interval on that side of 1.
    Where the interval includes 1 all the same, the departure may be chance.

    Args:
        listed: CSR of shape (customers, articles) with a 1 per listed article.
        aspects: how articles are divided.
        tolerance: in 0 to 1; 0.8 is the four-fifths rule of US employment law.
        n_samples: bootstrap resamples of the customers.
        rng: draws them.
    """
    lines = []
    for aspect in aspects:
        shares = aspect.shares(listed)
        low, high = interval(bootstrap_means(shares, n_samples=n_samples, rng=rng))
        line = {
            "aspect": aspect.name,
            "category": aspect.categories,
            "n_articles": np.bincount(aspect.codes, minlength=len(aspect.categories)),
            "sold": aspect.sold,
            "places": shares.mean(axis=0),
            "low": low,
            "high": high,
        }
        lines.append(pd.DataFrame(line))
    table = pd.concat(lines, ignore_index=True)
    return table.assign(
        ratio=(table["places"] / table["sold"].where(table["sold"] > 0)),
        verdict=_verdicts(table, tolerance),
    )


def concentration(listed: sparse.csr_matrix, sales: Values) -> dict[str, float]:
    """Return how unequally places and sales are shared among the articles sold recently or listed.

    Args:
        listed: CSR of shape (customers, articles) with a 1 per listed article.
        sales: float64 of shape (articles,); recent sales.
    """
    places = np.asarray(listed.sum(axis=0), np.float64).ravel()
    offered = (places > 0) | (sales > 0)
    return {
        "gini_places": gini(places[offered]),
        "gini_sales": gini(sales[offered]),
        "listed_share": float(np.mean(places[offered] > 0)),
        "n_offered": float(offered.sum()),
    }


def _verdicts(table: pd.DataFrame, tolerance: float) -> npt.NDArray[np.str_]:
    sold, places = table["sold"].to_numpy(), table["places"].to_numpy()
    is_below, is_above = places < tolerance * sold, places * tolerance > sold
    is_under = is_below & (table["high"].to_numpy() < sold)
    is_over = is_above & (table["low"].to_numpy() > sold)
    kinds = {UNDER: is_under, OVER: is_over, UNCLEAR: is_below | is_above}
    return np.select(list(kinds.values()), list(kinds), FITTING)
