"""A storefront over a tiny trained project: which model recommends, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from flows.project import Project
from hemline import columns
from hemline.data.histories import Histories, load_histories
from hemline.errors import BadInput
from hemline.evaluation.protocol import SERVED
from hemline.evaluation.version_lists import TargetWeek, to_columns
from hemline.export import ExportSpec, export_lists
from hemline.integrity import FileHashes
from hemline.segments.cold_customers import ColdCustomer
from hemline.serving.answers import Answers
from hemline.serving.answers_params import AnswersParams
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.visitor_history import SessionState
from hemline.storefront import RECOMMENDATION_COLUMNS, Storefront


@pytest.fixture(scope="module")
def storefront(trained: Path) -> Storefront:
    return Storefront(Project.at(trained).version_files())


@pytest.fixture(scope="module")
def customer_ids(storefront: Storefront) -> list[str]:
    return pd.read_parquet(storefront.files.customer_keys)[columns.CUSTOMER_ID].tolist()


@pytest.fixture(scope="module")
def article_ids(storefront: Storefront) -> list[str]:
    return pd.read_parquet(storefront.files.articles)[columns.ARTICLE_ID].tolist()


def test_a_list_names_the_models_that_proposed_each_article(
    storefront: Storefront, customer_ids: list[str], article_ids: list[str]
) -> None:
    bought = load_histories(storefront.files.histories).units
    customer = int(np.diff(bought.indptr).argmax())
    owned = {article_ids[article] for article in bought[[customer]].indices}
    listed = storefront.for_customer(customer_ids[customer], 100)
    assert tuple(listed.columns) == RECOMMENDATION_COLUMNS
    assert listed["rank"].tolist() == list(range(1, len(listed) + 1))
    is_own = listed["source"].str.contains("own_articles")
    assert is_own.any()
    assert set(listed["article_id"][is_own]) <= owned
    ranked, filled = listed["source"].str.startswith("rank ("), listed["source"] == "popularity"
    assert ranked.iloc[0]
    assert (ranked | filled).all()
    assert listed["article_id"].is_unique


def test_the_start_of_a_customer_id_is_enough(
    storefront: Storefront, customer_ids: list[str]
) -> None:
    whole = storefront.for_customer(customer_ids[3], 5)
    pd.testing.assert_frame_equal(storefront.for_customer(customer_ids[3][:12], 5), whole)


def test_a_cold_customer_gets_a_full_list_from_the_models_for_cold_customers(
    storefront: Storefront,
) -> None:
    listed = storefront.for_cold_customer(ColdCustomer(), 12)
    assert len(listed) == 12
    assert set(listed["source"]) <= {"cvae", "popularity"}


def test_attributes_are_read_whatever_their_case(storefront: Storefront) -> None:
    spelled = storefront.for_cold_customer(ColdCustomer(club_member_status="ACTIVE"), 12)
    shouted = storefront.for_cold_customer(ColdCustomer(club_member_status="active"), 12)
    pd.testing.assert_frame_equal(spelled, shouted)


def test_no_list_for_a_customer_has_a_number_that_is_only_its_rank(storefront: Storefront) -> None:
    listed = storefront.for_cold_customer(ColdCustomer(), 12)
    assert tuple(listed.columns) == RECOMMENDATION_COLUMNS
    numbers = listed.select_dtypes("number")
    assert numbers.columns.tolist() == ["rank"]


@pytest.mark.parametrize(
    ("customer", "found"),
    [
        (ColdCustomer(age=203), "203"),
        (ColdCustomer(club_member_status="gold"), "gold"),
        (ColdCustomer(fashion_news_frequency="hourly"), "hourly"),
    ],
)
def test_an_impossible_attribute_is_refused_with_what_is_possible(
    storefront: Storefront, customer: ColdCustomer, found: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        storefront.for_cold_customer(customer, 12)
    assert found in refusal.value.found


def test_an_unknown_or_too_short_customer_id_is_refused(storefront: Storefront) -> None:
    with pytest.raises(BadInput, match="none"):
        storefront.for_customer("0" * 64, 12)
    with pytest.raises(BadInput, match="7 characters"):
        storefront.for_customer("0" * 7, 12)


def test_the_shop_and_the_export_give_every_customer_the_same_list(
    trained: Path, storefront: Storefront, tmp_path: Path
) -> None:
    rules = AnswersParams.load(trained / "params.yaml")
    answers = Answers.open(laid_out(storefront.files, FileHashes(), tmp_path / "serving"), rules)
    spec = ExportSpec(
        *("1", "models", "data", SERVED, 12),
        without_bought=False,
        customers_per_part=1000,
        shop_rules=rules.model_dump_json(),
    )
    exported = pq.read_table(export_lists(storefront, spec, tmp_path / "lists").table).to_pylist()
    for customer, row in enumerate(exported):
        assert answers.find_customer(row["customer_id"]) == customer
        listed = answers.for_customer(customer, SessionState(), ListRules()).listed
        assert [answers.articles.id_of(one.article) for one in listed] == row["article_id"]
        assert [one.source for one in listed] == row["source"]


def test_a_champion_scores_a_week_alike_whatever_the_order_of_todays_articles(
    trained: Path, storefront: Storefront
) -> None:
    week = Project.at(trained).test_week()
    ids = [*week.article_ids, "0999999999"]  # the last one: nobody bought it, nobody knows it
    order = np.random.default_rng(1).permutation(len(ids))

    def reordered(then: Histories) -> Histories:
        units, days_ago = (
            to_columns(part, np.argsort(order)[:-1], len(order))
            for part in (then.units, then.days_ago)
        )
        return Histories.from_matrices(units, days_ago, then.clusters, then.age_bands)

    today = TargetWeek(
        reordered(week.known),
        reordered(week.bought),
        week.customers,
        [ids[article] for article in order],
    )
    expected = storefront.lists_for_week(week).average_precision
    assert expected.sum() > 0
    scored = storefront.lists_for_week(today).average_precision
    assert scored.tolist() == pytest.approx(expected.tolist())


def test_the_first_customer_with_a_history_is_returned_or_none(
    storefront: Storefront, customer_ids: list[str]
) -> None:
    is_cold = load_histories(storefront.files.histories).is_cold()
    cold, warm = np.flatnonzero(is_cold)[0], np.flatnonzero(~is_cold)[-1]
    ids = [customer_ids[cold], customer_ids[warm]]
    assert storefront.first_with_history(ids) == customer_ids[warm]
    assert storefront.first_with_history(ids[:1]) is None


def test_histories_move_to_the_columns_of_a_champion_that_knows_other_articles() -> None:
    # Today's articles a, b, c; the champion knows c, a and an older one: b is dropped.
    today = sparse.csr_matrix(np.array([[1, 2, 3], [0, 5, 0]], np.float32))
    moved = to_columns(today, np.array([1, -1, 0]), 3)
    assert moved.toarray().tolist() == [[3, 1, 0], [0, 0, 0]]
    assert moved.has_sorted_indices
