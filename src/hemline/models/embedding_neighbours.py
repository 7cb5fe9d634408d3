"""Similar articles by embeddings of their pictures and texts.

The table has the form of TF-IDF's and takes its place in "similar articles" where a version has
embeddings. Without any it is empty. A similarity is the mean cosine over the kinds of
embeddings that an article has; an article without a picture is compared by what it has.

All pairs are computed, a block of articles at a time: 105,542 articles of 512 numbers are 11 TFLOP.
Cosines come from BLAS and are rounded, so that equal pictures stay equally similar.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.errors import BadInput
from hemline.kernels.blocks import for_blocks
from hemline.kernels.lists import NO_ARTICLE, Lists, empty_lists, top_k
from hemline.models.neighbours import Neighbours

Vectors = npt.NDArray[np.float32]

_GRID: Final = np.float32(2**16)
"""Cosines are rounded to its multiples: BLAS is certain of these in float32."""
_BLOCK: Final = 64
_LATEST: Final = 5
"""Of a customer's articles whose neighbours are listed, where the table recommends."""


CONTENT: Final = "content"
"""Name of the table and of its folder."""


def fit_content(
    embeddings: Sequence[Vectors], products: npt.NDArray[np.int32], k: int
) -> Neighbours:
    """Return the nearest articles by mean cosine of their embeddings.

    Args:
        embeddings: float32 of shape (articles, d) each, rows of length 1 or of zeros; without
            columns where there is no encoder.
        products: int32 of shape (articles,), the number of each article's product.
        k: neighbours of an article, and as many of other products.

    Raises:
        BadInput: embeddings are of another number of articles.
    """
    n_articles = len(products)
    for vectors in embeddings:
        if len(vectors) != n_articles:
            raise BadInput(
                f"embeddings have a row for each article ({n_articles:,})",
                found=f"{len(vectors):,} rows",
                fix="run stage embed again: dvc repro embed",
            )
    known = [np.asarray(vectors) for vectors in embeddings if vectors.shape[1]]
    if not known:
        return Neighbours.none(CONTENT, n_articles)
    nearest, others = _nearest(known, products, k)
    return Neighbours(CONTENT, *nearest, _LATEST, other_products=others)


def _nearest(
    known: Sequence[Vectors], products: npt.NDArray[np.int32], k: int
) -> tuple[Lists, Lists]:
    """Return the k nearest articles of each, and the nearest of each of the k nearest products."""
    nearest, others = empty_lists(len(products), k), empty_lists(len(products), k)
    order = np.argsort(products, kind="stable")
    starts = np.flatnonzero(np.diff(products[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    own = np.searchsorted(starts, np.argsort(order), side="right") - 1
    places = np.arange(len(order), dtype=np.int32)

    def fill(rows: slice) -> None:
        scores = _similarities(known, rows)
        within = np.arange(rows.stop - rows.start)
        by_product = scores[:, order]
        best = np.maximum.reduceat(by_product, starts, axis=1)
        first = np.where(by_product == np.repeat(best, sizes, axis=1), places, len(places))
        first = np.minimum.reduceat(first, starts, axis=1)
        best[within, own[rows]] = -np.inf
        product, others[1][rows] = top_k(best, k)
        closest = order[first[within[:, None], product]]
        others[0][rows] = np.where(product == NO_ARTICLE, NO_ARTICLE, closest)
        scores[within, np.arange(rows.start, rows.stop)] = -np.inf
        nearest[0][rows], nearest[1][rows] = top_k(scores, k)

    for_blocks(fill, len(products), "content", size=_BLOCK)
    return nearest, others


def _similarities(known: Sequence[Vectors], rows: slice) -> Vectors:
    """Return the mean cosine of some articles with all, -inf where it is not positive."""
    shape = rows.stop - rows.start, len(known[0])
    sums, n_kinds = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for vectors in known:
        has_one = np.asarray(vectors.any(axis=1))
        sums += np.rint(vectors[rows] @ vectors.T * _GRID) / _GRID
        n_kinds += has_one[rows][:, None] & has_one
    mean = sums / np.maximum(n_kinds, 1)
    return np.where(mean > 0, mean, np.float32(-np.inf))
