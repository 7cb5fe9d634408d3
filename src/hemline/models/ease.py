"""EASE: every purchase foretold from all others by ridge regression, in closed form.

Exact EASE (Steck 2019) inverts one matrix of articles x articles: 5,000 articles take seconds and
0.3 GB, 25,000 would take 7 GB. Above `max_articles` each offered article is therefore regressed on
only those `neighbours` that alone explain it best (the neighbourhood idea of fsSLIM, Ning & Karypis
2011, with the squared loss of EASE). With every article a neighbour, both forms are the same
numbers. Which of the two answered stands in the model's name. SANSA, the published sparse form,
builds on headers of SuiteSparse at installation, which a one-command install cannot assume.
"""

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from scipy import linalg, sparse
from tqdm import tqdm

from hemline.data.histories import Histories
from hemline.models.article_weights import (
    ArticleWeights,
    Weighted,
    Weighting,
    scaled_columns,
    weighted,
)
from hemline.models.ranking import top_k
from hemline.models.recommender import NO_ARTICLE

_BLOCK: Final = 128
Floats = npt.NDArray[np.float32]


class EaseParams(Weighting):
    """How far purchases are trusted, and from where on the sparse form answers."""

    section: ClassVar[str] = "ease"
    l2: PositiveFloat
    max_articles: NonNegativeInt
    neighbours: PositiveInt


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
    by_article = sparse.csr_matrix(data.inputs.T)
    gram = np.zeros((len(data.read), len(data.read)), np.float32)
    for start in range(0, len(gram), _BLOCK):
        block = by_article[start : start + _BLOCK] @ data.inputs
        gram[start : start + _BLOCK] = block.toarray()
    gram[np.diag_indices_from(gram)] += l2
    inverse = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
    weights = np.asarray((sparse.csr_matrix(data.targets.T @ data.inputs) @ inverse).T, np.float32)
    for start in range(0, len(data.own), _BLOCK):
        own = data.own[start : start + _BLOCK]
        columns = np.arange(start, start + len(own))
        weights[:, columns] -= inverse[:, own] * (weights[own, columns] / inverse[own, own])
    return weights


def _neighbourhood(data: Weighted, params: EaseParams) -> sparse.csr_matrix:
    """Return the same regression with each offered article's best explaining articles only."""
    energy = np.asarray(data.inputs.multiply(data.inputs).sum(axis=0)).ravel() + params.l2
    by_customer = sparse.csc_matrix(data.inputs)
    buyers_of = sparse.csr_matrix(data.targets.T)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))]
    for start in tqdm(range(0, len(data.offered), _BLOCK), desc="sparse_ease", unit="block"):
        together = (buyers_of[start : start + _BLOCK] @ data.inputs).toarray()
        rows = np.arange(len(together))
        gain = together**2 / energy
        gain[rows, data.own[start : start + _BLOCK]] = -np.inf
        near, _ = top_k(gain.astype(np.float32), min(params.neighbours, len(data.read)))
        solved = _solve(by_customer, near, together, params.l2)
        row, rank = np.nonzero(near != NO_ARTICLE)
        parts.append((near[row, rank].astype(np.int64), row + start, solved[row, rank]))
    read, offered, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    shape = (len(data.read), len(data.offered))
    return sparse.csr_matrix((weights.astype(np.float32), (read, offered)), shape=shape)


def _solve(
    inputs: sparse.csc_matrix, near: npt.NDArray[np.int32], together: Floats, l2: float
) -> npt.NDArray[np.float64]:
    """Return the ridge weights of each row's near articles, beside `near`; 0 past its end."""
    grams = np.zeros((*near.shape, near.shape[1]))
    for gram, listed in zip(grams, near, strict=True):
        bought = inputs[:, listed[listed != NO_ARTICLE]]
        gram[: bought.shape[1], : bought.shape[1]] = (bought.T @ bought).toarray()
    grams += l2 * np.eye(near.shape[1])
    wanted = np.where(near == NO_ARTICLE, 0, np.take_along_axis(together, near, axis=1))
    return np.asarray(np.linalg.solve(grams, wanted[..., None])[..., 0])
