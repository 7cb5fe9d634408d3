"""Numbers that are not numbers: free articles, empty input, ages and units on the borders."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.catalogue import CATALOGUE
from hemline.models.cvae.cvae_training import fit_cvae_for
from hemline.models.popularity import fit_popularity
from hemline.models.ranker.article_features import (
    ATTRIBUTES,
    ArticleFeatures,
    compute_article_features,
)
from hemline.models.ranker.pair_features import described_candidates, feature_names
from hemline.models.ranker.sources import OWN, RankerSettings, sources_of

from .recommenders import CVAE, POPULARITY, fit_all

CUT = date(2020, 9, 16)
NAN = float("nan")


def bought_for(prices: list[tuple[int, int, float]]) -> pd.DataFrame:
    """Customer, article and price of each purchase, all on one day."""
    rows = pd.DataFrame(prices, columns=[columns.CUSTOMER, columns.ARTICLE, columns.PRICE])
    return rows.assign(
        **{
            columns.DAY: pd.Timestamp("2020-09-01"),
            columns.UNITS: 1,
            columns.CHANNEL: 2,
        }
    )


def features_of(purchases: pd.DataFrame) -> ArticleFeatures:
    articles = pd.DataFrame(dict.fromkeys(ATTRIBUTES, "same"), index=range(3))
    segments = pd.DataFrame({columns.CLUSTER: [0, 0], columns.AGE_BAND: [1, 2]})
    return compute_article_features(
        purchases, CUT, articles, segments, recent_days=28, prior_buyers=20.0
    )


def pairs_of(purchases: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    known = build_histories(purchases, cut=CUT, n_customers=2, n_articles=3)
    features = features_of(purchases)
    settings = RankerSettings({OWN: 3, "popularity": 3}, repurchase_days=730)
    sources = sources_of(settings, features, {"popularity": fit_popularity(known, POPULARITY)})
    _, table = described_candidates(sources, settings, features, known)
    return table, feature_names(tuple(settings.depths), ATTRIBUTES[:1])


@pytest.mark.parametrize("gift", [0.0, NAN])
def test_a_gift_has_no_price_and_leaves_the_customers_price_level_alone(gift: float) -> None:
    purchases = bought_for([(0, 0, gift), (0, 1, 20.0), (1, 1, 20.0), (1, 2, 20.0)])
    features = features_of(purchases)
    assert not np.isinf(features.state).any()
    assert np.isnan(features.column("log_price")[0])
    assert np.isnan(features.column("markdown")[0])
    assert features.column("log_price")[1:] == pytest.approx(np.log(20.0))
    table, names = pairs_of(purchases)
    assert not np.isinf(table).any()
    assert table[:, names.index("customer_log_price")] == pytest.approx(np.log(20.0))
    assert table[:, names.index("customer_price_spread")] == pytest.approx(0, abs=1e-3)


def test_an_article_given_away_now_and_then_has_the_mean_price_of_the_rest() -> None:
    features = features_of(bought_for([(0, 0, 0.0), (1, 0, 10.0), (1, 1, 1.0)]))
    assert features.column("log_price")[0] == pytest.approx(np.log(10.0))
    assert features.column("markdown")[0] == pytest.approx(0)


def test_a_shop_that_gives_everything_away_has_no_prices_and_no_infinite_feature() -> None:
    table, names = pairs_of(bought_for([(0, 0, 0.0), (1, 1, 0.0)]))
    assert not np.isinf(table).any()
    for name in ("log_price", "markdown", "customer_log_price", "customer_price_spread"):
        assert np.isnan(table[:, names.index(name)]).all()


def test_a_ranker_saved_with_infinite_prices_sees_none() -> None:
    purchases = bought_for([(0, 0, 5.0), (0, 1, 20.0), (1, 1, 20.0)])
    features = features_of(purchases)
    features.column("log_price")[0] = -np.inf
    known = build_histories(purchases, cut=CUT, n_customers=2, n_articles=3)
    settings = RankerSettings({OWN: 3}, repurchase_days=730)
    _, table = described_candidates(sources_of(settings, features, {}), settings, features, known)
    names = feature_names((OWN,), ATTRIBUTES[:1])
    for name in ("customer_log_price", "customer_price_spread", "price_gap"):
        assert not np.isinf(table[:, names.index(name)]).any()


def test_no_purchases_make_features_without_a_number_that_is_infinite() -> None:
    features = features_of(bought_for([(0, 0, 1.0)]).iloc[:0])
    assert not np.isinf(features.state).any()
    assert not features.is_on_sale(28).any()


def test_a_network_without_anything_to_predict_is_refused() -> None:
    nothing = Histories.from_interactions(sparse.csr_matrix((5, 4), dtype=np.float32))
    with pytest.raises(BadInput, match="something to predict"):
        fit_cvae_for(nothing, CVAE, n_conditions=1, n_epochs=1)


@pytest.mark.parametrize("units", [1e-6, 1, 1e9])
def test_units_of_any_size_give_lists_with_scores_that_are_numbers(
    units: float, shop: Histories
) -> None:
    many = shop.units.copy()
    many.data[:] = units
    asked = Histories.from_interactions(many, days_ago=shop.days_ago, clusters=shop.clusters)
    models = fit_all(shop)
    for name in (*CATALOGUE, "rank"):
        lists = models[name].recommend(asked, 5)
        listed = lists.scores[lists.articles != NO_ARTICLE]
        assert np.isfinite(listed).all(), name
