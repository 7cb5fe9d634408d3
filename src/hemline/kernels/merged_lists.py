"""Lists that are put together from lists: appended to each other, or limited by product.

Rows are independent of each other and end in NO_ARTICLE where they are shorter than others.
"""

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.lists import NO_ARTICLE

Articles = npt.NDArray[np.int32]
Sources = npt.NDArray[np.int16]


@compiled
def append_lists(
    rows: npt.NDArray[np.int64],
    articles: Articles,
    sources: Sources,
    more: Articles,
    more_sources: Sources,
    first_source: int,
) -> npt.NDArray[np.int64]:
    """Fill lists from the first free place on; return the rows that still have free places.

    Args:
        rows: of the lists to fill.
        articles: int32 of shape (lists, k); changed.
        sources: int16 of the same shape; changed.
        more: int32 of shape (len(rows), any); what to append, without what is listed already.
        more_sources: int16 of the same shape.
        first_source: added to `more_sources`.
    """
    k, n_short = articles.shape[1], 0
    short = np.empty_like(rows)
    for place in range(len(rows)):
        row, end = rows[place], 0
        while end < k and articles[row, end] != NO_ARTICLE:
            end += 1
        n_before = end
        for rank in range(more.shape[1]):
            article = more[place, rank]
            if end == k or article == NO_ARTICLE:
                break
            if not _holds(articles[row, :n_before], article):
                articles[row, end] = article
                sources[row, end] = more_sources[place, rank] + first_source
                end += 1
        if end < k:
            short[n_short] = row
            n_short += 1
    return short[:n_short]


@compiled
def limit_products(
    articles: Articles,
    sources: Sources,
    product_of: Articles,
    per_product: int,
    rows: npt.NDArray[np.int64],
    limited: Articles,
    limited_sources: Sources,
) -> None:
    """Write the first articles of each list of which no more than n are of one product.

    Args:
        articles: int32 of shape (len(rows), any).
        sources: int16 of the same shape.
        product_of: int32, the product of each article.
        per_product: how many of one product may be listed, at least 1.
        rows: where to write each list.
        limited: int32 of shape (lists, k); changed.
        limited_sources: int16 of the same shape; changed.
    """
    k = limited.shape[1]
    for place in range(len(rows)):
        row, end = rows[place], 0
        for rank in range(articles.shape[1]):
            article = articles[place, rank]
            if end == k or article == NO_ARTICLE:
                break
            n_listed = 0
            for other in range(end):
                n_listed += product_of[limited[row, other]] == product_of[article]
            if n_listed < per_product:
                limited[row, end] = article
                limited_sources[row, end] = sources[place, rank]
                end += 1
        limited[row, end:], limited_sources[row, end:] = NO_ARTICLE, 0


@inlined
def _holds(articles: Articles, article: int) -> bool:
    is_held = False
    for other in articles:
        is_held |= other == article
    return is_held
