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
from hemline.models.ranker.article_features import ATTRIBUTES
from hemline.models.ranker.ranker_training import RankedWeek
from hemline.training import Shop, fit_models, fit_ranker
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
    made: dict[date, RankedWeek] = {}
    fit_ranker(weekly_shop, CUT, params, fitted, weeks=made)
    validation_and_training = [CUT - timedelta(weeks=back) for back in range(1, n_weeks + 2)]
    assert list(made) == validation_and_training
    assert [week.n_buyers for week in made.values()] == [N_CUSTOMERS] * (1 + n_weeks)


def params_with(folder: Path, enough_customers: int) -> Path:
    shutil.copy(REPOSITORY / "params.yaml", folder)
    changes = {
        "candidates": {"popularity": N_ARTICLES},
        "training_weeks": TRAINING_WEEKS,
        "enough_customers": enough_customers,
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
    made: dict[date, RankedWeek] = {}
    fit_ranker(shop, CUT, params, fit_models(shop, CUT, params, ["popularity"]), weeks=made)
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
        fit_ranker(shop, CUT, params_with(tmp_path, 1), {})
    assert refused.value.found.startswith(found)


def test_an_unlike_given_after_a_week_is_not_known_in_it(weekly_shop: Shop, tmp_path: Path) -> None:
    params = params_with(tmp_path, 1)
    start = CUT - timedelta(weeks=2)

    def weeks_with(*days: date) -> list[RankedWeek]:
        unliked = [(day, customer, 0, None) for day in days for customer in range(4)]
        unlikes = pd.DataFrame(unliked, columns=tables.UNLIKES.names)
        shop, made = replace(weekly_shop, unlikes=unlikes), dict[date, RankedWeek]()
        fit_ranker(shop, CUT, params, fit_models(shop, CUT, params, ["popularity"]), weeks=made)
        return [made[start], made[CUT - timedelta(weeks=1)]]

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
