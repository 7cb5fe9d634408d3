from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns
from hemline.arrays import lay_out
from hemline.data.histories import Histories, load_histories, save_histories
from hemline.data.history_building import build_histories
from hemline.errors import BadInput

PURCHASES = pd.DataFrame(
    [("2020-09-01", 2, 5, 1), ("2020-09-10", 2, 5, 3), ("2020-09-15", 0, 1, 1)],
    columns=[columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.UNITS],
).assign(t_dat=lambda purchases: pd.to_datetime(purchases[columns.DAY]))


def build(cut: date = date(2020, 9, 16)) -> Histories:
    return build_histories(PURCHASES, cut=cut, n_customers=4, n_articles=6)


def test_a_history_has_the_sum_of_units_and_the_last_day() -> None:
    histories = build()
    assert histories.units.toarray()[2].tolist() == [0, 0, 0, 0, 0, 1 + 3]
    assert histories.days_ago.toarray()[2, 5] == 6
    assert histories.days_ago.toarray()[0, 1] == 1


def test_many_purchases_in_any_order_give_what_grouping_them_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hemline.data.history_building._ROWS_AT_A_TIME", 100)  # several ranges
    rng = np.random.default_rng(1)
    purchases = pd.DataFrame(
        {
            columns.DAY: pd.Timestamp("2020-09-15")
            - pd.to_timedelta(rng.integers(0, 40, 900), "D"),
            columns.CUSTOMER: rng.integers(0, 53, 900),
            columns.ARTICLE: rng.integers(0, 11, 900),
            columns.UNITS: rng.integers(1, 4, 900),
        }
    )
    histories = build_histories(purchases, cut=date(2020, 9, 16), n_customers=57, n_articles=11)
    pairs = purchases.groupby([columns.CUSTOMER, columns.ARTICLE])
    units, latest = pairs[columns.UNITS].sum(), pairs[columns.DAY].max()
    customers, articles = (units.index.get_level_values(level) for level in (0, 1))
    assert histories.units.indices.tolist() == articles.tolist()
    assert histories.units.indptr.tolist() == np.searchsorted(customers, np.arange(58)).tolist()
    assert histories.units.data.tolist() == units.tolist()
    assert (
        histories.days_ago.data.tolist() == (pd.Timestamp("2020-09-16") - latest).dt.days.tolist()
    )


@pytest.mark.parametrize(("n_customers", "n_articles"), [(2, 6), (4, 5)])
def test_a_purchase_with_an_unknown_customer_or_article_is_refused(
    n_customers: int, n_articles: int
) -> None:
    with pytest.raises(ValueError, match="is a key from 0"):
        build_histories(
            PURCHASES, cut=date(2020, 9, 16), n_customers=n_customers, n_articles=n_articles
        )


def test_customers_without_purchases_are_cold() -> None:
    assert build().is_cold().tolist() == [False, True, False, True]


def test_a_purchase_on_the_day_of_the_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="2020-09-15"):
        build(cut=date(2020, 9, 15))


def test_saved_histories_come_back_and_have_stable_bytes(tmp_path: Path) -> None:
    histories = build()
    for name in ("one.npz", "two.npz"):
        save_histories(histories, tmp_path / name)
    loaded = load_histories(tmp_path / "one.npz")
    assert (loaded.units != histories.units).nnz == 0
    assert (loaded.days_ago != histories.days_ago).nnz == 0
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "two.npz"]


def test_no_purchases_at_all_make_empty_histories() -> None:
    histories = build_histories(
        PURCHASES.iloc[:0], cut=date(2020, 9, 16), n_customers=2, n_articles=3
    )
    assert histories.units.shape == (2, 3)
    assert histories.is_cold().all()


def test_rows_keep_their_segments() -> None:
    histories = build()
    chosen = Histories.from_matrices(
        histories.units,
        histories.days_ago,
        np.array([0, 1, 2, 3], np.int8),
        np.array([3, 2, 1, 0], np.int8),
    ).rows(np.array([2, 0]))
    assert chosen.clusters.tolist() == [2, 0]
    assert chosen.age_bands.tolist() == [1, 3]
    assert chosen.units.toarray()[0, 5] == 4


def unsorted(values: list[float]) -> sparse.csr_matrix:
    """One customer's numbers for articles 2 and 0, in that order."""
    return sparse.csr_matrix((np.array(values, np.float32), [2, 0], [0, 2]), shape=(1, 3))


def test_purchases_may_be_in_any_order_and_the_callers_matrix_is_not_changed() -> None:
    units = unsorted([5, 1])
    histories = Histories.from_interactions(units, days_ago=unsorted([20, 30]))
    assert histories.units.toarray().tolist() == [[1, 0, 5]]
    assert histories.days_ago.data.tolist() == [30, 20]
    assert units.indices.tolist() == [2, 0]


