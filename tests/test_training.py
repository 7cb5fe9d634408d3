"""Which weeks the ranker is trained on, in a shop where the same customers buy every week."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns, tables
from hemline.data.split import DataParams
from hemline.errors import BadInput
from hemline.evaluation.served_candidates import ChooseParams
from hemline.models.cvae.cvae import Cvae
from hemline.models.cvae.cvae_params import CvaeParams
from hemline.models.cvae.network_shape import OfferedArticles, Shape
from hemline.models.popularity import Popularity
from hemline.models.ranker.article_features import ATTRIBUTES, compared_attributes
from hemline.models.ranker.ranker_training import RankedWeek, RankParams, fit_trees
from hemline.models.ranker.tree_file import TreeFile
from hemline.training.at_once import count_processes
from hemline.training.fitted_week import with_walk_of
from hemline.training.model_fitting import fit_models
from hemline.training.order_scores import score_orders
from hemline.training.ranker_fitting import fit_past_trees, fit_ranker, grow_trees
from hemline.training.ranker_weeks import RankerWeek, make_ranker_weeks
from hemline.training.training_shop import Shop
from tests.tiny_project import REPOSITORY, change_params

CUT = date(2020, 9, 16)
N_CUSTOMERS = 12
N_ARTICLES = 6
N_WEEKS = 6
TRAINING_WEEKS = 3


@pytest.fixture(scope="module")
def weekly_shop() -> Shop:
    """Every customer buys one article a week, on the day the week begins."""
    week, customer = (axis.ravel() for axis in np.mgrid[N_WEEKS:0:-1, :N_CUSTOMERS])
    purchases = pd.DataFrame(
        {
            columns.CUSTOMER: customer,
            columns.ARTICLE: (customer + week) % N_ARTICLES,
            columns.DAY: pd.Timestamp(CUT) - pd.to_timedelta(7 * week, unit="D"),
            columns.PRICE: 10.0,
            columns.CHANNEL: 1,
            columns.UNITS: 1,
        }
    )
    people = np.zeros(N_CUSTOMERS, np.int8)
    return Shop(
        purchases,
        pd.DataFrame(dict.fromkeys(ATTRIBUTES, "same"), index=range(N_ARTICLES)),
        pd.DataFrame({columns.CLUSTER: people, columns.AGE_BAND: people}),
        DataParams(cut=CUT, history_years=1, validation_days=7, test_days=7),
    )


@pytest.mark.parametrize(
    ("enough_customers", "n_weeks"),
    [
        (1, 1),
        (N_CUSTOMERS, 1),
        (N_CUSTOMERS + 1, 2),
        (2 * N_CUSTOMERS, 2),
        (10 * N_CUSTOMERS, TRAINING_WEEKS),
    ],
)
def test_no_earlier_week_is_made_once_there_are_enough_buyers(
    weekly_shop: Shop, tmp_path: Path, enough_customers: int, n_weeks: int
) -> None:
    params = params_with(tmp_path, enough_customers)
    fitted = fit_models(weekly_shop, CUT, params, ["popularity"])
    made: dict[date, RankerWeek] = {}
    weeks = make_ranker_weeks(weekly_shop, CUT, params, fitted, made)
    assert weeks == list(made.values())
    fit_ranker(weekly_shop, CUT, params, fitted, weeks)
    validation_and_training = [CUT - timedelta(weeks=back) for back in range(1, n_weeks + 2)]
    assert list(made) == validation_and_training
    assert [week.ranked.n_buyers for week in made.values()] == [N_CUSTOMERS] * (1 + n_weeks)


@pytest.mark.parametrize(
    ("least_customers", "most_weeks", "n_weeks"),
    [
        (TRAINING_WEEKS * N_CUSTOMERS, 10, TRAINING_WEEKS),
        (TRAINING_WEEKS * N_CUSTOMERS + 1, 10, TRAINING_WEEKS + 1),
        (100 * N_CUSTOMERS, TRAINING_WEEKS + 2, TRAINING_WEEKS + 2),
        (100 * N_CUSTOMERS, 1, TRAINING_WEEKS),
        (100 * N_CUSTOMERS, 10, 5),  # of the six weeks before the validation week; see below
    ],
)
def test_earlier_weeks_are_made_while_there_are_few_buyers(
    weekly_shop: Shop, tmp_path: Path, least_customers: int, most_weeks: int, n_weeks: int
) -> None:
    """A week beyond `training_weeks` needs 91 days before it, here those of one more purchase."""
    first_day = CUT - timedelta(weeks=6, days=91)
    first = weekly_shop.purchases.iloc[:1].assign(**{columns.DAY: pd.Timestamp(first_day)})
    shop = replace(weekly_shop, purchases=pd.concat([first, weekly_shop.purchases]))
    params = params_with(
        tmp_path, 1000 * N_CUSTOMERS, least_customers=least_customers, most_weeks=most_weeks
    )
    fitted = fit_models(shop, CUT, params, ["popularity"])
    weeks = make_ranker_weeks(shop, CUT, params, fitted)
    assert len(weeks) == 1 + n_weeks
    without_past = make_ranker_weeks(weekly_shop, CUT, params, fitted)
    assert len(without_past) == 1 + TRAINING_WEEKS


def test_weeks_that_are_not_scored_keep_no_models(weekly_shop: Shop, tmp_path: Path) -> None:
    params = params_with(tmp_path, 10 * N_CUSTOMERS)
    fitted = fit_models(weekly_shop, CUT, params, ["popularity"])
    weeks = make_ranker_weeks(weekly_shop, CUT, params, fitted, n_with_models=2)
    assert [list(week.past.models) for week in weeks] == [["popularity"]] * 2 + [[]] * 2


def test_weeks_made_in_processes_of_their_own_are_those_that_one_makes(
    weekly_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, params = with_newcomers(weekly_shop), choosing(tmp_path)
    fitted = fit_models(shop, CUT, params, ["popularity"])
    alone, scores = make_ranker_weeks(shop, CUT, params, fitted), scores_of(shop, params)
    asked = list[tuple[int, int]]()

    def always_two(n_purchases: int, n_weeks: int) -> int:
        asked.append((n_purchases, n_weeks))
        return 2

    monkeypatch.setattr("hemline.training.at_once.count_processes", always_two)
    together = make_ranker_weeks(shop, CUT, params, fitted)
    assert asked == [(len(shop.purchases), len(alone))]
    for week, expected in zip(together, alone, strict=True):
        assert week.past.start == expected.past.start
        assert week.past is not expected.past
        assert_same_week(week.ranked, expected.ranked)
    pd.testing.assert_frame_equal(scores_of(shop, params), scores)


@pytest.mark.parametrize(
    ("n_purchases", "n_weeks", "n_cores", "n_processes"),
    [
        (99_999, 5, 2, 1),
        (100_000, 5, 2, 2),
        (100_000, 1, 2, 1),
        (100_000, 0, 2, 1),
        (100_000, 5, 1, 1),
        (5_000_000, 5, 16, 4),
        (5_000_001, 5, 16, 1),
    ],
)
def test_processes_are_started_where_they_spare_time_and_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch,
    n_purchases: int,
    n_weeks: int,
    n_cores: int,
    n_processes: int,
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: n_cores)
    assert count_processes(n_purchases, n_weeks) == n_processes


def params_with(
    folder: Path, enough_customers: int, *, least_customers: int = 0, most_weeks: int = 26
) -> Path:
    shutil.copy(REPOSITORY / "params.yaml", folder)
    changes = {
        "candidates": {"popularity": N_ARTICLES},
        "training_weeks": TRAINING_WEEKS,
        "enough_customers": enough_customers,
        "least_customers": least_customers,
        "most_weeks": most_weeks,
        "min_pairs_in_leaf": 1,
        "max_trees": 2,
    }
    change_params(folder, {("rank", name): value for name, value in changes.items()})
    return folder / "params.yaml"


def test_a_week_in_which_the_shop_was_closed_is_skipped_and_an_earlier_one_takes_its_place(
    weekly_shop: Shop, tmp_path: Path
) -> None:
    closed = pd.Timestamp(CUT - timedelta(weeks=2))
    is_open = weekly_shop.purchases[columns.DAY] != closed
    shop = replace(weekly_shop, purchases=weekly_shop.purchases[is_open])
    params = params_with(tmp_path, 10 * N_CUSTOMERS)
    made: dict[date, RankerWeek] = {}
    make_ranker_weeks(shop, CUT, params, fit_models(shop, CUT, params, ["popularity"]), made)
    assert list(made) == [CUT - timedelta(weeks=back) for back in (1, 3, 4, 5)]


@pytest.mark.parametrize(
    ("closed", "found"),
    [([1], "purchases in 4 such weeks"), ([2, 3], "purchases in 4"), ([2, 3, 4, 5, 6, 1], "none")],
)
def test_a_closed_validation_week_and_too_few_weeks_are_refused(
    weekly_shop: Shop, tmp_path: Path, closed: list[int], found: str
) -> None:
    days = [pd.Timestamp(CUT - timedelta(weeks=back)) for back in closed]
    is_open = ~weekly_shop.purchases[columns.DAY].isin(days)
    shop = replace(weekly_shop, purchases=weekly_shop.purchases[is_open])
    with pytest.raises(BadInput, match="hold purchases") as refused:
        make_ranker_weeks(shop, CUT, params_with(tmp_path, 1), {})
    assert refused.value.found.startswith(found)


def test_an_unlike_given_after_a_week_is_not_known_in_it(weekly_shop: Shop, tmp_path: Path) -> None:
    params = params_with(tmp_path, 1)
    start = CUT - timedelta(weeks=2)

    def weeks_with(*days: date) -> list[RankedWeek]:
        unliked = [(day, customer, 0, None) for day in days for customer in range(4)]
        unlikes = pd.DataFrame(unliked, columns=tables.UNLIKES.names)
        shop, made = replace(weekly_shop, unlikes=unlikes), dict[date, RankerWeek]()
        make_ranker_weeks(shop, CUT, params, fit_models(shop, CUT, params, ["popularity"]), made)
        return [made[week].ranked for week in (start, CUT - timedelta(weeks=1))]

    earlier, later = weeks_with()
    unknown, known = weeks_with(start)
    assert_same_week(unknown, earlier)
    assert len(known.features) < len(later.features)
    assert known.n_buyers == later.n_buyers
    at_the_cut = weeks_with(CUT)
    for week, expected in zip(at_the_cut, (earlier, later), strict=True):
        assert_same_week(week, expected)


def assert_same_week(week: RankedWeek, expected: RankedWeek) -> None:
    for name, values in vars(expected).items():
        np.testing.assert_array_equal(getattr(week, name), values)


NEWCOMERS = 5


def test_orders_are_scored_in_past_weeks(weekly_shop: Shop, tmp_path: Path) -> None:
    """All articles sell alike, so popularity lists them by their key: who buys 3 has AP 1 / 4."""
    scores = scores_of(with_newcomers(weekly_shop), choosing(tmp_path))
    warm = scores[~scores["is_cold"]]
    assert set(warm["week"]) == {CUT - timedelta(weeks=1), CUT - timedelta(weeks=2)}
    assert set(warm["order"]) == {"popularity", "rank, popularity"}
    of_popularity = warm[warm["order"] == "popularity"].groupby("week")["map@12"]
    by_key = np.mean([1 / (article + 1) for article in range(N_ARTICLES)])
    assert of_popularity.mean().tolist() == pytest.approx([by_key, by_key])
    assert of_popularity.size().tolist() == [N_CUSTOMERS, N_CUSTOMERS]


@pytest.mark.parametrize(("enough_cold", "n_weeks"), [(1, 4), (4, 4), (5, 5), (100, 5)])
def test_cold_buyers_are_looked_for_in_earlier_weeks_until_there_are_enough(
    weekly_shop: Shop, tmp_path: Path, enough_cold: int, n_weeks: int
) -> None:
    params = choosing(tmp_path, enough_cold=enough_cold)
    scores = scores_of(with_newcomers(weekly_shop), params)
    cold = scores[scores["is_cold"]]
    by_order = cold.groupby("order")
    assert by_order["week"].nunique().to_dict() == {
        "popularity": n_weeks,
        "segment_popularity, popularity": n_weeks,
        "rank, popularity": 2,  # choose.weeks
    }
    newcomers = [N_CUSTOMERS + back for back in range(n_weeks)]
    assert sorted(set(cold[columns.CUSTOMER])) == newcomers


def test_nothing_that_came_after_a_week_began_changes_its_lists(
    weekly_shop: Shop, tmp_path: Path
) -> None:
    shop, params, week = with_newcomers(weekly_shop), choosing(tmp_path), CUT - timedelta(weeks=2)
    later = shop.purchases[columns.DAY] >= pd.Timestamp(week + timedelta(weeks=1))
    others = shop.purchases[columns.ARTICLE].where(~later, 0)
    changed = replace(shop, purchases=shop.purchases.assign(**{columns.ARTICLE: others}))
    before, after = scores_of(shop, params), scores_of(changed, params)
    assert not before.equals(after)
    of_week = [scores[scores["week"] == week].reset_index(drop=True) for scores in (before, after)]
    pd.testing.assert_frame_equal(*of_week)


def test_trees_need_two_weeks_before_those_that_they_would_have_served(
    weekly_shop: Shop, tmp_path: Path
) -> None:
    params = choosing(tmp_path)
    fitted = fit_models(weekly_shop, CUT, params, ["popularity"])
    _, *before = make_ranker_weeks(weekly_shop, CUT, params, fitted)
    assert fit_past_trees(weekly_shop, params, before[:1]) is None
    assert fit_past_trees(weekly_shop, params, before[:2]) is not None


def test_the_ranker_is_scored_in_weeks_that_it_has_not_learned_from(
    weekly_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, learned = choosing(tmp_path), list[list[date]]()

    def recording(shop: Shop, params: Path, weeks: list[RankerWeek]) -> TreeFile | None:
        learned.append([week.past.start for week in weeks])
        return fit_past_trees(shop, params, weeks)

    monkeypatch.setattr("hemline.training.order_scores.fit_past_trees", recording)
    scores = scores_of(weekly_shop, params)
    assert learned == [[CUT - timedelta(weeks=back) for back in (3, 4)]]
    ranked = scores[scores["order"] == "rank, popularity"]
    assert set(ranked["week"]) == {CUT - timedelta(weeks=back) for back in (1, 2)}


def test_orders_are_scored_in_more_weeks_where_few_customers_buy() -> None:
    choose = ChooseParams.load(REPOSITORY / "params.yaml")
    assert (choose.weeks, choose.warm_weeks, choose.enough_warm) == (2, 12, 800)
    assert choose.n_warm_weeks([700, 700, 700]) == 2
    assert choose.n_warm_weeks([300, 300, 300, 300]) == 3
    assert choose.n_warm_weeks([60] * 20) == 12
    assert choose.n_warm_weeks([60]) == 1
    assert choose.n_warm_weeks([]) == 0


def test_a_validation_week_of_few_lists_does_not_choose_the_number_of_trees(
    weekly_shop: Shop, tmp_path: Path
) -> None:
    params = params_with(tmp_path, 10 * N_CUSTOMERS)
    changes = {"max_trees": 9, "untested_trees": 3, "patience": 20}
    change_params(tmp_path, {("rank", name): value for name, value in changes.items()})
    fitted = fit_models(weekly_shop, CUT, params, ["popularity"])
    weeks = make_ranker_weeks(weekly_shop, CUT, params, fitted)
    ranked = [week.ranked for week in weeks]
    assert all(len(week.n_candidates) == N_CUSTOMERS for week in ranked)
    n_trees = {}
    for least in (N_CUSTOMERS, N_CUSTOMERS + 1):
        change_params(tmp_path, {("rank", "least_lists"): least})
        n_trees[least] = grow_trees(ranked, weekly_shop, params).booster.num_trees()
    assert n_trees[N_CUSTOMERS + 1] == 3
    names = compared_attributes(weekly_shop.articles)
    growing = fit_trees(ranked[1:], ranked[0], RankParams.load(params), 9, names)
    assert n_trees[N_CUSTOMERS] == growing.best_iteration


def with_newcomers(shop: Shop) -> Shop:
    """Return the shop with one more buyer in each of the last weeks, who was not there before."""
    first = pd.DataFrame(
        {
            columns.CUSTOMER: N_CUSTOMERS + np.arange(NEWCOMERS),
            columns.ARTICLE: 0,
            columns.DAY: pd.Timestamp(CUT) - pd.to_timedelta(7 * np.arange(1, 6), unit="D"),
            columns.PRICE: 10.0,
            columns.CHANNEL: 1,
            columns.UNITS: 1,
        }
    )
    purchases = pd.concat([shop.purchases, first]).sort_values(columns.DAY, kind="stable")
    people = np.zeros(N_CUSTOMERS + NEWCOMERS, np.int8)
    segments = pd.DataFrame({columns.CLUSTER: people, columns.AGE_BAND: people})
    return replace(shop, purchases=purchases.reset_index(drop=True), segments=segments)


def choosing(folder: Path, *, enough_cold: int = 100) -> Path:
    params = params_with(folder, 10 * N_CUSTOMERS)
    orders = [["rank", "popularity"]]
    changes = {
        ("choose", "warm"): orders,
        ("choose", "cold"): [["segment_popularity", "popularity"], *orders],
        ("choose", "weeks"): 2,
        ("choose", "warm_weeks"): 2,
        ("choose", "enough_cold"): enough_cold,
        ("serve", "per_product"): 0,
    }
    change_params(folder, changes)
    return params


def scores_of(shop: Shop, params: Path) -> pd.DataFrame:
    fitted = fit_models(shop, CUT, params, ["popularity"])
    return score_orders(make_ranker_weeks(shop, CUT, params, fitted), shop, params)


def test_a_past_weeks_cvae_has_the_walks_weight_of_the_fitted_one() -> None:
    keys, none = np.arange(2, dtype=np.int32), np.zeros((1, 12))
    articles = OfferedArticles(keys, keys, np.zeros(2, np.float32))
    final = Cvae(Shape(0, 0, 2, 1, 60.0, 3, walk_weight=4.0), articles, {})
    popularity = Popularity("popularity", 0, none.astype(np.int32), none.astype(np.float32))
    given = CvaeParams(walk_weight=0.5)
    assert with_walk_of(final, CvaeParams()).walk_weight == 4
    assert with_walk_of(final, given).walk_weight == 4
    assert with_walk_of(popularity, given) == with_walk_of(None, given) == given
