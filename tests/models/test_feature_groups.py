"""The ranker's groups of features on a shop that can be counted by hand."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories
from hemline.models.ranker.article_features import ATTRIBUTES, compute_article_features
from hemline.models.ranker.feature_groups import GROUPS
from hemline.models.ranker.pair_features import described_candidates, feature_names
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.sources import OWN, RankerSettings, sources_of

from .recommenders import fit_all

CUT = date(2020, 9, 16)
SECTION = "section_name"
PRODUCTS = ["10", "10", "20", "30"]
SECTIONS = ["men", "men", "women", "men"]
SALES = [  # days ago, customer, article, price; the first customer's are the ones described
    (2, 0, 0, 10.0),
    (2, 0, 2, 40.0),
    (9, 0, 1, 20.0),
    (16, 0, 3, 10.0),
    (4, 1, 0, 10.0),
    (10, 1, 0, 10.0),
    (20, 1, 1, 20.0),
    (60, 1, 1, 20.0),
]


@pytest.fixture(scope="module")
def described() -> pd.DataFrame:
    """The features of the first customer's pairs, a row per article."""
    names = ["days_ago", columns.CUSTOMER, columns.ARTICLE, columns.PRICE]
    purchases = pd.DataFrame(SALES, columns=names)
    purchases = purchases.assign(**{columns.UNITS: 1, columns.CHANNEL: 1})
    purchases[columns.DAY] = pd.Timestamp(CUT) - pd.to_timedelta(purchases["days_ago"], unit="D")
    articles = pd.DataFrame(dict.fromkeys(ATTRIBUTES, "same"), index=range(4))
    articles = articles.assign(**{columns.PRODUCT_CODE: PRODUCTS, SECTION: SECTIONS})
    segments = pd.DataFrame({columns.CLUSTER: [0, 0], columns.AGE_BAND: [1, 2]})
    known = build_histories(purchases, cut=CUT, n_customers=2, n_articles=4)
    features = compute_article_features(
        purchases, CUT, articles, segments, recent_days=28, prior_buyers=20.0
    )
    settings = RankerSettings({OWN: 4}, repurchase_days=730, features=GROUPS)
    sources = sources_of(settings, features, {})
    pairs, table = described_candidates(sources, settings, features, known.rows(np.array([0])))
    kinds = (columns.PRODUCT_CODE, SECTION)
    return pd.DataFrame(table, pairs.articles, feature_names((OWN,), kinds, GROUPS))


def test_intent_is_how_long_ago_and_how_much_of_each_attribute(described: pd.DataFrame) -> None:
    assert described[f"days_since_{SECTION}"].to_dict() == {0: 2, 1: 2, 2: 2, 3: 2}
    days = {"men": (2, 9, 16), "women": (2,)}
    for stem, half_life in {"short": 7, "long": 365}.items():
        total = {kind: sum(2 ** (-ago / half_life) for ago in of) for kind, of in days.items()}
        share = total["men"] / sum(total.values())
        values = described[f"{stem}_share_{SECTION}"]
        assert values.to_dict() == pytest.approx({0: share, 1: share, 2: 1 - share, 3: share})


def test_the_basket_is_the_latest_day(described: pd.DataFrame) -> None:
    assert described[f"basket_share_{SECTION}"].to_dict() == pytest.approx(
        dict.fromkeys(range(4), 0.5)
    )
    assert set(described["basket_size"]) == {2}
    mean = (np.log(10) + np.log(40)) / 2
    gaps = {0: np.log(10), 1: np.log(20), 2: np.log(40), 3: np.log(10)}
    assert described["basket_price_gap"].to_dict() == pytest.approx(
        {article: price - mean for article, price in gaps.items()}
    )


def test_a_product_is_all_of_its_colours(described: pd.DataFrame) -> None:
    assert described["product_sold_28d"].to_dict() == {0: 5, 1: 5, 2: 1, 3: 1}
    assert described["product_sold_ever"].to_dict() == {0: 6, 1: 6, 2: 1, 3: 1}
    trend = np.log((2 + 1) / (2 + 1))  # two sold in this week, two in the last
    assert described["product_trend_7d"].to_dict() == pytest.approx(
        {0: trend, 1: trend, 2: np.log(2), 3: np.log(1)}
    )
    assert described["product_colours"].to_dict() == {0: 2, 1: 2, 2: 1, 3: 1}
    assert described["product_share_28d"].to_dict() == pytest.approx(
        {0: 3 / 5, 1: 2 / 5, 2: 1, 3: 1}
    )
    assert described["other_colours"].to_dict() == {0: 1, 1: 1, 2: 0, 3: 0}
    since = described["days_since_other_colour"]
    assert (since[0], since[1]) == (9, 2)
    assert since[[2, 3]].isna().all()


def test_the_interval_is_the_mean_gap_between_days(described: pd.DataFrame) -> None:
    days = [2, 9, 16]
    gap = np.mean([later - earlier for earlier, later in pairwise(days)])
    assert set(described["n_days_bought"]) == {3}
    assert set(described["mean_gap_days"]) == {gap}
    assert set(described["gaps_since_last"]) == {np.float32(2 / gap)}


def test_a_score_is_that_of_the_model_whoever_proposed_the_pair(shop: Histories) -> None:
    ranker = fit_all(shop)["rank"]
    assert isinstance(ranker, Ranker)
    names = ranker.trees.feature_names
    _, table = described_candidates(ranker.sources, ranker.settings, ranker.features, shop)
    values = pd.DataFrame(table, columns=names)
    for name in ranker.settings.scoring:
        proposed = values[f"score_{name}"].notna()
        assert proposed.any()
        assert (values[f"any_score_{name}"] == values[f"score_{name}"])[proposed].all()
        assert values[f"any_score_{name}"][~proposed].notna().any()


def test_a_group_that_is_off_has_no_columns_and_changes_no_other() -> None:
    kinds = (columns.PRODUCT_CODE, SECTION)
    usual = feature_names((OWN, "als"), kinds)
    for group in GROUPS:
        names = feature_names((OWN, "als"), kinds, (group,))
        assert names[: len(usual)] == usual
        assert len(names) > len(usual)
    every = [
        name
        for group in GROUPS
        for name in feature_names((OWN, "als"), kinds, (group,))[len(usual) :]
    ]
    assert list(feature_names((OWN, "als"), kinds, GROUPS)[len(usual) :]) == every
