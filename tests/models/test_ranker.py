"""The ranker's parts on shops whose answer is known: candidates, features, trees."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from benchmarks.shop.list_parts import LENGTH, ListParts
from hemline import columns
from hemline.arrays import lay_out
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories
from hemline.errors import BadInput
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.cascade import load_models
from hemline.models.catalogue import CATALOGUE
from hemline.models.popularity import fit_popularity
from hemline.models.ranker.article_features import (
    ATTRIBUTES,
    ArticleFeatures,
    compared_attributes,
    compute_article_features,
)
from hemline.models.ranker.candidates import collect_candidates
from hemline.models.ranker.pair_features import described_candidates, feature_names
from hemline.models.ranker.ranker import Ranker
from hemline.models.ranker.ranker_training import RankedWeek, fit_trees, ranked_week
from hemline.models.ranker.sources import (
    OWN,
    SAME_PRODUCT,
    RankerSettings,
    offered_by,
    same_product,
    sources_of,
)
from hemline.models.ranker.tree_file import TreeFile
from hemline.models.recommender import Recommender

from .recommenders import POPULARITY, RANK, articles_of, features_of, fit_all

CUT = date(2020, 9, 16)
PRODUCTS = ["10", "10", "10", "20", "20"]
SALES = [  # days ago, customer, article, price, channel
    (1, 0, 0, 10.0, 1),
    (5, 0, 0, 20.0, 2),
    (2, 1, 1, 10.0, 2),
    (9, 1, 3, 40.0, 2),
    (60, 2, 4, 10.0, 1),
]


def shop_at(cut: date = CUT) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    names = ["days_ago", columns.CUSTOMER, columns.ARTICLE, columns.PRICE, columns.CHANNEL]
    purchases = pd.DataFrame(SALES, columns=names).assign(**{columns.UNITS: 1})
    purchases[columns.DAY] = pd.Timestamp(cut) - pd.to_timedelta(purchases["days_ago"], unit="D")
    articles = pd.DataFrame(dict.fromkeys(ATTRIBUTES, "same"), index=range(5))
    articles[columns.PRODUCT_CODE] = PRODUCTS
    segments = pd.DataFrame({columns.CLUSTER: [0, 1, 0], columns.AGE_BAND: [0, 2, 2]})
    return purchases, articles, segments


@pytest.fixture(scope="module")
def fitted(shop: Histories) -> dict[str, Recommender]:
    return fit_all(shop)


@pytest.fixture
def features() -> ArticleFeatures:
    purchases, articles, segments = shop_at()
    return compute_article_features(
        purchases, CUT, articles, segments, recent_days=28, prior_buyers=20.0
    )


@pytest.fixture
def known() -> Histories:
    return build_histories(shop_at()[0], cut=CUT, n_customers=3, n_articles=5)


def test_an_article_is_counted_by_window(features: ArticleFeatures) -> None:
    assert features.column("sold_1d").tolist() == [1, 0, 0, 0, 0]
    assert features.column("sold_7d").tolist() == [2, 1, 0, 0, 0]
    assert features.column("sold_91d").tolist() == [2, 1, 0, 1, 1]
    assert features.column("product_sold_7d").tolist() == [3, 3, 3, 0, 0]
    assert features.is_on_sale(28).tolist() == [True, True, False, True, False]


def test_price_channel_and_age_are_means_over_the_purchases(features: ArticleFeatures) -> None:
    assert features.column("log_price")[0] == pytest.approx(np.log((10 + 20) / 2))
    assert features.column("online_share")[0] == pytest.approx(1 / 2)
    assert features.column("mean_age_band")[1] == pytest.approx(2)
    assert np.isnan(features.column("log_price")[2])
    assert features.column("days_since_first_sale")[0] == pytest.approx(5)
    assert features.column("days_since_last_sale")[0] == pytest.approx(1)


def test_a_band_that_buys_an_article_more_often_than_others_lifts_it(
    features: ArticleFeatures,
) -> None:
    assert features.band_lift[0, 0] > 0 > features.band_lift[0, 2]
    assert (features.band_lift[:, -1] == 0).all(), "an unknown band has no lift"


def test_article_features_refuse_a_purchase_from_the_cut_on() -> None:
    purchases, articles, segments = shop_at()
    with pytest.raises(ValueError, match="2020-09-15 were given purchases up to 2020-09-15"):
        compute_article_features(
            purchases, date(2020, 9, 15), articles, segments, recent_days=28, prior_buyers=20.0
        )


def test_same_product_lists_other_colours_on_sale_best_selling_first(
    features: ArticleFeatures,
) -> None:
    siblings = same_product(features, RANK.settings)
    listed = [row[row != NO_ARTICLE].tolist() for row in siblings.articles]
    assert listed == [[1], [0], [0, 1], [], [3]]


def test_candidates_are_the_union_and_name_the_models_that_proposed_them(
    features: ArticleFeatures, known: Histories
) -> None:
    settings = RankerSettings({OWN: 5, SAME_PRODUCT: 5, "popularity": 2}, repurchase_days=730)
    models = {"popularity": fit_popularity(known, POPULARITY)}
    sources = sources_of(settings, features, models)
    proposed = collect_candidates(sources, settings.depths, known, offered_by(settings, features))
    first = proposed.rows == 0
    assert proposed.articles[first].tolist() == [0, 1]
    assert proposed.proposed_by()[first].tolist() == [0b101, 0b110], "own and popular; sibling too"
    assert 4 not in proposed.articles, "no longer on sale"
    assert np.isnan(proposed.ranks[first][0, 1])


@pytest.mark.parametrize(("own_days", "is_proposed"), [(0, False), (59, False), (60, True)])
def test_own_articles_may_be_proposed_for_longer_than_others(
    features: ArticleFeatures, known: Histories, own_days: int, is_proposed: bool
) -> None:
    depths = {SAME_PRODUCT: 5, OWN: 5}
    settings = RankerSettings(depths, repurchase_days=730, own_on_sale_days=own_days)
    sources, offered = sources_of(settings, features, {}), offered_by(settings, features)
    third = known.rows(np.array([2]))
    proposed = collect_candidates(sources, settings.depths, third, offered)
    assert proposed.articles.tolist() == ([3, 4] if is_proposed else [3])


def test_features_are_what_their_names_say(features: ArticleFeatures, known: Histories) -> None:
    settings = RankerSettings({OWN: 5, SAME_PRODUCT: 5}, repurchase_days=730)
    sources = sources_of(settings, features, {})
    pairs, table = described_candidates(sources, settings, features, known.rows(np.array([1])))
    names = feature_names(tuple(settings.depths), ATTRIBUTES[:1])
    values = pd.DataFrame(table, columns=names, index=pairs.articles)
    assert values.loc[1, "days_since_bought"] == 2
    assert values.loc[0, "days_since_product"] == 2, "the other colour was bought"
    assert np.isnan(values.loc[0, "days_since_bought"])
    assert values.loc[3, "rank_own_articles"] == 2
    assert values.loc[1, "bought_7d"] == 1
    assert values.loc[1, "bought_ever"] == 2
    fresh, old = 0.5 ** (2 / 90), 0.5 ** (9 / 90)
    assert values.loc[0, "share_product_code"] == pytest.approx(fresh / (fresh + old))
    price_level = (np.log(10) + np.log(40)) / 2
    assert values.loc[3, "price_gap"] == pytest.approx(np.log(40) - price_level)
    assert values.loc[1, "n_sources"] == 1


def test_a_ranker_learns_what_the_weeks_show(
    shop: Histories, fitted: dict[str, Recommender]
) -> None:
    warm = shop.rows(np.flatnonzero(~shop.is_cold()))
    lists = fitted["rank"].recommend(warm, 3)
    lowest = warm.units.indices[warm.units.indptr[:-1]]
    assert np.mean((lists.articles == lowest[:, None]).any(axis=1)) > 0.9, "trained to buy it again"
    named = [lists.source_names[source] for source in lists.sources[:, 0]]
    assert all(name.startswith("rank (own_articles") for name in named)


def test_a_saved_ranker_recommends_as_before_and_saves_the_same_bytes(
    shop: Histories, fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    ranker = fitted["rank"]
    assert isinstance(ranker, Ranker)
    ranker.save(first)
    loaded = Ranker.load(first, fitted)
    loaded.save(second)
    assert np.array_equal(ranker.recommend(shop, 8).articles, loaded.recommend(shop, 8).articles)
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_a_ranker_saved_before_its_trees_were_arrays_recommends_the_same(
    shop: Histories, fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    ranker = fitted["rank"]
    assert isinstance(ranker, Ranker)
    ranker.save(tmp_path)
    expected = ranker.recommend(shop, 8)
    (tmp_path / "trees.npz").unlink()
    from_text = Ranker.load(tmp_path, fitted).recommend(shop, 8)
    assert np.array_equal(from_text.articles, expected.articles)
    assert np.array_equal(from_text.scores, expected.scores)


def test_models_laid_out_for_mapping_recommend_the_same(
    shop: Histories, fitted: dict[str, Recommender], tmp_path: Path
) -> None:
    saved, laid = tmp_path / "saved", tmp_path / "laid"
    for name in (*CATALOGUE, "rank"):
        (saved / name).mkdir(parents=True)
        fitted[name].save(saved / name)  # type: ignore[attr-defined]  # every one is saved
        for file in (saved / name).iterdir():
            if file.suffix in {".npy", ".npz"}:
                lay_out(file, laid / name)
            else:
                (laid / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(file, laid / name)
    mapped = load_models(laid)
    assert mapped.keys() == {*CATALOGUE, "rank"}
    for name, model in mapped.items():
        observed, expected = model.recommend(shop, 6), fitted[name].recommend(shop, 6)
        assert np.array_equal(observed.articles, expected.articles), name
        assert np.array_equal(observed.scores, expected.scores), name


def test_weeks_without_a_bought_candidate_are_refused() -> None:
    nothing = RankedWeek(
        np.zeros((0, 4), np.float32), np.zeros(0, np.bool_), np.zeros(0, np.int64), n_buyers=3
    )
    with pytest.raises(BadInput, match="somebody buys a candidate"):
        fit_trees([nothing], None, RANK, 5)


def test_a_validation_week_without_a_bought_candidate_is_refused_too() -> None:
    features = np.random.default_rng(1).random((40, len(feature_names(tuple(RANK.candidates)))))
    is_bought = np.arange(40) % 4 == 0
    week = RankedWeek(features.astype(np.float32), is_bought, np.full(4, 10), n_buyers=4)
    nobody = RankedWeek(week.features, np.zeros(40, np.bool_), week.n_candidates, n_buyers=4)
    with pytest.raises(BadInput, match="none in the validation week"):
        fit_trees([week], nobody, RANK, 5)


def test_trees_without_a_split_leave_the_sources_order(
    shop: Histories, fitted: dict[str, Recommender]
) -> None:
    settings = RankerSettings({"popularity": 15}, repurchase_days=30)
    n_features = len(feature_names(("popularity",), compared_attributes(articles_of(shop))))
    blind = lgb.train(
        {"objective": "regression", "verbose": -1, "min_data_in_leaf": 5},
        lgb.Dataset(np.zeros((20, n_features)), np.zeros(20)),
        num_boost_round=1,
    )
    ranker = Ranker(TreeFile.of(blind), features_of(shop), settings, fitted)
    listed = ranker.recommend(shop, 5).articles
    assert np.array_equal(listed, fitted["popularity"].recommend(shop, 5).articles)


def test_the_timed_parts_of_a_list_make_the_list_of_the_ranker(
    shop: Histories, fitted: dict[str, Recommender]
) -> None:
    ranker = fitted["rank"]
    assert isinstance(ranker, Ranker)
    parts = ListParts(ranker, lambda customer: shop.rows(np.array([int(customer)])))
    for customer in np.flatnonzero(~shop.is_cold())[:5]:
        for part in parts.parts().values():
            part(f"{customer}")
        listed = ranker.recommend(shop.rows(np.array([customer])), LENGTH).articles
        assert np.array_equal(parts.listed, listed)


def test_a_segment_unknown_at_the_cut_has_no_lift(
    features: ArticleFeatures, known: Histories
) -> None:
    settings = RankerSettings({OWN: 5}, repurchase_days=730)
    elsewhere = replace(known, age_bands=np.full(3, 6, np.int8))
    sources = sources_of(settings, features, {})
    _, table = described_candidates(sources, settings, features, elsewhere)
    assert (table[:, feature_names((OWN,), ATTRIBUTES[:1]).index("band_lift")] == 0).all()


def test_a_model_that_is_not_there_cannot_propose(shop: Histories) -> None:
    with pytest.raises(BadInput, match="candidates come from fitted models"):
        sources_of(RankerSettings({"als": 5}, 30), features_of(shop), {})


def test_a_week_is_of_the_customers_who_bought_a_candidate_and_counts_all(
    features: ArticleFeatures, known: Histories
) -> None:
    settings = RankerSettings({"popularity": 5}, repurchase_days=730)
    models = {"popularity": fit_popularity(known, POPULARITY)}
    bought = sparse.csr_matrix(([1.0, 1.0], ([0, 1], [2, 3])), shape=(3, 5))
    week = ranked_week(models, settings, features, known, bought)
    assert features.is_on_sale(28).tolist() == [True, True, False, True, False]
    assert week.n_candidates.tolist() == [3], "of three only the second bought what was on sale"
    assert week.is_bought.tolist() == [False, False, True]
    assert week.n_buyers == 3


def test_a_cold_customer_has_features_too(features: ArticleFeatures, known: Histories) -> None:
    cold = Histories.from_interactions(sparse.csr_matrix((1, 5)))
    settings = RankerSettings({"popularity": 2}, repurchase_days=30)
    sources = sources_of(settings, features, {"popularity": fit_popularity(known, POPULARITY)})
    _, table = described_candidates(sources, settings, features, cold)
    assert table.shape == (2, len(feature_names(("popularity",), ATTRIBUTES[:1])))


def test_settings_saved_before_a_number_was_one_are_read_with_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "proposals.json").write_text('{"depths": {"cvae": 5}, "repurchase_days": 30}')
    loaded = RankerSettings.load(tmp_path)
    assert loaded == RankerSettings({"cvae": 5}, 30, 0.5, 10, 20, 28, 20.0, 90.0)


def test_settings_that_were_changed_are_saved(tmp_path: Path) -> None:
    settings = RankerSettings({"cvae": 5}, 30, latest_articles=7, profile_half_life_days=45.0)
    settings.save(tmp_path)
    assert RankerSettings.load(tmp_path) == settings
