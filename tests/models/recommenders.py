"""Every model, fitted on the known-answer shop."""

import pandas as pd

from hemline.data.histories import Histories
from hemline.models.cascade import Cascade
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.cvae.model import Cvae
from hemline.models.cvae.training import CvaeParams, fit_cvae
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.models.recommender import Model, Recommender
from hemline.models.repurchase import Repurchase
from hemline.models.tfidf import TEXT_COLUMNS, TfidfParams, fit_tfidf

POPULARITY = PopularityParams(
    window_days=28, half_life_days=7, segment_prior_buyers=1, list_length=15
)
TFIDF = TfidfParams(
    min_document_count=1, max_document_share=1, max_ngram=1, neighbours=5, latest_articles=3
)
COPURCHASE = CopurchaseParams(offered_days=28, shrinkage=1, neighbours=5, latest_articles=3)
CVAE = CvaeParams(
    loss="multinomial",
    hidden=16,
    latent=4,
    dropout=0.2,
    input_half_life_days=60,
    target_half_life_days=60,
    on_sale_days=28,
    recent_half_life_days=7,
    shift=0.0,
    batch_size=20,
    learning_rate=0.02,
    weight_decay=0.0,
    kl_cap=0.005,
    kl_anneal_epochs=5,
    max_epochs=40,
    patience=40,
    final_epochs=0,
    cold_samples=64,
    seed=1,
)


def described(n_articles: int) -> pd.DataFrame:
    """Even articles are red dresses, odd ones blue socks; each has a word of its own."""
    articles = pd.DataFrame("", index=range(n_articles), columns=list(TEXT_COLUMNS))
    is_odd = articles.index % 2 == 1
    articles["prod_name"] = [f"name{article}" for article in articles.index]
    articles["product_type_name"] = ["socks" if odd else "dress" for odd in is_odd]
    articles["colour_group_name"] = ["blue" if odd else "red" for odd in is_odd]
    return articles


def train_cvae(shop: Histories, params: CvaeParams = CVAE) -> Cvae:
    """Train to the last epoch: each one scores better than the one before."""
    scores = iter(range(1000))
    return fit_cvae(
        shop,
        shop,
        params,
        n_conditions=2,
        validate=lambda _: float(next(scores)),
        on_epoch=lambda _: None,
    )


def fit_all(shop: Histories) -> dict[str, Recommender]:
    """Return every model by name, and a cascade of three of them."""
    models: list[Model] = [
        fit_popularity(shop, POPULARITY),
        fit_segment_popularity(shop, POPULARITY, n_bands=2),
        Repurchase(max_days=60, units_weight=0.5),
        fit_tfidf(described(shop.n_articles), TFIDF),
        fit_copurchase(shop, COPURCHASE),
        train_cvae(shop),
    ]
    by_name = {model.name: model for model in models}
    return {
        **by_name,
        "cascade": Cascade(
            "cascade", [by_name["repurchase"], by_name["cvae"], by_name["popularity"]]
        ),
    }