def test_days_for_other_purchases_are_refused() -> None:
    with pytest.raises(ValueError, match="different purchases"):
        Histories.from_interactions(
            sparse.csr_matrix(np.array([[1, 0]], np.float32)),
            days_ago=sparse.csr_matrix(np.array([[0, 1]], np.float32)),
        )


def interactions(values: list[float]) -> sparse.csr_matrix:
    """One customer's numbers, zeros stored."""
    return sparse.csr_matrix((np.array(values, np.float32), [0, 1], [0, 2]), shape=(1, 2))


def test_a_stored_zero_is_no_purchase() -> None:
    units = interactions([0, 2])
    histories = Histories.from_interactions(units, days_ago=interactions([5, 7]))
    assert histories.units.indices.tolist() == histories.days_ago.indices.tolist() == [1]
    assert histories.days_ago.data.tolist() == [7]
    assert units.nnz == 2


def test_units_that_are_stored_twice_are_added_unless_their_days_differ() -> None:
    twice = sparse.csr_matrix((np.array([2, 3], np.float32), [1, 1], [0, 2]), shape=(1, 2))
    assert Histories.from_interactions(twice).units.toarray().tolist() == [[0, 5]]
    with pytest.raises(BadInput, match="stored twice"):
        Histories.from_interactions(twice, days_ago=twice)
    assert twice.nnz == 2


def test_a_refusal_names_the_first_place_and_how_many_there_are() -> None:
    wrong = sparse.csr_matrix(np.array([[1, 0, 0], [0, -2, -3]], np.float32))
    with pytest.raises(BadInput, match=r"-2\.0 of customer 1, article 1, and 1 more"):
        Histories.from_interactions(wrong)


def test_clusters_and_days_of_another_width_are_refused() -> None:
    bought = interactions([1, 1])
    with pytest.raises(BadInput, match="a cluster for each customer"):
        Histories.from_interactions(bought, clusters=np.zeros(2, np.int8))
    wider = sparse.csr_matrix((bought.data, bought.indices, bought.indptr), shape=(1, 3))
    with pytest.raises(BadInput, match="different purchases"):
        Histories.from_interactions(bought, days_ago=wider)


@pytest.mark.parametrize("units", [-1, np.nan, np.inf])
def test_units_that_are_no_number_of_purchases_are_refused(units: float) -> None:
    with pytest.raises(ValueError, match="positive numbers"):
        Histories.from_interactions(interactions([1, units]))


@pytest.mark.parametrize("days", [0, -3, np.nan, np.inf])
def test_interactions_that_are_not_before_the_cut_are_refused(days: float) -> None:
    with pytest.raises(ValueError, match="one day before the cut"):
        Histories.from_interactions(interactions([1, 1]), days_ago=interactions([1, days]))


@pytest.mark.parametrize("rows", [[], [2], [1, 2], [0, 1, 2, 3], [3, 1], [2, 2, 0]])
def test_rows_are_those_of_the_matrices(rows: list[int]) -> None:
    histories, chosen = build(), np.array(rows, np.int64)
    some = histories.rows(chosen)
    assert (some.n_customers, some.n_articles) == (len(rows), histories.n_articles)
    for part in ("units", "days_ago"):
        expected = getattr(histories, part)[chosen].toarray()
        assert np.array_equal(getattr(some, part).toarray(), expected)
    assert np.array_equal(some.is_cold(), histories.is_cold()[chosen])


def test_one_customer_is_a_row_made_without_a_matrix() -> None:
    everybody = build()
    start, end = everybody.indptr[2:4]
    one = Histories.of_one(
        everybody.indices[start:end],
        everybody.counts[start:end],
        everybody.days[start:end],
        cluster=-1,
        age_band=-1,
        n_articles=everybody.n_articles,
    )
    row = everybody.rows(np.array([2]))
    assert len(one.unlikes) == 0
    for field in fields(Histories):
        if field.name == "unlikes":
            continue
        ours, expected = getattr(one, field.name), getattr(row, field.name)
        assert np.array_equal(ours, expected), field.name
        assert not isinstance(ours, np.ndarray) or ours.dtype == expected.dtype


def test_histories_laid_out_are_mapped_and_the_same(tmp_path: Path) -> None:
    everybody = build()
    save_histories(everybody, tmp_path / "histories.npz")
    lay_out(tmp_path / "histories.npz", tmp_path / "laid")
    mapped = load_histories(tmp_path / "laid" / "histories.npz")
    assert isinstance(mapped.indices.base, np.memmap)
    assert np.array_equal(mapped.units.toarray(), everybody.units.toarray())
    mapped.counts[:] = 9  # stays in this process
    again = load_histories(tmp_path / "laid" / "histories.npz")
    assert np.array_equal(again.counts, everybody.counts)
