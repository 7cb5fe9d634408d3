"""Stage embed: pictures and texts of articles to embeddings, where params.yaml names encoders."""

import logging

from hemline import columns, tables
from hemline.content.embeddings import (
    KINDS,
    EmbeddingsParams,
    embed_pictures,
    embed_texts,
    save_embeddings,
)
from hemline.models.embedding_neighbours import fit_content
from hemline.models.tfidf import article_texts, products_of
from hemline.stages.command import InPath, OutPath, ParamsPath, run

logger = logging.getLogger(__name__)


def main(
    params: ParamsPath, articles: InPath, content: InPath, embeddings: OutPath, model: OutPath
) -> None:
    """Encode what the encoders are for; without an encoder the vectors have no columns."""
    settings = EmbeddingsParams.load(params)
    described = tables.read_described(articles, tables.ARTICLES)
    article_ids = described[columns.ARTICLE_ID].tolist()
    vectors = (
        embed_pictures(content, article_ids, settings, content),
        embed_texts(article_texts(described), settings, content),
    )
    save_embeddings(embeddings, vectors)
    model.mkdir(parents=True, exist_ok=True)
    fit_content(vectors, products_of(described), settings.neighbours).save(model)
    for kind, one in zip(KINDS, vectors, strict=True):
        n_embedded = int((one != 0).any(axis=1).sum())
        logger.info("%s: %d articles of %d, %d numbers each", kind, n_embedded, *one.shape)


if __name__ == "__main__":
    run(main)
