"""The leak check on recommenders whose sight is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.errors import BadInput
from hemline.evaluation.leakage import Leak, Lists, RecommendAt, find_leaks, refuse_leaks

CUT = date(2020, 9, 16)
N_CUSTOMERS, N_ARTICLES = 6, 30


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


def most_bought(purchases: pd.DataFrame) -> np.ndarray:
    counts = np.bincount(purchases[columns.ARTICLE], minlength=N_ARTICLES)
    best = np.argsort(-counts, kind="stable")[:5]
    return np.tile(best.astype(np.int32), (N_CUSTOMERS, 1))


def before(purchases: pd.DataFrame, cut: date) -> pd.DataFrame:
    return purchases[purchases[columns.DAY] < pd.Timestamp(cut)]


def honest(purchases: pd.DataFrame, cut: date) -> Lists:
    return {"honest": most_bought(before(purchases, cut))}


def peeking(purchases: pd.DataFrame, cut: date) -> Lists:
    return honest(purchases, cut) | {"peeking": most_bought(purchases)}


def scaled_over_the_whole_period(purchases: pd.DataFrame, cut: date) -> Lists:
    """List cheap articles first, where cheap is meant for the mean price of all days."""
    lists = most_bought(before(purchases, cut))
    spread = before(purchases, cut)[columns.PRICE].mean() > purchases[columns.PRICE].mean()
    return {"scaled": lists if spread else lists[:, ::-1]}


def leaks_of(recommend_at: RecommendAt, purchases: pd.DataFrame) -> list[Leak]:
    return find_leaks(recommend_at, purchases, CUT, rng=np.random.default_rng(1))


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
    _, shuffled, deleted = seen
    assert shuffled[columns.DAY].equals(purchases[columns.DAY])
    assert before(shuffled, CUT).equals(before(purchases, CUT))
    for name in (columns.CUSTOMER, columns.ARTICLE, columns.PRICE):
        assert not shuffled[name].equals(purchases[name])
        assert sorted(shuffled[name]) == sorted(purchases[name])
    assert deleted.equals(before(purchases, CUT))


def test_a_nondeterministic_model_is_refused_and_not_called_a_leak(purchases: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)

    def nondeterministic(known: pd.DataFrame, cut: date) -> Lists:
        return {"nondeterministic": rng.permuted(most_bought(before(known, cut)), axis=1)}

    with pytest.raises(BadInput, match="same lists for the same purchases"):
        leaks_of(nondeterministic, purchases)


def test_without_a_future_nothing_is_shown(purchases: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="nothing could leak"):
        leaks_of(honest, before(purchases, CUT))
