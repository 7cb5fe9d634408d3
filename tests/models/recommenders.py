"""Every model, fitted on the known-answer shop."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import no_unlikes
from hemline.data.past_weeks import PurchaseLog
from hemline.models.als import AlsParams
from hemline.models.cascade import Cascade
from hemline.models.catalogue import CATALOGUE, TrainingData, Validation, entry_of
from hemline.models.copurchase import CopurchaseParams
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.ease import EaseParams
from hemline.models.item_knn import ItemKnnParams, Rp3betaParams
from hemline.models.new_articles import NewArticlesParams
from hemline.models.popularity import PopularityParams
from hemline.models.ranker.article_features import (
    ArticleFeatures,
    compared_attributes,
    compute_article_features,
)
from hemline.models.ranker.feature_groups import GROUPS
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankParams, fit_trees, ranked_week
from hemline.models.ranker.tree_file import TreeFile
from hemline.models.recommender import Recommender
from hemline.models.sequence.sequence_training import SequenceParams
from hemline.models.tfidf import TEXT_COLUMNS, TfidfParams
from hemline.params import Section

CUT = date(2020, 9, 16)
POPULARITY = PopularityParams(
    window_days=28, half_life_days=7, segment_prior_buyers=1, list_length=15
)
TFIDF = TfidfParams(
    min_document_count=1, max_document_share=1, max_ngram=1, neighbours=5, latest_articles=3
)
COPURCHASE = CopurchaseParams(offered_days=28, shrinkage=1, neighbours=5, latest_articles=3)
DECAY: dict[str, float] = {
    "input_half_life_days": 60,
    "target_half_life_days": 60,
    "on_sale_days": 28,
    "recent_half_life_days": 7,
    "shift": 0,
}
ITEM_KNN = ItemKnnParams(**DECAY, neighbours=5, shrinkage=1)
RP3BETA = Rp3betaParams(**DECAY, neighbours=5, alpha=0.5, beta=0.3, normalise=False)
NEW_ARTICLES = NewArticlesParams(**RP3BETA.model_dump(), new_days=30, look_alikes=3)
EASE = EaseParams(**DECAY, l2=5, max_articles=100, neighbours=5)
ALS = AlsParams(**DECAY, factors=4, regularisation=0.1, alpha=10, iterations=10, seed=1)
CVAE = CvaeParams(
    **DECAY,
    hidden=16,
    latent=4,
    dropout=0.2,
    softmax_samples=1000,
    batch_size=20,
    learning_rate=0.02,
    row_learning_rate=0.1,
    kl_cap=0.005,
    kl_anneal_epochs=5,
    max_epochs=40,
    patience=40,
    final_epochs=0,
    walk_weight=0.0,
    device="cpu",
    seed=1,
)
WALKING = CVAE.model_copy(update={"walk_weight": 2.0})
SEQUENCE = SequenceParams(width=8, training_weeks=2, max_epochs=3)
PARAMS: dict[str, Section] = {
    "popularity": POPULARITY,
    "segment_popularity": POPULARITY,
    "tfidf": TFIDF,
    "copurchase": COPURCHASE,
    "item_knn": ITEM_KNN,
    "rp3beta": RP3BETA,
    "ease": EASE,
    "new_articles": NEW_ARTICLES,
    "als": ALS,
    "cvae": WALKING,
    "sequence": SEQUENCE,
}
"""Where a model's defaults are too large for the shop."""

RANK = RankParams(
    features=GROUPS,
    candidates={"own_articles": 10, "same_product": 5, "cvae": 12, "popularity": 15},
    repurchase_days=60,
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


def data_of(shop: Histories) -> TrainingData:
    """Return the shop as training data; each epoch scores better than the one before."""
    scores = iter(range(1000))
    return TrainingData(
        histories=lambda: shop,
        articles=lambda: described(shop.n_articles),
        validation=lambda _: Validation(shop, lambda _: float(next(scores))),
        purchases=lambda: log_of(shop),
        n_clusters=2,
        n_age_bands=2,
    )


def train_cvae(shop: Histories, params: CvaeParams = CVAE) -> Cvae:
    """Train to the last epoch."""
    model = entry_of("cvae").fit(data_of(shop), params)
    assert isinstance(model, Cvae)
    return model


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


def log_of(shop: Histories) -> PurchaseLog:
    """Return a log in which every purchase was made a week and two weeks earlier, too."""
    latest = purchases_of(shop)
    weeks = [latest.assign(**{columns.DAY: latest[columns.DAY] - pd.Timedelta(days=7 * back)})
             for back in range(3)]  # fmt: skip
    ordered = pd.concat(weeks).sort_values(columns.DAY, ignore_index=True)
    return PurchaseLog(ordered, no_unlikes(), CUT, shop.n_articles, 7)


def features_of(shop: Histories) -> ArticleFeatures:
    segments = pd.DataFrame({columns.CLUSTER: shop.clusters, columns.AGE_BAND: shop.age_bands})
    return compute_article_features(
        purchases_of(shop), CUT, articles_of(shop), segments, recent_days=28, prior_buyers=20.0
    )


def articles_of(shop: Histories) -> pd.DataFrame:
    """Return the articles described, four of a product."""
    articles = described(shop.n_articles)
    articles[columns.PRODUCT_CODE] = [str(article // 4) for article in articles.index]
    return articles


def train_ranker(shop: Histories, models: Mapping[str, Recommender]) -> Ranker:
    """Train the trees on a week in which everybody buys the lowest of the own articles again."""
    features, known = features_of(shop), shop.rows(np.flatnonzero(~shop.is_cold()))
    lowest = known.units.indices[known.units.indptr[:-1]]
    bought = sparse.csr_matrix(
        (np.ones(len(lowest)), (np.arange(len(lowest)), lowest)), shape=known.units.shape
    )
    week = ranked_week(models, RANK.settings, features, known, bought)
    trees = TreeFile.of(fit_trees([week], None, RANK, 5, compared_attributes(articles_of(shop))))
    return Ranker(trees, features, RANK.settings, models)


def fit_all(shop: Histories) -> dict[str, Recommender]:
    """Return every model of the catalogue by name, the ranker, and a cascade of three."""
    data = data_of(shop)
    models: dict[str, Recommender] = {}
    for name in CATALOGUE:
        entry = entry_of(name)
        models[name] = entry.fit(data, PARAMS.get(name) or entry.params())
    cascade = [models[name] for name in ("repurchase", "cvae", "popularity")]
    return {**models, "rank": train_ranker(shop, models), "cascade": Cascade("cascade", cascade)}
