"""Similar articles by their words: TF-IDF over the description and the descriptive columns.

Serves "similar articles" and articles nobody bought yet. What is kept is the neighbour table, not
the vectorizer: its pickle holds a memory address and so would differ on every run.
"""

from typing import Annotated, ClassVar, Final

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt
from scipy import sparse
from tqdm import tqdm

from hemline.models.neighbours import Neighbours
from hemline.models.ranking import Lists, top_k_sparse
from hemline.params import Section

TEXT_COLUMNS: Final = (
    "prod_name",
    "product_type_name",
    "product_group_name",
    "graphical_appearance_name",
    "colour_group_name",
    "perceived_colour_master_name",
    "department_name",
    "index_name",
    "section_name",
    "garment_group_name",
    "detail_desc",
)

_BLOCK: Final = 2048
_THREADS: Final = 2


class TfidfParams(Section):
    """Which words count, and how many neighbours are kept."""

    section: ClassVar[str] = "tfidf"
    min_document_count: PositiveInt
    max_document_share: Annotated[float, Field(gt=0, le=1)]
    neighbours: PositiveInt
    latest_articles: PositiveInt
    max_ngram: PositiveInt


def article_texts(articles: pd.DataFrame) -> list[str]:
    """Return one text per article: the descriptive columns joined, missing ones left out."""
    parts = [articles[name].fillna("").astype(str) for name in TEXT_COLUMNS]
    return [" ".join(words) for words in zip(*parts, strict=True)]


def fit_tfidf(articles: pd.DataFrame, params: TfidfParams) -> Neighbours:
    """Return the nearest articles by cosine of TF-IDF vectors; columns of tables.ARTICLES."""
    vectors = _unit_vectors(article_texts(articles), params)
    nearest = nearest_by_cosine(vectors, params.neighbours)
    return Neighbours("tfidf", *nearest, params.latest_articles)


def nearest_by_cosine(unit_vectors: sparse.csr_matrix, k: int) -> Lists:
    """Return the k nearest other rows of each, exactly; rows have length 1 and no negative value.

    Only the best k + 1 of a row are ever held, so memory grows with articles x k. Articles with
    equal words are equally near, and the one with the lower key comes first.
    """
    from sparse_dot_topn import sp_matmul_topn  # noqa: PLC0415  (needed by one stage)

    transposed = sparse.csr_matrix(unit_vectors.T)
    blocks = []
    for start in tqdm(range(0, unit_vectors.shape[0], _BLOCK), desc="similar", unit="block"):
        rows = unit_vectors[start : start + _BLOCK]
        near = sparse.coo_matrix(sp_matmul_topn(rows, transposed, top_n=k + 1, n_threads=_THREADS))
        others = (near.row + start != near.col) & (near.data > 0)
        shape = near.shape
        kept = sparse.csr_matrix(
            (near.data[others], (near.row[others], near.col[others])), shape=shape
        )
        blocks.append(top_k_sparse(kept, k))
    articles, cosines = zip(*blocks, strict=True)
    return np.concatenate(articles), np.concatenate(cosines)


def _unit_vectors(texts: list[str], params: TfidfParams) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  (slow import)

    vectorizer = TfidfVectorizer(
        min_df=params.min_document_count,
        max_df=params.max_document_share,
        ngram_range=(1, params.max_ngram),
        sublinear_tf=True,
        dtype=np.float32,
    )
    return sparse.csr_matrix(vectorizer.fit_transform(texts))
