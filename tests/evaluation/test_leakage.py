"""The leak check on recommenders whose sight is known."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.errors import BadInput
from hemline.evaluation.leakage import (
    Leak,
    Lists,
    RecommendAt,
    find_leaks,
    refuse_leaks,
)
from tests import cheating_models
from tests.cheating_models import (
    N_ARTICLES,
    N_CUSTOMERS,
    StoredInClass,
    StoredInObject,
    before,
    honest,
    knowing_who_buys,
    most_bought,
    one_number_stored,
    peeking,
    stored_by_cut,
    stored_honestly,
    stored_in_module,
    stored_on_disk,
)

CUT = date(2020, 9, 16)


@pytest.fixture
def purchases() -> pd.DataFrame:
    """A hundred purchases before the cut, a hundred from it on."""
    rng = np.random.default_rng(2)
    days = np.repeat(np.arange(-10, 10), 10)
    return pd.DataFrame(
        {
            columns.DAY: pd.Timestamp(CUT) + pd.to_timedelta(days, unit="D"),
            columns.CUSTOMER: rng.integers(0, N_CUSTOMERS, 200),
            columns.ARTICLE: rng.integers(0, N_ARTICLES, 200),
            columns.PRICE: rng.uniform(0, 1, 200),
        }
    )


def scaled_over_the_whole_period(purchases: pd.DataFrame, cut: date) -> Lists:
    """List cheap articles first, where cheap is meant for the mean price of all days."""
    lists = most_bought(before(purchases, cut))
    spread = before(purchases, cut)[columns.PRICE].mean() > purchases[columns.PRICE].mean()
    return {"scaled": lists if spread else lists[:, ::-1]}


def leaks_of(
    recommend_at: RecommendAt, purchases: pd.DataFrame, *, fresh_processes: bool = False
) -> list[Leak]:
    rng = np.random.default_rng(1)
    return find_leaks(recommend_at, purchases, CUT, rng=rng, fresh_processes=fresh_processes)


def test_an_honest_recommender_passes(purchases: pd.DataFrame) -> None:
    refuse_leaks(leaks_of(honest, purchases))


def test_a_peeking_one_is_named_with_how_many_lists_it_changes(purchases: pd.DataFrame) -> None:
    leaks = leaks_of(peeking, purchases)
    assert {leak.model for leak in leaks} == {"peeking"}
    assert "deleted" in {leak.change for leak in leaks}
    assert all(leak.n_changed == leak.n_lists == N_CUSTOMERS for leak in leaks)
    assert leaks[0].examples == (0, 1, 2, 3, 4)
    with pytest.raises(BadInput, match="peeking: 6 of 6 lists differ"):
        refuse_leaks(leaks)


def test_one_customers_list_is_enough(purchases: pd.DataFrame) -> None:
    def peeking_for_one(known: pd.DataFrame, cut: date) -> Lists:
        lists = most_bought(before(known, cut))
        lists[3, 0] = len(known) % 7
        return {"one": lists}

    (leak,) = leaks_of(peeking_for_one, purchases)
    assert (leak.n_changed, leak.examples, leak.change) == (1, (3,), "deleted")


def test_a_number_fitted_over_the_whole_period_is_a_leak(purchases: pd.DataFrame) -> None:
    cheap_later = purchases.copy()
    cheap_later.loc[100:, columns.PRICE] /= 2
    assert {leak.change for leak in leaks_of(scaled_over_the_whole_period, cheap_later)} == {
        "deleted"
    }


def test_shuffling_keeps_the_days_and_touches_nothing_before_the_cut(
    purchases: pd.DataFrame,
) -> None:
    seen: list[pd.DataFrame] = []

    def watching(known: pd.DataFrame, cut: date) -> Lists:
        seen.append(known)
        return honest(known, cut)

    leaks_of(watching, purchases)
    _, deleted, shuffled, another_past = seen
    assert shuffled[columns.DAY].equals(purchases[columns.DAY])
    assert before(shuffled, CUT).equals(before(purchases, CUT))
    for name in (columns.CUSTOMER, columns.ARTICLE, columns.PRICE):
        assert not shuffled[name].equals(purchases[name])
        assert sorted(shuffled[name]) == sorted(purchases[name])
    assert deleted.equals(before(purchases, CUT))
    assert another_past[purchases[columns.DAY] >= pd.Timestamp(CUT)].equals(
        purchases[purchases[columns.DAY] >= pd.Timestamp(CUT)]
    )
    others = before(another_past, CUT)[columns.ARTICLE], before(purchases, CUT)[columns.ARTICLE]
    assert (others[0] != others[1]).all()


@pytest.mark.parametrize(
    "cheating",
    [StoredInObject(), StoredInClass(), stored_in_module, stored_by_cut(), stored_honestly],
)
def test_a_stored_fit_is_found_wherever_it_is_stored(
    cheating: RecommendAt, purchases: pd.DataFrame
) -> None:
    (leak,) = leaks_of(cheating, purchases)
    assert (leak.model, leak.change, leak.n_lists) == ("stored", "stored fit", N_CUSTOMERS)
    with pytest.raises(BadInput, match="none of 6 lists differs after all articles bought before"):
        refuse_leaks([leak])
    # Also where it was stored before the check began.
    assert leaks_of(cheating, purchases) == [leak]


def test_a_fit_stored_on_disk_is_found(purchases: pd.DataFrame, tmp_path: Path) -> None:
    (leak,) = leaks_of(stored_on_disk(tmp_path), purchases)
    assert leak.change == "stored fit"


def test_a_model_that_knows_who_will_buy_is_found(purchases: pd.DataFrame) -> None:
    few = purchases.copy()
    few.loc[100:, columns.CUSTOMER] = np.arange(100) % 2
    assert "deleted" in {leak.change for leak in leaks_of(knowing_who_buys, few)}


def test_one_number_stored_in_memory_is_found_by_fitting_in_fresh_processes(
    purchases: pd.DataFrame,
) -> None:
    cheap_later = purchases.copy()
    cheap_later.loc[100:, columns.PRICE] /= 2
    cheating_models.STORED["mean price"] = np.array(0.0)  # as an earlier fit here left it
    assert leaks_of(one_number_stored, cheap_later) == []
    leaks = leaks_of(one_number_stored, cheap_later, fresh_processes=True)
    assert {leak.change for leak in leaks} == {"deleted", "shuffled"}  # and not read anew
    assert leaks_of(honest, purchases, fresh_processes=True) == []


def test_a_model_that_no_purchase_enters_need_not_change(purchases: pd.DataFrame) -> None:
    def of_texts(_purchases: pd.DataFrame, _cut: date) -> Lists:
        return {"texts": np.zeros((N_CUSTOMERS, 5), np.int32)}

    rng = np.random.default_rng(1)
    assert find_leaks(of_texts, purchases, CUT, rng=rng, unfitted={"texts"}) == []
    assert len(find_leaks(of_texts, purchases, CUT, rng=rng)) == 1


def test_lists_from_other_histories_do_not_hide_a_stored_fit(purchases: pd.DataFrame) -> None:
    """Lists may change with the histories they are for, although the model is a stored one."""
    stored = StoredInObject()

    def for_histories(fitted_on: pd.DataFrame, histories: pd.DataFrame) -> Lists:
        lists = stored(fitted_on, CUT)["stored"].copy()
        lists[:, 0] = before(histories, CUT)[columns.ARTICLE].iloc[-1]
        return {"stored": lists}

    def recommend_at(known: pd.DataFrame, _cut: date) -> Lists:
        return for_histories(known, known)

    def refit_at(known: pd.DataFrame, _cut: date) -> Lists:
        return for_histories(known, purchases)

    rng = np.random.default_rng(1)
    assert find_leaks(recommend_at, purchases, CUT, rng=rng) == []
    (leak,) = find_leaks(recommend_at, purchases, CUT, rng=rng, refit_at=refit_at)
    assert leak.change == "stored fit"


def test_a_nondeterministic_model_is_refused_and_not_called_a_leak(purchases: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)

    def nondeterministic(known: pd.DataFrame, cut: date) -> Lists:
        return {"nondeterministic": rng.permuted(most_bought(before(known, cut)), axis=1)}

    with pytest.raises(BadInput, match="same lists for the same purchases"):
        leaks_of(nondeterministic, purchases)


def test_without_a_future_nothing_is_shown(purchases: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="nothing could leak"):
        leaks_of(honest, before(purchases, CUT))
