"""EASE: every purchase predicted from all others by ridge regression, in closed form.

Exact EASE (Steck 2019) inverts one matrix of articles x articles: 5,000 articles take ten seconds
and 0.6 GB, 25,000 would take 15 GB. It is computed in float64 and rounded to a grid, so that
processors agree (hemline/arrays.py); float32 takes half of both. Above `max_articles` each offered
article is therefore regressed on only those `neighbours` that alone explain it best (the
neighbourhood idea of fsSLIM, Ning & Karypis 2011, with the squared loss of EASE). A neighbour
shares a buyer; where every article is one, both forms are the same numbers. Which of the two was
fitted stands in the model's name. SANSA, the published sparse form, builds on headers of
SuiteSparse at installation, which a one-command install cannot assume.
"""

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from scipy import linalg, sparse
from tqdm import tqdm

from hemline.arrays import Floats, on_grid
from hemline.data.histories import Histories
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.article_weights import (
    ArticleWeights,
    Weighted,
    scaled_columns,
    squared_lengths,
    weighted,
)
from hemline.models.label_shift import Weighting

_BLOCK: Final = 128
_GRAM_CELLS: Final = 1 << 27
"""Numbers of the small Gram matrices held at a time: 512 MiB."""


class EaseParams(Weighting):
    """How far purchases are trusted, and from how many articles on the sparse form is fitted."""

    section: ClassVar[str] = "ease"
    l2: PositiveFloat = 600.0
    max_articles: NonNegativeInt = 12_000
    neighbours: PositiveInt = 100


def fit_ease(histories: Histories, params: EaseParams) -> ArticleWeights:
    """Return "ease", or "sparse_ease" where more than `max_articles` different ones were bought."""
    data = weighted(histories, params)
    if len(data.read) <= params.max_articles:
        return scaled_columns("ease", data, params, _exact(data, params.l2))
    return scaled_columns("sparse_ease", data, params, _neighbourhood(data, params))


def _exact(data: Weighted, l2: float) -> Floats:
    """Return argmin |targets - inputs B|^2 + l2 |B|^2 with no weight from an article to itself.

    With P the inverse of inputs' inputs + l2 I, the free solution is F = P inputs' targets, and
    column j becomes F_j - P_j F_jj / P_jj (Steck 2019, for targets that may differ from inputs).
    Written block by block: what is held at the peak is three matrices of articles x articles.
    """
    inputs = data.inputs.astype(np.float64)
    by_article = sparse.csr_matrix(inputs.T)
    gram = np.zeros((len(data.read), len(data.read)))
    for start in range(0, len(gram), _BLOCK):
        block = by_article[start : start + _BLOCK] @ inputs
        gram[start : start + _BLOCK] = block.toarray()
    gram[np.diag_indices_from(gram)] += l2
    inverse = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
    weights = np.asarray((sparse.csr_matrix(data.targets.T @ inputs) @ inverse).T)
    for start in range(0, len(data.own), _BLOCK):
        own = data.own[start : start + _BLOCK]
        columns = np.arange(start, start + len(own))
        weights[:, columns] -= inverse[:, own] * (weights[own, columns] / inverse[own, own])
    return on_grid(weights)


def _neighbourhood(data: Weighted, params: EaseParams) -> sparse.csr_matrix:
    """Return the same regression with each offered article's best explaining articles only.

    Article i alone explains (inputs_i . targets_j)^2 / (|inputs_i|^2 + l2) of article j, whose root
    is a cosine with only one length in it.
    """
    from hemline.kernels.sparse_topk import (  # noqa: PLC0415  (numba)
        Cosine,
        best_of_product,
        matrix_of,
        products_among,
    )

    by_article = sparse.csr_matrix(data.inputs.T)
    length = np.sqrt(squared_lengths(data.inputs) + params.l2)
    near, gain = best_of_product(
        sparse.csr_matrix(data.targets.T),
        data.inputs,
        min(params.neighbours, len(data.read)),
        cosine=Cosine(np.ones(len(data.offered)), length, 0.0),
        own=data.own,
        progress="sparse_ease",
    )
    together = np.where(near == NO_ARTICLE, 0, gain * length[near])
    weights = np.empty(near.shape)
    step = max(1, _GRAM_CELLS // near.shape[1] ** 2)
    for start in tqdm(range(0, len(near), step), desc="sparse_ease", unit="block"):
        rows = slice(start, start + step)
        grams = products_among(by_article, data.inputs, near[rows])
        weights[rows] = _solve(grams, together[rows], params.l2)
    return sparse.csr_matrix(matrix_of((near, on_grid(weights)), len(data.read)).T)


def _solve(grams: Floats, together: npt.NDArray[np.float64], l2: float) -> npt.NDArray[np.float64]:
    """Return the ridge weights of each row's near articles; 0 past the end of a short row."""
    weights = np.empty(together.shape)
    for start in range(0, len(grams), _BLOCK):
        rows = slice(start, start + _BLOCK)
        left = grams[rows] + l2 * np.eye(grams.shape[1])
        weights[rows] = np.linalg.solve(left, together[rows, :, None])[..., 0]
    return weights
