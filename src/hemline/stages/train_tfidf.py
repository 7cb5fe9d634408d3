"""Stage train_tfidf: article texts to the most similar articles of each."""

from hemline import tables
from hemline.models.tfidf import TfidfParams, fit_tfidf
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(params: ParamsPath, articles: InPath, model: OutPath) -> None:
    """Weigh the words and find each article's neighbours."""
    described = tables.read_table(articles, tables.ARTICLES)
    similar = fit_tfidf(described, TfidfParams.load(params))
    model.mkdir(parents=True, exist_ok=True)
    similar.save(model)


if __name__ == "__main__":
    run(main)
