"""Similar articles by their words: TF-IDF over the description and the descriptive columns.

Serves "similar articles" and articles nobody bought yet. What is saved is the neighbour table, not
the vectorizer: its pickle holds a memory address and so would differ on every run.

The nearest of an article are mostly other colours of its product: of the genuine articles 8 % have
ten of these and nothing else, of the demo's 25 %. So the nearest of other products are saved too.
"""

from typing import Annotated, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, PositiveInt
from scipy import sparse

from hemline import columns
from hemline.data.article_attributes import own_texts
from hemline.kernels.lists import Lists
from hemline.models.neighbours import Neighbours
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


class TfidfParams(Section):
    """Which words count, and how many neighbours an article has; by default all words do."""

    section: ClassVar[str] = "tfidf"
    min_document_count: PositiveInt = 1
    max_document_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    neighbours: PositiveInt = 10
    latest_articles: PositiveInt = 5
    max_ngram: PositiveInt = 1


def article_texts(articles: pd.DataFrame) -> list[str]:
    """Return one text per article: the descriptive columns joined, missing ones left out.

    The shop's own texts come after the usual ones.
    """
    names = (*TEXT_COLUMNS, *own_texts(articles))
    parts = [articles[name].astype(object).fillna("").astype(str) for name in names]
    return [" ".join(words) for words in zip(*parts, strict=True)]


def fit_tfidf(articles: pd.DataFrame, params: TfidfParams) -> Neighbours:
    """Return the nearest articles by cosine of TF-IDF vectors.

    Articles are as tables.read_described returns them; without product codes each article is a
    product of its own.

    An article that shares no word that counts with another has no neighbours.
    """
    vectors = text_vectors(articles, params)
    nearest = nearest_by_cosine(vectors, params.neighbours)
    others = nearest_of_other_products(vectors, products_of(articles), params.neighbours)
    return Neighbours("tfidf", *nearest, params.latest_articles, other_products=others)


def text_vectors(articles: pd.DataFrame, params: TfidfParams) -> sparse.csr_matrix:
    """Return the TF-IDF vector of each article's text, CSR float32 with rows of length 1.

    A row is empty where no word of the text counts.
    """
    return _unit_vectors(article_texts(articles), params)


def nearest_by_cosine(unit_vectors: sparse.csr_matrix, k: int) -> Lists:
    """Return the k nearest other rows of each, exactly; rows have length 1 and no negative value.

    Articles with equal texts are equally near, and the one with the lower key comes first.
    """
    from hemline.kernels.sparse_topk import best_of_product  # noqa: PLC0415  (numba)

    words = frequent_first(unit_vectors)
    itself = np.arange(words.shape[0])
    by_word = sparse.csr_matrix(words.T)
    return best_of_product(words, by_word, k, own=itself, progress="similar articles")


def nearest_of_other_products(
    unit_vectors: sparse.csr_matrix, products: npt.NDArray[np.int32], k: int
) -> Lists:
    """Return the nearest row of each of the k nearest other products, as `nearest_by_cosine`.

    Args:
        unit_vectors: rows of length 1 without a negative value.
        products: int32 of shape (rows,), the number of each row's product.
        k: products per row.
    """
    from hemline.kernels.grouped_topk import best_of_groups  # noqa: PLC0415  (numba)

    words = frequent_first(unit_vectors)
    by_word, progress = sparse.csr_matrix(words.T), "similar products"
    return best_of_groups(words, by_word, k, products, own=products, progress=progress)


def products_of(articles: pd.DataFrame) -> npt.NDArray[np.int32]:
    """Return the number of each article's product; without product codes each is one of its own."""
    if columns.PRODUCT_CODE not in articles:
        return np.arange(len(articles), dtype=np.int32)
    return pd.factorize(articles[columns.PRODUCT_CODE], use_na_sentinel=False)[0].astype(np.int32)


def frequent_first(vectors: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the matrix with its columns from the most to the least frequent, indices sorted.

    One order for every sum makes a product the same from both sides, to the last bit.
    """
    order = np.argsort(-np.bincount(vectors.indices, minlength=vectors.shape[1]), kind="stable")
    ordered = sparse.csr_matrix(vectors[:, order])
    ordered.sort_indices()
    return ordered


def _unit_vectors(texts: list[str], params: TfidfParams) -> sparse.csr_matrix:
    """Return a row of length 1 per text, empty where no word of it counts.

    scikit-learn's TfidfVectorizer is these two steps, but refuses texts of which no word counts.
    """
    from sklearn.feature_extraction.text import TfidfTransformer  # noqa: PLC0415  (slow import)

    counts = _word_counts(texts, params.max_ngram)
    n_texts = np.bincount(counts.indices, minlength=counts.shape[1])
    n_most = params.max_document_share * len(texts)
    counted = counts[:, (n_texts >= params.min_document_count) & (n_texts <= n_most)]
    if not counted.nnz:
        return sparse.csr_matrix(np.zeros((len(texts), 1), np.float32))
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(counted)
    return sparse.csr_matrix(vectors, dtype=np.float32)


def _word_counts(texts: list[str], max_ngram: int) -> sparse.csr_matrix:
    """Return how often each word (and sequence of words) is in each text.

    In float64, as what follows from it: logarithms of float32 differ between processors.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415  (slow import)

    vectorizer = CountVectorizer(ngram_range=(1, max_ngram), dtype=np.float64)
    words_of = vectorizer.build_analyzer()
    if not any(words_of(text) for text in texts):
        return sparse.csr_matrix((len(texts), 0))
    return sparse.csr_matrix(vectorizer.fit_transform(texts))
