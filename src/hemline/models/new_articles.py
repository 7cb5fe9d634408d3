"""Articles in their first days, scored by the behaviour of what they look like.

A walk knows an article by its buyers, of which a new one has few. Its look-alikes, the articles on
sale that are nearest by their texts or embeddings, have more: the mean of their columns, weighted
by similarity, is added to the new article's own. Buyers of what leads to the look-alikes are
offered the new article before anybody like them has bought it.

The lists hold new articles alone: a source of candidates for the ranker, or a model in a cascade.
An article is new from its first purchase on: one that nobody bought may be sold next year, and a
table of articles does not say so.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, NonNegativeFloat, PositiveInt
from scipy import sparse

from hemline.data.histories import Histories
from hemline.kernels.lists import WeightRows
from hemline.models.article_weights import ArticleWeights
from hemline.models.item_knn import Rp3betaParams, fit_rp3beta
from hemline.models.tfidf import TfidfParams, text_vectors

Floats = npt.NDArray[np.float32]

_GRID: Final = 2.0**16
"""Similarities are rounded to its multiples: sums of BLAS differ in their last bits."""


class NewArticlesParams(Rp3betaParams):
    """The walk's numbers, what is new, and what looks like it; words count as in TF-IDF."""

    section: ClassVar[str] = "new_articles"
    new_days: PositiveInt = 7
    look_alikes: PositiveInt = 20
    weight: NonNegativeFloat = 1.0
    min_document_count: PositiveInt = 1
    max_document_share: Annotated[float, Field(gt=0, le=1)] = 1.0


def fit_new_articles(
    histories: Histories,
    articles: pd.DataFrame,
    params: NewArticlesParams,
    embeddings: Sequence[Floats] = (),
) -> ArticleWeights:
    """Return the walk to articles first sold in the last `new_days`, through their look-alikes too.

    A history knows the last purchase of each article only, so an article is as old as the oldest of
    these.

    Args:
        histories: of all customers.
        articles: as tables.read_described returns them.
        params: section `new_articles`.
        embeddings: float32 of shape (articles, d) each, rows of length 1 or of zeros. Those with
            columns take the place of the texts.
    """
    walk = fit_rp3beta(histories, Rp3betaParams(**_walk(params)))
    is_new = _ages(histories)[walk.offered] <= params.new_days
    new, known = walk.offered[is_new], walk.offered[~is_new]
    alike = _look_alikes(_vectors(articles, params, embeddings), new, known, params.look_alikes)
    columns = _columns(walk)
    own, theirs = columns[:, np.flatnonzero(is_new)], columns[:, np.flatnonzero(~is_new)]
    weights = sparse.csr_matrix(own + params.weight * (theirs @ alike), dtype=np.float32)
    weights.sort_indices()
    rows = WeightRows(weights.indptr, weights.indices, weights.data)
    half_life = params.input_half_life_days
    return ArticleWeights("new_articles", half_life, walk.read, new, rows, walk.n_articles)


def _walk(params: NewArticlesParams) -> dict[str, object]:
    return {name: getattr(params, name) for name in Rp3betaParams.model_fields}


def _columns(walk: ArticleWeights) -> sparse.csc_matrix:
    if isinstance(walk.weights, np.ndarray):
        raise TypeError("RP3beta has sparse weights")
    rows = walk.weights.data, walk.weights.indices, walk.weights.indptr
    shape = len(walk.read), len(walk.offered)
    return sparse.csc_matrix(sparse.csr_matrix(rows, shape=shape, dtype=np.float64))


def _ages(histories: Histories) -> Floats:
    """Return how many days ago each article was sold first; 0 where nobody bought it."""
    ages = np.zeros(histories.n_articles, np.float32)
    np.maximum.at(ages, histories.indices, histories.days)
    return ages


def _vectors(
    articles: pd.DataFrame, params: NewArticlesParams, embeddings: Sequence[Floats]
) -> list[sparse.csr_matrix | Floats]:
    known = [vectors for vectors in embeddings if vectors.shape[1]]
    if known:
        return list(known)
    counted = params.min_document_count, params.max_document_share
    words = TfidfParams(min_document_count=counted[0], max_document_share=counted[1])
    return [text_vectors(articles, words)]


def _look_alikes(
    kinds: Sequence[sparse.csr_matrix | Floats],
    new: npt.NDArray[np.int32],
    known: npt.NDArray[np.int32],
    k: int,
) -> sparse.csr_matrix:
    """Return each new article's similarities to its k nearest, as a column that adds up to 1.

    Returns:
        CSR float64 of shape (len(known), len(new)); a column is empty where nothing is similar.
    """
    similar = np.zeros((len(new), len(known)), np.float64)
    for vectors in kinds:
        product = vectors[new] @ vectors[known].T
        similar += product.toarray() if sparse.issparse(product) else product
    similar = np.maximum(np.rint(similar * _GRID) / _GRID, 0)
    if similar.shape[1] > k:
        order = np.argsort(-similar, axis=1, kind="stable")
        np.put_along_axis(similar, order[:, k:], 0, axis=1)
    similar /= np.maximum(similar.sum(axis=1, keepdims=True), 1 / _GRID)
    return sparse.csr_matrix(similar.T)
