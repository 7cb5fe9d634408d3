"""Every model, fitted on the known-answer shop."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.models.als import AlsParams, fit_als
from hemline.models.cascade import Cascade
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_training import CvaeParams, fit_cvae
from hemline.models.ease import EaseParams, fit_ease
from hemline.models.item_knn import ItemKnnParams, Rp3betaParams, fit_item_knn, fit_rp3beta
from hemline.models.popularity import PopularityParams, fit_popularity, fit_segment_popularity
from hemline.models.ranker.article_features import ArticleFeatures, compute_article_features
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankParams, fit_trees, ranked_week
from hemline.models.recommender import Model, Recommender
from hemline.models.repurchase import Repurchase
from hemline.models.tfidf import TEXT_COLUMNS, TfidfParams, fit_tfidf

CUT = date(2020, 9, 16)
POPULARITY = PopularityParams(
    window_days=28, half_life_days=7, segment_prior_buyers=1, list_length=15
)
TFIDF = TfidfParams(
    min_document_count=1, max_document_share=1, max_ngram=1, neighbours=5, latest_articles=3
)
COPURCHASE = CopurchaseParams(offered_days=28, shrinkage=1, neighbours=5, latest_articles=3)
FADING: dict[str, float] = {
    "input_half_life_days": 60,
    "target_half_life_days": 60,
    "on_sale_days": 28,
    "recent_half_life_days": 7,
    "shift": 0,
}
ITEM_KNN = ItemKnnParams(**FADING, neighbours=5, shrinkage=1)
RP3BETA = Rp3betaParams(**FADING, neighbours=5, alpha=0.5, beta=0.3, normalise=False)
EASE = EaseParams(**FADING, l2=5, max_articles=100, neighbours=5)
ALS = AlsParams(**FADING, factors=4, regularisation=0.1, alpha=10, iterations=10, seed=1)
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
    softmax_samples=1000,
    precision="float32",
    epoch_customers=1000,
    validation_customers=1000,
    batch_size=20,
    learning_rate=0.02,
    row_learning_rate=0.1,
    kl_cap=0.005,
    kl_anneal_epochs=5,
    max_epochs=40,
    patience=40,
    final_epochs=0,
    device="cpu",
    seed=1,
)

RANK = RankParams(
    candidates={"own_articles": 10, "same_product": 5, "cvae": 12, "popularity": 15},
    training_weeks=1,
    enough_customers=1000,
    max_customers=1000,
    repurchase_days=60,
    cvae_epochs=1,
    leaves=7,
    min_pairs_in_leaf=5,
    feature_share=1.0,
    learning_rate=0.3,
    max_trees=5,
    patience=5,
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


def purchases_of(shop: Histories) -> pd.DataFrame:
    """Return the purchases behind the shop's histories, each at 10 a unit and in a store."""
    row = np.repeat(np.arange(shop.n_customers), np.diff(shop.units.indptr))
    days_ago = pd.to_timedelta(shop.days_ago.data, unit="D")
    return pd.DataFrame(
        {
            columns.DAY: pd.Timestamp(CUT) - days_ago,
            columns.CUSTOMER: row,
            columns.ARTICLE: shop.units.indices,
            columns.UNITS: shop.units.data,
            columns.PRICE: 10.0,
            columns.CHANNEL: 1,
        }
    )


def facts_of(shop: Histories) -> ArticleFeatures:
    segments = pd.DataFrame({columns.CLUSTER: shop.clusters, columns.AGE_BAND: shop.age_bands})
    articles = described(shop.n_articles)
    articles[columns.PRODUCT_CODE] = [str(article // 4) for article in articles.index]
    return compute_article_features(purchases_of(shop), CUT, articles, segments)


def train_ranker(shop: Histories, models: Mapping[str, Recommender]) -> Ranker:
    """Teach the trees that everybody buys the lowest of the own articles again."""
    facts, known = facts_of(shop), shop.rows(np.flatnonzero(~shop.is_cold()))
    lowest = known.units.indices[known.units.indptr[:-1]]
    bought = sparse.csr_matrix(
        (np.ones(len(lowest)), (np.arange(len(lowest)), lowest)), shape=known.units.shape
    )
    week = ranked_week(models, RANK.proposals, facts, known, bought)
    return Ranker(fit_trees([week], None, RANK, 5), facts, RANK.proposals, models)


def fit_all(shop: Histories) -> dict[str, Recommender]:
    """Return every model by name, and a cascade of three of them."""
    models: list[Model] = [
        fit_popularity(shop, POPULARITY),
        fit_segment_popularity(shop, POPULARITY, n_bands=2),
        Repurchase(max_days=60, units_weight=0.5),
        fit_tfidf(described(shop.n_articles), TFIDF),
        fit_copurchase(shop, COPURCHASE),
        fit_item_knn(shop, ITEM_KNN),
        fit_rp3beta(shop, RP3BETA),
        fit_ease(shop, EASE),
        fit_als(shop, ALS),
        train_cvae(shop),
    ]
    by_name = {model.name: model for model in models}
    return {
        **by_name,
        "rank": train_ranker(shop, by_name),
        "cascade": Cascade(
            "cascade", [by_name["repurchase"], by_name["cvae"], by_name["popularity"]]
        ),
    }
